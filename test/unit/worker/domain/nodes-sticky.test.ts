/** Nodes in a sticky category: failed checks counted at the edge, one an interval, for no report tells this streak. */
import { describe, expect, it } from 'vitest'
import type { Node, Report } from '../../../../worker/contract/report.ts'
import type { ClusterState } from '../../../../worker/domain/cluster.ts'
import { aCategory, aContent, aHeartbeat, aNode, aSnapshot } from '../../../support/a-report.ts'
import { accept, T0 } from '../../../support/apply.ts'

const BAD = [aNode({ checks: [{ name: 'kubelet', passed: false }] })]
const GOOD = [aNode({ checks: [{ name: 'kubelet', passed: true }] })]
const STICKY = aCategory({
  name: 'infra',
  services: ['nodes'],
  isSticky: true,
  failureThreshold: 100,
})

/** `null`: a heartbeat. */
interface Step {
  atSeconds: number
  nodes: Node[] | null
  epoch?: number
}

function play(steps: Step[]): number[] {
  let state: ClusterState | null = null
  return steps.map(({ atSeconds, nodes, epoch = 1 }, i) => {
    const nowMs = T0 + atSeconds * 1000
    const place = { sequence: i + 1, epoch, observedAt: nowMs }
    const content = aContent({ categories: [STICKY], nodes })
    const report: Report = nodes === null ? aHeartbeat(place) : aSnapshot({ ...place, content })
    state = accept(state, report, nowMs).state
    return state.pulse.counts.find(({ service }) => service === 'nodes')?.failed ?? 0
  })
}

describe('the count of the failing nodes', () => {
  it.each<[string, Step[], number[]]>([
    [
      'grows by one each interval',
      [
        { atSeconds: 0, nodes: BAD },
        { atSeconds: 10, nodes: null },
        { atSeconds: 20, nodes: null },
      ],
      [1, 2, 3],
    ],
    [
      'is not grown by reports in between',
      [
        { atSeconds: 0, nodes: BAD },
        { atSeconds: 3, nodes: BAD },
        { atSeconds: 9.9, nodes: null },
        { atSeconds: 10, nodes: null },
      ],
      [1, 1, 1, 2],
    ],
    [
      'has the checks of heartbeats that were lost',
      [
        { atSeconds: 0, nodes: BAD },
        { atSeconds: 40, nodes: null },
      ],
      [1, 5],
    ],
    [
      'has one of a snapshot after a silence: nobody says that they failed all the time',
      [
        { atSeconds: 0, nodes: BAD },
        { atSeconds: 40, nodes: BAD },
        { atSeconds: 50, nodes: null },
      ],
      [1, 2, 3],
    ],
    [
      'has one of a cluster that comes back from the dead',
      [
        { atSeconds: 0, nodes: GOOD },
        { atSeconds: 3600, nodes: BAD },
        { atSeconds: 3610, nodes: null },
        { atSeconds: 3620, nodes: null },
      ],
      [0, 1, 2, 3],
    ],
    [
      'has one though they failed before and after it was dead',
      [
        { atSeconds: 0, nodes: BAD },
        { atSeconds: 3600, nodes: null },
        { atSeconds: 3610, nodes: null },
      ],
      [1, 2, 3],
    ],
    [
      'begins anew once they are well',
      [
        { atSeconds: 0, nodes: BAD },
        { atSeconds: 10, nodes: null },
        { atSeconds: 20, nodes: GOOD },
        { atSeconds: 30, nodes: null },
        { atSeconds: 40, nodes: BAD },
      ],
      [1, 2, 0, 0, 1],
    ],
    [
      'takes one check of a new leader, however long nobody spoke',
      [
        { atSeconds: 0, nodes: BAD },
        { atSeconds: 10, nodes: null },
        { atSeconds: 50, nodes: BAD, epoch: 2 },
        { atSeconds: 60, nodes: null, epoch: 2 },
      ],
      [1, 2, 3, 4],
    ],
  ])('%s', (_, steps, expected) => {
    expect(play(steps)).toEqual(expected)
  })

  it('trips the category at its threshold', () => {
    const category = { ...STICKY, failureThreshold: 2 }
    const content = aContent({ categories: [category], nodes: BAD })
    const { state } = accept(null, aSnapshot({ content }), T0)

    const later = accept(
      state,
      aHeartbeat({ sequence: 2, observedAt: T0 + 10_000 }),
      T0 + 10_000,
    ).state

    expect(later.decisions.overrides).toMatchObject([
      { category: 'infra', cause: 'trip', why: 'nodes failed 2 checks' },
    ])
  })
})
