/** How reports change a cluster's state: order, digest, freshness, holds, and what they leave alone (behaviour, section 2). */
import { describe, expect, it } from 'vitest'
import type { Content, Report } from '../../../../worker/contract/report.ts'
import type { Applied, ClusterState } from '../../../../worker/domain/cluster.ts'
import { judgeFreshness } from '../../../../worker/domain/freshness.ts'
import {
  aBlind,
  aCategory,
  aContent,
  aFailingTarget,
  aHeartbeat,
  aNode,
  aService,
  aSnapshot,
} from '../../../support/a-report.ts'
import { accept, apply, stateAfter, T0 } from '../../../support/apply.ts'
import { isNodesService } from '../../../../worker/domain/nodes.ts'
import { deepFreeze } from '../../../support/deep-freeze.ts'

const FAILING_WEB = aService({ targets: [aFailingTarget()] })

/** Snapshot #1 of epoch 1, received as it was observed. */
const HELD = deepFreeze(stateAfter([aSnapshot()]))

function leaseOf({ pulse }: ClusterState) {
  return pulse.lease
}

describe('the order of reports', () => {
  const held = stateAfter([aSnapshot({ epoch: 2, sequence: 5 })])
  const table: [string, number, number, boolean][] = [
    ['the next', 2, 6, true],
    ['one after a gap', 2, 99, true],
    ['the same again', 2, 5, false],
    ['one before', 2, 4, false],
    ['a newer epoch that starts again', 3, 0, true],
    ['an older epoch that counts on', 1, 99, false],
  ]
  const kinds = [aSnapshot, aHeartbeat, aBlind]

  it.each(table)('counts epoch, then sequence: %s', (_what, epoch, sequence, expected) => {
    const answers = kinds.map((kind) => apply(held, kind({ epoch, sequence }), T0).ok)

    expect(answers).toEqual([expected, expected, expected])
  })

  it('tells a refused one what is held', () => {
    expect(apply(held, aHeartbeat({ epoch: 1, sequence: 6 }), T0)).toEqual({
      ok: false,
      rejection: { reason: 'stale_sequence', held: { epoch: 2, sequence: 5 } },
    })
  })

  it.each([
    ['a snapshot', aSnapshot({ epoch: 0, sequence: 0 })],
    ['a heartbeat', aHeartbeat({ epoch: 0, sequence: 0 })],
    ['a blind report', aBlind({ epoch: 0, sequence: 0 })],
  ])('begins with any place: %s', (_what, report: Report) => {
    expect(stateAfter([report]).pulse).toMatchObject({ epoch: 0, sequence: 0 })
  })

  it('moves on with a report that is merely heard', () => {
    const { state } = accept(held, aHeartbeat({ epoch: 2, sequence: 7, digest: 'other' }))

    expect(apply(state, aSnapshot({ epoch: 2, sequence: 6 }), T0).ok).toBe(false)
  })
})

describe('a snapshot', () => {
  it('brings content, digest, counters and a lease', () => {
    const report = aSnapshot({ digest: 'a', streaks: { web: 2 }, observedAt: T0 - 500 })

    const { state } = accept(null, report)

    expect(state.content).toEqual(report.content)
    expect(state.pulse).toEqual({
      environment: 'demo',
      epoch: 1,
      sequence: 1,
      digest: 'a',
      lease: {
        freshAtMs: T0 - 500,
        validUntilMs: T0 + 59_500,
        heldUntilMs: null,
        byHandUntilMs: null,
        ruling: null,
      },
      intervalSeconds: 10,
      blindSinceMs: null,
      recovery: null,
      resendAskedAtMs: null,
      streaks: { web: 2 },
      streaksEpoch: 1,
      freshSinceMs: T0 - 500,
      aliveSinceMs: T0 - 500,
      counts: [],
      nodes: { minReady: { share: 1 }, failing: null, untoldSinceMs: null, forgetAtMs: null },
      freshness: 'fresh',
      exporter: report.exporter,
    })
  })

  it('takes the place of the one before, wholly', () => {
    const content = aContent({ services: [aService({ name: 'api' })] })

    const { state } = accept(HELD, aSnapshot({ sequence: 2, content }))

    expect(state.content).toEqual(content)
    expect(Object.keys(state.standing.services)).toEqual(['api'])
  })

  it('without services is merely heard, for it is no data', () => {
    const content = aContent({ services: null, categories: [aCategory()] })

    const { state } = accept(HELD, aSnapshot({ sequence: 2, digest: 'b', content }), T0 + 10_000)

    expect(state).toEqual({ ...HELD, pulse: { ...HELD.pulse, sequence: 2 } })
  })
})

describe('a heartbeat', () => {
  it('with the digest held moves lease and counters alone', () => {
    const report = aHeartbeat({ sequence: 2, observedAt: T0 + 9000, streaks: { web: 3 } })

    const { state, transitions, resend } = accept(HELD, report, T0 + 10_000)

    expect(state.pulse).toMatchObject({ sequence: 2, streaks: { web: 3 }, digest: 'digest-1' })
    expect(leaseOf(state).freshAtMs).toBe(T0 + 9000)
    expect(state).toMatchObject({ content: HELD.content, standing: HELD.standing })
    expect({ transitions, resend }).toEqual({ transitions: [], resend: false })
  })

  it('with another digest is heard and asks for a snapshot', () => {
    const report = aHeartbeat({ sequence: 2, digest: 'other', streaks: { web: 3 } })

    const { state, resend } = accept(HELD, report, T0 + 10_000)

    expect(resend).toBe(true)
    expect(state.pulse).toEqual({ ...HELD.pulse, sequence: 2, resendAskedAtMs: T0 + 10_000 })
  })

  it('before any snapshot asks for one and brings no lease', () => {
    const { state, resend } = accept(null, aHeartbeat())

    expect(resend).toBe(true)
    expect(judgeFreshness(leaseOf(state), T0)).toBe('none')
    expect(state.content).toBeNull()
  })

  it('carries the exporter and the interval, also when merely heard', () => {
    const exporter = { ...aHeartbeat().exporter, version: '9.9.9' }
    const report = aHeartbeat({ sequence: 2, digest: 'other', intervalSeconds: 5, exporter })

    const { state } = accept(HELD, report)

    expect(state.pulse).toMatchObject({ exporter, intervalSeconds: 5 })
  })
})

describe('asking for a snapshot', () => {
  const other = { digest: 'other', intervalSeconds: 10 }
  const { state: asked } = accept(HELD, aHeartbeat({ sequence: 2, ...other }))

  it.each([
    ['a millisecond before an interval has passed', 9_999, false],
    ['exactly an interval later', 10_000, true],
    ['by a clock that went back', -1, false],
  ])('happens at most once an interval: %s', (_what, laterMs, expected) => {
    const report = aHeartbeat({ sequence: 3, ...other })

    expect(accept(asked, report, T0 + laterMs).resend).toBe(expected)
  })

  it('counts from the last time it was asked', () => {
    const { state } = accept(asked, aHeartbeat({ sequence: 3, ...other }), T0 + 9_000)
    const second = accept(state, aHeartbeat({ sequence: 4, ...other }), T0 + 10_000)
    const third = accept(second.state, aHeartbeat({ sequence: 5, ...other }), T0 + 19_000)

    expect([second.resend, third.resend]).toEqual([true, false])
  })

  it('is forgotten as soon as the right snapshot came', () => {
    const { state } = accept(asked, aSnapshot({ sequence: 3 }), T0 + 1000)

    const { resend } = accept(state, aHeartbeat({ sequence: 4, ...other }), T0 + 2000)

    expect(resend).toBe(true)
  })

  it('never happens for a snapshot or a blind report', () => {
    const reports = [aSnapshot({ sequence: 2, digest: 'other' }), aBlind({ sequence: 2 })]

    expect(reports.map((report) => accept(HELD, report).resend)).toEqual([false, false])
  })
})

describe('a blind exporter', () => {
  const minute = 60_000

  /** Blind reports every ten seconds, from and to these times after T0. */
  function blindFromTo(state: ClusterState, fromMs: number, toMs: number): ClusterState {
    const count = (toMs - fromMs) / 10_000 + 1
    return Array.from({ length: count }, (_, i) => i).reduce((held, i) => {
      const sequence = held.pulse.sequence + 1
      return accept(held, aBlind({ sequence }), T0 + fromMs + i * 10_000).state
    }, state)
  }

  it('holds the last verdict and moves nothing else', () => {
    const { state } = accept(HELD, aBlind({ sequence: 2, streaks: { web: 9 } }), T0 + 10_000)

    expect(state).toEqual({
      ...HELD,
      pulse: {
        ...HELD.pulse,
        sequence: 2,
        blindSinceMs: T0 + 10_000,
        freshness: 'held',
        lease: { ...HELD.pulse.lease, heldUntilMs: T0 + 70_000 },
      },
    })
  })

  it.each([
    ['exactly 15 min after the first', 15 * minute + 10_000, 'held'],
    ['a millisecond later', 15 * minute + 10_001, 'dead'],
  ])('holds 15 min at most: %s', (_what, atMs, expected) => {
    const state = blindFromTo(HELD, 10_000, 15 * minute)

    expect(judgeFreshness(leaseOf(state), T0 + atMs)).toBe(expected)
  })

  it('goes on being blind past 15 min, and stays dead', () => {
    const state = blindFromTo(HELD, 10_000, 16 * minute)

    expect(judgeFreshness(leaseOf(state), T0 + 16 * minute)).toBe('dead')
  })

  it('holds no longer than it is heard', () => {
    const state = blindFromTo(HELD, 10_000, 30_000)

    expect(judgeFreshness(leaseOf(state), T0 + 30_000 + minute)).toBe('held')
    expect(judgeFreshness(leaseOf(state), T0 + 30_000 + minute + 1)).toBe('dead')
  })

  it.each([
    ['at the end of the lease', minute, 'held'],
    ['a millisecond past the lease', minute + 1, 'dead'],
  ])('brings nobody back from the dead: %s', (_what, atMs, expected) => {
    const { state } = accept(HELD, aBlind({ sequence: 2 }), T0 + atMs)

    expect(judgeFreshness(leaseOf(state), T0 + atMs)).toBe(expected)
  })

  it('has nothing to hold before any snapshot', () => {
    const state = stateAfter([aBlind()])

    expect(judgeFreshness(leaseOf(state), T0)).toBe('none')
  })

  it('sees again with a snapshot or a matching heartbeat', () => {
    const blind = blindFromTo(HELD, 10_000, 50_000)
    const reports = [aSnapshot, aHeartbeat].map((kind) =>
      kind({ sequence: 99, observedAt: T0 + minute }),
    )

    const states = reports.map((report) => accept(blind, report, T0 + minute).state)

    expect(states.map(({ pulse }) => pulse.blindSinceMs)).toEqual([null, null])
    expect(states.map((state) => judgeFreshness(leaseOf(state), T0 + minute))).toEqual([
      'fresh',
      'fresh',
    ])
  })

  it('stays blind by a heartbeat about something else', () => {
    const blind = blindFromTo(HELD, 10_000, 50_000)

    const { state } = accept(blind, aHeartbeat({ sequence: 99, digest: 'other' }), T0 + minute)

    expect(state.pulse).toMatchObject({
      blindSinceMs: T0 + 10_000,
      lease: { heldUntilMs: T0 + 50_000 + minute },
    })
  })
})

describe('what could not be read', () => {
  const full = aContent({
    categories: [aCategory()],
    services: [aService()],
    nodes: [aNode()],
    acks: [{ service: 'web', message: 'known' }],
    warnings: [{ subject: 'web', message: 'old' }],
  })
  const held = stateAfter([aSnapshot({ content: full })])

  /** Without the built-in service, which is made of the nodes. */
  function contentAfter(content: Content): Content | null {
    const { state } = accept(held, aSnapshot({ sequence: 2, content }))
    const services = state.content?.services?.filter((service) => !isNodesService(service)) ?? null
    return state.content && { ...state.content, services }
  }

  it.each(['categories', 'nodes', 'acks'])('stays as it is held: %s', (section) => {
    const unread = { ...full, [section]: null, warnings: [] }

    expect(contentAfter(unread)).toEqual({ ...full, warnings: [] })
  })

  it.each(['categories', 'nodes', 'acks', 'services'])(
    'is gone when it is empty: %s',
    (section) => {
      const emptied = { ...full, [section]: [] }

      expect(contentAfter(emptied)).toEqual(emptied)
    },
  )

  it('stays unknown when it never could be', () => {
    const content = aContent({ categories: null, nodes: null, acks: null })

    expect(stateAfter([aSnapshot({ content })]).content).toEqual(content)
  })

  it('stays for each service by its name: targets not probed yet', () => {
    const services = [aService({ targets: null }), aService({ name: 'new', targets: null })]

    const content = contentAfter(aContent({ services }))

    expect(content?.services?.map(({ targets }) => targets)).toEqual([aService().targets, null])
  })

  it('stays for each service by its name: replicas not listed', () => {
    const { desired: _, ...notListed } = aService()
    const services = [notListed, { ...notListed, name: 'new' }]

    const content = contentAfter(aContent({ services }))

    expect(content?.services?.map(({ desired }) => desired)).toEqual([1, null])
  })

  it('is told from what is said to be none: no workload', () => {
    const services = [aService({ desired: null })]

    expect(contentAfter(aContent({ services }))?.services?.[0]?.desired).toBeNull()
  })
})

describe('a transition', () => {
  const bad = aContent({ services: [FAILING_WEB], categories: [aCategory({ enabled: false })] })

  function transitionsOf(state: ClusterState | null, content: Content): string[] {
    const sequence = (state?.pulse.sequence ?? 0) + 1
    return wordsOf(accept(state, aSnapshot({ sequence, content }), T0 + 10_000))
  }

  function wordsOf({ transitions }: Extract<Applied, { ok: true }>): string[] {
    return transitions.map(({ subject, name, from, to }) => `${subject} ${name}: ${from} to ${to}`)
  }

  it('is an event with time, subject and both words', () => {
    const { transitions } = accept(
      HELD,
      aSnapshot({ sequence: 2, content: aContent({ services: [FAILING_WEB] }) }),
      T0 + 10_000,
    )

    const by = { cause: 'report', actor: null, note: '' }
    const at = { atMs: T0 + 10_000, from: 'ok', to: 'failing', ...by }
    expect(transitions).toEqual([
      { ...at, subject: 'service', name: 'web' },
      { ...at, subject: 'category', name: 'default', from: 'healthy', to: 'unhealthy' },
    ])
  })

  it('comes with the first word and with the last', () => {
    const nothing = aContent({ services: [], categories: [] })

    expect(transitionsOf(null, bad)).toEqual([
      'cluster : no-data to fresh',
      'service web: null to failing',
      'category default: null to unhealthy',
      'category read: null to disabled',
    ])
    expect(transitionsOf(stateAfter([aSnapshot({ content: bad })]), nothing)).toEqual([
      'service web: failing to null',
      'category default: unhealthy to empty',
      'category read: disabled to null',
    ])
  })

  it('does not come with a change of text or severity', () => {
    const worse = aService({ targets: [aFailingTarget({ severity: 1, checkOutput: 'worse' })] })
    const held = stateAfter([aSnapshot({ content: aContent({ services: [FAILING_WEB] }) })])

    expect(transitionsOf(held, aContent({ services: [worse] }))).toEqual([])
  })

  it('does not come for a service before its first probe', () => {
    const services = [aService(), aService({ name: 'new', targets: null })]

    expect(transitionsOf(HELD, aContent({ services }))).toEqual([])
  })
})

describe('since when', () => {
  const failing = aContent({ services: [FAILING_WEB] })

  function sinceOf({ standing }: ClusterState) {
    return [standing.services['web']?.sinceMs, standing.categories[0]?.sinceMs]
  }

  it('is the moment of the change, not of what was observed', () => {
    const report = aSnapshot({ sequence: 2, content: failing, observedAt: T0 + 9000 })

    expect(sinceOf(accept(HELD, report, T0 + 10_000).state)).toEqual([T0 + 10_000, T0 + 10_000])
  })

  it('stays while the word is the same, whatever the severity', () => {
    const worse = aContent({ services: [aService({ targets: [aFailingTarget({ severity: 1 })] })] })
    const { state } = accept(HELD, aSnapshot({ sequence: 2, content: failing }), T0 + 10_000)

    const later = accept(state, aSnapshot({ sequence: 3, content: worse }), T0 + 20_000).state

    expect(sinceOf(later)).toEqual([T0 + 10_000, T0 + 10_000])
    expect(later.standing.services['web']?.severity).toBe(1)
  })

  it('begins again when the word comes back', () => {
    const { state } = accept(HELD, aSnapshot({ sequence: 2, content: failing }), T0 + 10_000)

    const later = accept(state, aSnapshot({ sequence: 3 }), T0 + 20_000).state

    expect(sinceOf(later)).toEqual([T0 + 20_000, T0 + 20_000])
  })

  it('stays for a service called as an object’s own property', () => {
    const content = aContent({ services: [aService({ name: 'constructor' })] })
    const first = stateAfter([aSnapshot({ content })])

    const { state, transitions } = accept(first, aSnapshot({ sequence: 2, content }), T0 + 10_000)

    expect(state.standing.services['constructor']?.sinceMs).toBe(T0)
    expect(transitions).toEqual([])
  })
})

describe('back from the dead', () => {
  const firstMs = T0 + 100_000
  const table: [string, { afterMs: number; epoch: number }, boolean][] = [
    ['a millisecond before an interval', { afterMs: 9999, epoch: 1 }, false],
    ['an interval after the first', { afterMs: 10_000, epoch: 1 }, true],
    ['as late as the time to dead', { afterMs: 60_000, epoch: 1 }, true],
    ['a millisecond later than that', { afterMs: 60_001, epoch: 1 }, false],
    ['of another leader', { afterMs: 10_000, epoch: 2 }, false],
  ]

  it.each(table)('takes a second report: %s', (_what, { afterMs, epoch }, expected) => {
    const secondMs = firstMs + afterMs

    const first = accept(HELD, aHeartbeat({ sequence: 2, observedAt: firstMs }), firstMs)
    const second = accept(
      first.state,
      aHeartbeat({ epoch, sequence: 3, observedAt: secondMs }),
      secondMs,
    )

    expect(judgeFreshness(leaseOf(first.state), firstMs)).toBe('dead')
    expect(judgeFreshness(leaseOf(second.state), secondMs)).toBe(expected ? 'fresh' : 'dead')
  })

  it('counts the second from the first, however many come in between', () => {
    const times = [0, 4000, 8000, 10_000].map((ms) => firstMs + ms)

    const state = times.reduce(
      (held, nowMs, i) =>
        accept(held, aHeartbeat({ sequence: 2 + i, observedAt: nowMs }), nowMs).state,
      HELD,
    )

    expect(judgeFreshness(leaseOf(state), firstMs + 10_000)).toBe('fresh')
  })
})
