/** What people decided against what the cluster says: which one counts, and what ends it (behaviour, section 3). */
import { describe, expect, it } from 'vitest'
import {
  findGiven,
  findHonoured,
  hasConfigMapChanged,
  isEnabled,
  readDecisions,
  keepHidden,
  NO_DECISIONS,
  type Override,
} from '../../../../worker/domain/decisions.ts'
import type { CategoryFacts } from '../../../../worker/domain/verdict.ts'
import { deepFreeze } from '../../../support/deep-freeze.ts'
import { T0 } from '../../../support/apply.ts'

function facts(said: boolean | null): CategoryFacts {
  return deepFreeze({
    name: 'read',
    services: [],
    refreshSeconds: null,
    isSticky: false,
    failureThreshold: 3,
    onMissing: 'degrade',
    said,
    isKnown: true,
    isChecked: true,
    failures: [],
    missing: [],
    late: [],
  })
}

function anOverride(given: Partial<Override> = {}): Override {
  return deepFreeze({
    category: 'read',
    isEnabled: false,
    cause: 'hand',
    by: 'nina',
    why: '',
    atMs: T0,
    saidThen: null,
    isRestored: false,
    ...given,
  })
}

function hand(isOn: boolean): Override {
  return anOverride({ isEnabled: isOn })
}

describe('a category', () => {
  const table: [string, boolean | null, Override[], boolean][] = [
    ['nobody says anything', null, [], true],
    ['its ConfigMap says enabled', true, [], true],
    ['its ConfigMap says disabled', false, [], false],
    ['disabled by hand', null, [hand(false)], false],
    ['disabled by hand, not by its ConfigMap', true, [hand(false)], false],
    ['enabled by hand, not by its ConfigMap', false, [hand(true)], true],
    ['another one was disabled', null, [anOverride({ category: 'write' })], true],
  ]

  it.each(table)('is enabled by the last word of a person: %s', (...row) => {
    const [, said, overrides, expected] = row

    expect(isEnabled(facts(said), readDecisions({ ...NO_DECISIONS, overrides }, 0))).toBe(expected)
  })
})

describe('an override', () => {
  const table: [string, boolean | null, boolean | null | undefined, boolean][] = [
    ['silent then, silent now', null, null, false],
    ['silent then, gone now', null, undefined, false],
    ['silent then, enabled now', null, true, false],
    ['silent then, disabled now', null, false, true],
    ['enabled then and now', true, true, false],
    ['enabled then, disabled now', true, false, true],
    ['enabled then, silent now', true, null, false],
    ['enabled then, gone now', true, undefined, false],
    ['disabled then and now', false, false, false],
    ['disabled then, enabled now', false, true, true],
    ['disabled then, silent now', false, null, false],
  ]

  it.each(table)('ends by an explicit other word alone: %s', (_what, saidThen, now, expected) => {
    const known = now === undefined ? undefined : facts(now)

    expect(hasConfigMapChanged(anOverride({ saidThen }), known)).toBe(expected)
  })
})

describe('an ack of the ConfigMap that was hidden', () => {
  const hidden = deepFreeze([{ service: 'web', message: 'known' }])
  const other = { service: 'api', message: 'known' }
  const table: [string, { service: string; message: string }[] | null, number][] = [
    ['the same text', [{ service: 'web', message: 'known' }], 1],
    ['the same text and another service', [other, { service: 'web', message: 'known' }], 1],
    ['the same text with a line break', [{ service: 'web', message: 'known\n' }], 1],
    ['another text', [{ service: 'web', message: 'known now' }], 0],
    ['the text at another service alone', [other], 1],
    ['none', [], 1],
    ['not read', null, 1],
  ]

  it.each(table)('stays so while its text is the same: %s', (_what, honoured, expected) => {
    expect(keepHidden(hidden, deepFreeze(honoured))).toHaveLength(expected)
  })

  it('is the very same list where nothing changed', () => {
    expect(keepHidden(hidden, null)).toBe(hidden)
    expect(keepHidden(hidden, [...hidden])).toBe(hidden)
  })

  it('does not count, and others do', () => {
    const honoured = deepFreeze([...hidden, { service: 'api', message: 'known' }])

    expect([...findHonoured(honoured, hidden)]).toEqual([['api', 'known']])
    expect([...findHonoured(honoured, [{ service: 'web', message: 'else' }]).keys()]).toEqual([
      'web',
      'api',
    ])
    expect([...findHonoured(null, hidden)]).toEqual([])
  })

  it('does not count after an upgrade of the exporter, which trims its text', () => {
    const untrimmed = [{ service: 'web', message: 'known\n' }]

    expect([...findHonoured(hidden, untrimmed)]).toEqual([])
    expect(keepHidden(untrimmed, [...hidden])).toBe(untrimmed)
  })

  it.each(['constructor', '__proto__', 'a, b', 'two\nlines'])(
    'is known by any name: %j',
    (name) => {
      const odd = deepFreeze([{ service: name, message: name }])

      expect([...findHonoured(odd, [])]).toEqual([[name, name]])
      expect([...findHonoured(odd, odd)]).toEqual([])
      expect(keepHidden(odd, odd)).toBe(odd)
    },
  )
})

describe('an ack given here', () => {
  const ack = {
    service: 'web',
    message: 'known',
    by: 'nina',
    atMs: T0,
    until: 'removed' as const,
    failure: { marks: [], severity: null },
    goodSinceMs: null,
    isRestored: false,
  }

  it.each([
    ['without an end', null, true],
    ['a millisecond before its end', T0 + 1, true],
    ['at its end', T0, false],
  ])('counts by the clock of who asks: %s', (_what, expiresAtMs, expected) => {
    const given = findGiven({ ...NO_DECISIONS, acks: [{ ...ack, expiresAtMs }] }, T0)

    expect(given.has('web')).toBe(expected)
  })
})
