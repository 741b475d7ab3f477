/** Two replicas and a Lease: who speaks to the edge, through API outages, hands in the Lease, and its loss. */
import { describe, expect, it, vi } from 'vitest'
import { createSelf } from '../../node-exporter/self/self.ts'
import type { World } from '../sandbox/world.ts'
import {
  acceptedBy,
  aKubeconfigOfItsOwn,
  editLease,
  holderOf,
  LEASE,
  LEASE_ENV,
  leaseOf,
  makeLeaseNamespace,
  specOf,
} from '../support/exporter/a-lease.ts'
import { IS_LONG } from '../support/exporter/a-prober.ts'
import {
  anEdge,
  anExporter,
  askGtg,
  aWorld,
  type RunningExporter,
} from '../support/exporter/a-setup.ts'
import { containing } from '../support/like.ts'

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
const SOON = { timeout: 10_000, interval: 20 }
const LEADS = /leads from now on, epoch/

async function aTown() {
  const world = await aWorld()
  makeLeaseNamespace(world)
  const [pod = ''] = await world.addService({ name: 'web' })
  return { world, pod, edge: await anEdge() }
}
type Town = Awaited<ReturnType<typeof aTown>>

function aReplica(
  { world, edge }: Pick<Town, 'world' | 'edge'>,
  name: string,
  env: Record<string, string> = {},
): Promise<RunningExporter> {
  return anExporter(world, edge.url, { env: { ...LEASE_ENV, POD_NAME: name, ...env } })
}

/** `a` leads and is believed, `b` stands by. */
async function twoReplicas({ aEnv = {} }: { aEnv?: Record<string, string> } = {}) {
  const town = await aTown()
  const a = await aReplica(town, 'a', aEnv)
  await healthy(town)
  const b = await aReplica(town, 'b')
  await vi.waitFor(() => {
    expect(b.log.join('\n')).toContain('leader healthy')
  }, SOON)
  return { ...town, a, b }
}

async function healthy({ edge }: Pick<Town, 'edge'>): Promise<void> {
  await vi.waitFor(async () => {
    expect(await askGtg(edge.worker)).toEqual({ status: 200, reason: 'healthy' })
  }, SOON)
}

/** Ten reports of one epoch, one after the other, all accepted, and the verdict fresh by them. */
async function oneSpeaker(town: Pick<Town, 'edge'>, epoch: number): Promise<void> {
  const { edge } = town
  const from = edge.passed.length
  await vi.waitFor(() => {
    const answered = edge.passed.slice(from).filter(({ status }) => status !== null)
    const last = answered.slice(-10).map(({ report, status }) => `${report.epoch}: ${status}`)
    expect(last).toEqual(Array<string>(10).fill(`${epoch}: 202`))
    expect(answered.at(-1)?.report.kind).toBe('heartbeat')
  }, SOON)
  await healthy(town)
}

function leadsOf({ log }: RunningExporter): string[] {
  return log.filter((line) => LEADS.test(line))
}

function asks(world: World): number {
  return [...world.pods.asked.values()].reduce((sum, count) => sum + count, 0)
}

async function passReports({ edge }: Pick<Town, 'edge'>, count: number): Promise<void> {
  const from = edge.passed.length
  await vi.waitFor(() => {
    expect(edge.passed.length - from).toBeGreaterThanOrEqual(count)
  }, SOON)
}

describe('two replicas', () => {
  it('have one leader, and the other probes nobody and sends nothing', async () => {
    const town = await aTown()
    const { world, edge } = town
    const a = await aReplica(town, 'a')
    await healthy(town)
    const b = await aReplica(town, 'b', { KUBECONFIG: aKubeconfigOfItsOwn(world, 'of-b') })
    await vi.waitFor(() => {
      expect(b.log.join('\n')).toContain('leader healthy')
    }, SOON)

    world.api.tokens.delete('of-b') // so that it can't take over what a gives back
    await a.stop()
    const stoppedAt = [asks(world), edge.passed.length]

    await vi.waitFor(() => {
      expect(b.log.join('\n')).toContain('leader degraded')
    }, SOON)

    expect([asks(world), edge.passed.length]).toEqual(stoppedAt)
    expect([leadsOf(a), leadsOf(b)]).toEqual([['info leads from now on, epoch 0'], []])
  })

  it('change hands at once when the leader is stopped: blind, then a snapshot', async () => {
    const { world, edge, a, b } = await twoReplicas()
    const held = leaseOf(world)

    const from = edge.passed.length
    await a.stop()
    const releasedMs = performance.now()
    expect(specOf(world)).toMatchObject({
      holderIdentity: '',
      leaseTransitions: 0,
      leaseDurationSeconds: 1,
    })
    await vi.waitFor(() => {
      expect(leadsOf(b)).toHaveLength(1)
    }, SOON)

    expect(performance.now() - releasedMs).toBeLessThan(600) // well below the lease
    await oneSpeaker({ edge }, 1)
    const kinds = acceptedBy(edge)
      .filter(({ report }) => report.epoch === 1)
      .map(({ report }) => report.kind)
    expect(kinds[0]).toBe('blind')
    expect(kinds.find((kind) => kind !== 'blind')).toBe('snapshot')
    const epochs = edge.passed.slice(from).map(({ report }) => report.epoch)
    expect(epochs).toEqual(epochs.toSorted((x, y) => x - y))
    expect(leaseOf(world)?.metadata.uid).toBe(held?.metadata.uid)
  })
})

describe('the API server away', () => {
  it('fails nobody over: the leader goes on, degraded', async () => {
    const { world, edge, a, b } = await twoReplicas()

    await world.api.faults.goAway()
    await vi.waitFor(() => {
      const { leader } = edge.passed.at(-1)?.report.exporter.components ?? {}
      expect(leader).toMatchObject({ status: 'degraded' })
      expect(leader?.message).toMatch(/^leads, epoch 0; the Lease can't be had: /)
    }, SOON)
    await passReports({ edge }, 10) // two leases long

    await world.api.faults.comeBack()
    await oneSpeaker({ edge }, 0)
    expect([leadsOf(a).length, leadsOf(b).length]).toEqual([1, 0])
  })

  const statuses = IS_LONG ? [401, 403, 429, 500] : [403] // the others with FAULTS=long
  it.each(statuses)('answering %i is no other matter', async (status) => {
    const { world, edge, a, b } = await twoReplicas()

    const mend = world.api.faults.answer({ status, path: /leases/ })
    await vi.waitFor(() => {
      expect(edge.passed.at(-1)?.report.exporter.components['leader']?.status).toBe('degraded')
    }, SOON)
    await passReports({ edge }, 8)
    mend()

    await oneSpeaker({ edge }, 0)
    expect([leadsOf(a).length, leadsOf(b).length]).toEqual([1, 0])
  })

  it('at the start lets everybody wait', async () => {
    const town = await aTown()
    await town.world.api.faults.goAway()
    const a = await aReplica(town, 'a')
    await vi.waitFor(() => {
      expect(a.log.join('\n')).toContain('leader degraded: stands by')
    }, SOON)
    expect(town.edge.passed).toEqual([])

    await town.world.api.faults.comeBack()

    await oneSpeaker(town, 0)
  })

  it('for the leader alone: the other takes over, and the edge refuses the first', async () => {
    const town = await aTown()
    const KUBECONFIG = aKubeconfigOfItsOwn(town.world, 'of-a')
    const a = await aReplica(town, 'a', { KUBECONFIG })
    await healthy(town)
    const b = await aReplica(town, 'b')

    town.world.api.tokens.delete('of-a')

    await vi.waitFor(() => {
      expect(a.log.join('\n')).toContain('stands down: the edge holds reports of epoch 1')
    }, SOON)
    await oneSpeaker(town, 1)
    expect([a.isSuperseded(), leadsOf(b).length]).toEqual([false, 1])
    town.world.api.tokens.add('of-a')
    await oneSpeaker(town, 1)
    expect(holderOf(town.world)).toBe('b')
  })
})

describe('the right to Leases', () => {
  it('that is missing is named, and nobody leads without it', async () => {
    const town = await aTown()
    town.world.api.faults.answer({ status: 403, path: /leases/ })

    const a = await aReplica(town, 'a')

    await vi.waitFor(() => {
      expect(a.log.join('\n')).toContain(
        'the right to get leases (coordination.k8s.io) in namespace pilotlight is missing',
      )
    }, SOON)
    expect(town.edge.passed).toEqual([])
  })

  it('that is missing from the start makes a replica not ready, until it is granted', async () => {
    const town = await aTown()
    const grant = town.world.api.faults.answer({ status: 403, path: /leases/ })
    const self = createSelf(silent, ['cluster'], 'demo')
    await anExporter(town.world, town.edge.url, { env: { ...LEASE_ENV, POD_NAME: 'a' }, self })
    await vi.waitFor(() => {
      expect(self.health.read()).toMatchObject({
        readiness: { ok: false, why: containing('leader: the right to get leases') },
        liveness: { ok: true },
      })
    }, SOON)

    grant()

    await vi.waitFor(() => {
      expect(self.health.readiness()).toEqual({ ok: true, why: null })
    }, SOON)
    await oneSpeaker(town, 0)
  })

  it.each([403, 401, 503])(
    'that is refused later, by %i, leaves a leader ready',
    async (status) => {
      const town = await aTown()
      const self = createSelf(silent, ['cluster'], 'demo')
      await anExporter(town.world, town.edge.url, { env: { ...LEASE_ENV, POD_NAME: 'a' }, self })
      await healthy(town)
      await vi.waitFor(() => {
        const { requests } = town.world.api.seen
        expect(requests.some(({ method, path }) => method === 'PUT' && /leases/.test(path))).toBe(
          true,
        )
      }, SOON)

      town.world.api.faults.answer({ status, path: /leases/ })

      await vi.waitFor(() => {
        expect(self.health.get('leader')?.status).toBe('degraded')
      }, SOON)
      expect(self.health.readiness()).toEqual({ ok: true, why: null })
    },
  )
})

describe('a Lease', () => {
  it('that is deleted is made anew, and nobody notices', async () => {
    const { world, edge, a, b } = await twoReplicas()

    world.api.remove(LEASE)

    await oneSpeaker({ edge }, 0)
    expect([holderOf(world), specOf(world).leaseTransitions]).toEqual(['a', 0])
    expect([leadsOf(a).length, leadsOf(b).length]).toEqual([1, 0])
  })

  it('that was lost with all replicas counts on from what the edge holds', async () => {
    const town = await aTown()
    const first = await aReplica(town, 'a')
    await healthy(town)
    await first.stop()
    editLease(town.world, { leaseTransitions: 6 })
    const second = await aReplica(town, 'b')
    await oneSpeaker(town, 7)
    await second.stop()
    town.world.api.remove(LEASE)

    const third = await aReplica(town, 'c')

    await oneSpeaker(town, 8)
    expect(leadsOf(third).map((line) => line.replace(/.*epoch /, ''))).toEqual(['0', '8'])
    expect(specOf(town.world)).toMatchObject({ leaseTransitions: 8 })
  })

  it('that is restored to an older state is put right, and nobody notices', async () => {
    const town = await twoReplicas()
    const { world, a, b } = town
    await a.stop()
    await oneSpeaker(town, 1)
    const before = { holderIdentity: 'a_dead', leaseTransitions: 0 }

    editLease(world, before)

    await vi.waitFor(() => {
      expect([holderOf(world), specOf(world).leaseTransitions]).toEqual(['b', 1])
    }, SOON)
    await oneSpeaker(town, 1)
    expect(leadsOf(b)).toHaveLength(1)
  })

  it('that is given by hand to nobody is taken when its time is up', async () => {
    const { world, edge, a } = await twoReplicas()
    const from = edge.passed.length

    editLease(world, { holderIdentity: 'nobody' })

    await vi.waitFor(() => {
      expect(a.log.join('\n')).toContain('stands down: nobody holds the Lease, epoch 0')
    }, SOON)
    await oneSpeaker({ edge }, 1)
    const epochs = edge.passed.slice(from).map(({ report }) => report.epoch)
    expect(epochs).toEqual(epochs.toSorted((x, y) => x - y))
  })

  it('that is given by hand to the standby is taken by it at once', async () => {
    const { world, edge, a, b } = await twoReplicas()
    const [, identity = ''] = /stands for the Lease as (\S+)/.exec(b.log.join('\n')) ?? []

    editLease(world, { holderIdentity: identity })
    const givenMs = performance.now()
    await vi.waitFor(() => {
      expect(leadsOf(b)).toEqual(['info leads from now on, epoch 1'])
    }, SOON)

    expect(performance.now() - givenMs).toBeLessThan(600)
    await oneSpeaker({ edge }, 1)
    expect(a.log.join('\n')).toContain('stands down')
  })

  it('keeps what is not its holder’s: labels, and fields of others', async () => {
    const town = await aTown()
    town.world.api.create({
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { ...LEASE, labels: { team: 'edge' } },
      spec: { preferredHolder: 'x', leaseTransitions: 4 },
    })

    await aReplica(town, 'a')

    await oneSpeaker(town, 5)
    expect(leaseOf(town.world)).toMatchObject({
      metadata: { labels: { team: 'edge' } },
      spec: { preferredHolder: 'x', leaseTransitions: 5, leaseDurationSeconds: 1 },
    })
  })
})
