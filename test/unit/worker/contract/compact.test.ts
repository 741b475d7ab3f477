/** A content as it travels, and the fast way of reading it: both say what the long way says. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as v from 'valibot'
import { compactContent } from '../../../../worker/contract/compact.ts'
import { contentSchema, type Content } from '../../../../worker/contract/report.ts'
import { aContent, aFailingTarget, aService, aTarget } from '../../../support/a-report.ts'
import { throughJson } from '../../../support/through-json.ts'

const flag = fc.boolean()
const word = fc.constantFrom('db', 'database', 'queue', '__proto__', 'é', 'x'.repeat(253))
const optional = <T>(key: string, value: fc.Arbitrary<T>) =>
  fc.option(value, { nil: undefined }).map((one) => (one === undefined ? {} : { [key]: one }))

const check = fc
  .tuple(
    fc.record({ id: word, name: word, ok: flag }),
    optional('severity', fc.constantFrom(1, 2, 3)),
    optional('checkOutput', fc.constantFrom('', 'refused', 'é'.repeat(512))),
  )
  .map(([one, ...rest]) => Object.assign({}, one, ...rest))
const target = fc
  .tuple(
    fc.record({
      id: word,
      ready: flag,
      ok: flag,
      answered: flag,
      checkedAt: fc.nat(),
      checks: fc.array(check, { maxLength: 3 }),
    }),
    optional('node', fc.constantFrom('node-1', 'node-2', '')),
    optional('reason', fc.constantFrom('', 'timeout')),
  )
  .map(([one, ...rest]) => Object.assign({}, one, ...rest))
const content = fc
  .array(fc.option(fc.array(target, { maxLength: 4 })), { maxLength: 4 })
  .map((services) =>
    aContent({ services: services.map((targets, i) => aService({ name: `s${i}`, targets })) }),
  )

describe('a compact content', () => {
  it('reads as the content that it was', () => {
    fc.assert(
      fc.property(content, (whole) => {
        const read = v.parse(contentSchema, throughJson(compactContent(whole)))

        expect(read).toEqual(whole)
      }),
    )
  })

  it('writes the checks of like pods once, and of what is well only what differs', () => {
    const targets = [aTarget({ id: 'a', node: 'n' }), aTarget({ id: 'b', node: 'n' })]
    const { services, checkSets, nodeNames } = compactContent(
      aContent({ services: [aService({ targets })] }),
    )

    const { checkedAt } = aTarget()
    expect(services?.[0]?.targets).toEqual([
      { id: 'a', node: 0, checkedAt, checks: 0 },
      { id: 'b', node: 0, checkedAt, checks: 0 },
    ])
    expect([checkSets?.length, nodeNames]).toEqual([1, ['n']])
  })

  it('says of what fails that it does', () => {
    const whole = aContent({ services: [aService({ targets: [aFailingTarget()] })] })

    const { services, checkSets } = compactContent(whole)

    expect(services?.[0]?.targets?.[0]).toMatchObject({ ok: false, checks: 0 })
    expect(checkSets?.[0]?.[0]).toMatchObject({ id: 'database', ok: false })
  })

  it.each([
    ['a set', { checks: 1 }],
    ['a node', { node: 1 }],
  ])('is refused when it names %s that is not there', (_, given) => {
    const compact = compactContent(aContent({ services: [aService()] }))
    const services = compact.services?.map((service) => ({
      ...service,
      targets: service.targets?.map((one) => ({ ...one, ...given })),
    }))

    const { issues } = v.safeParse(contentSchema, { ...compact, services })

    expect(issues?.[0].message).toContain('is not there')
  })
})

describe('the fast way to read', () => {
  const odd = fc.constantFrom(
    null,
    '',
    -1,
    0.5,
    2 ** 53,
    '1',
    true,
    [],
    {},
    'x'.repeat(254),
    'x'.repeat(1025),
    'é'.repeat(513),
    8_640_000_000_000_001,
  )

  /** An unknown key is ignored; but whatever has one is not plain, and is read by the schema. */
  function withUnknownKeys(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(withUnknownKeys)
    if (typeof value !== 'object' || value === null) return value
    const entries = Object.entries(value).map(([key, one]) => [key, withUnknownKeys(one)])
    return { ...Object.fromEntries(entries), 'never heard of': 1 }
  }

  /** Puts `odd` in the place of one of its values, whichever it is. */
  function spoil(value: unknown, { at, put }: { at: { left: number }; put: unknown }): unknown {
    if (at.left-- === 0) return put
    if (Array.isArray(value)) return value.map((one): unknown => spoil(one, { at, put }))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value).map(([key, one]) => [key, spoil(one, { at, put })]),
    )
  }

  it('takes and refuses what the schema does', () => {
    fc.assert(
      fc.property(content, fc.nat({ max: 120 }), odd, (whole, left, put) => {
        const sent = throughJson(compactContent(whole))
        const spoilt = spoil(sent, { at: { left }, put })
        const read = (value: unknown): Content | null => {
          const result = v.safeParse(contentSchema, value)
          return result.success ? result.output : null
        }

        expect(read(structuredClone(spoilt))).toEqual(read(withUnknownKeys(spoilt)))
      }),
      { numRuns: 500 },
    )
  })
})
