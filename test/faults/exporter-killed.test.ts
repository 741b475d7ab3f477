/** The only exporter is killed, -9, and replaced by a new process without a Lease, as a Deployment does. */
import { expect, it } from 'vitest'
import { aProbedTown, aReplica } from '../support/exporter/a-replica.ts'
import { IS_LONG } from '../support/exporter/a-prober.ts'
import { acceptedBy } from '../support/exporter/a-lease.ts'

const env = { INTERVAL_SECONDS: '0.5' }

const PODS = [
  ['all is well', { kind: 'slow', ms: 400 }, '200 healthy'],
  ['a pod broke meanwhile', { kind: 'failing' }, '503 unhealthy'],
] as const

it.each(IS_LONG ? PODS : PODS.slice(1))(
  'is late, and says what holds once it was replaced: %s',
  async (_, pods, then) => {
    const { world, pod, edge, prober } = await aProbedTown({ DEAD_AFTER_SECONDS: '30' })
    const first = aReplica(world, edge.url, env)
    await prober.until('200 healthy')
    prober.mark()

    first.kill('SIGKILL')
    await prober.until('200 late')
    await world.pods.set(pod, pods)
    const from = edge.passed.length
    aReplica(world, edge.url, env)
    await prober.until(then)

    expect(
      prober.differences('exporter killed and replaced', [
        ['200 healthy', 0.4, 1.8],
        ['200 late', 0.1, 20],
        [then === '200 healthy' ? '200 held' : '200 held?', 0, 10],
        [then],
      ]),
    ).toBe('')
    const kinds = acceptedBy({ ...edge, passed: edge.passed.slice(from) }).map((p) => p.report.kind)
    expect(kinds.find((kind) => kind !== 'blind')).toBe('snapshot')
  },
)
