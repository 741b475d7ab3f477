/** Two exporters as processes, and the leader goes: killed with production's timings, or frozen past its lease and thawed. */
import { expect, it, onTestFinished, vi } from 'vitest'
import type { EdgeProxy } from '../sandbox/edge-proxy.ts'
import { startProcess, type RunningProcess } from '../sandbox/process.ts'
import type { World } from '../sandbox/world.ts'
import { holderOf, LEASE_ENV, makeLeaseNamespace, specOf } from '../support/exporter/a-lease.ts'
import { aKubeconfig, anEdge, askGtg, aWorld, CLUSTER } from '../support/exporter/a-setup.ts'
import { PUSH_SECRET } from '../support/secrets.ts'

const SOON = { timeout: 30_000, interval: 20 }
/** Leave those out that production leaves out. */
const DEFAULTS = { LEASE_DURATION_SECONDS: '', LEASE_RENEW_SECONDS: '', LEASE_RETRY_SECONDS: '' }

function aReplica(
  { world, edge }: { world: World; edge: EdgeProxy },
  name: string,
  env: Record<string, string>,
): RunningProcess {
  const replica = startProcess('node-exporter/main.ts', {
    CLUSTER_ID: CLUSTER,
    WORKER_URL: edge.url,
    PUSH_SECRET,
    KUBECONFIG: aKubeconfig(world),
    HEALTH_PORT: '0',
    DRAIN_SECONDS: '0',
    ...LEASE_ENV,
    POD_NAME: name,
    ...env,
  })
  onTestFinished(() => {
    replica.kill('SIGCONT')
    return replica.stop()
  })
  return replica
}

/** `a` leads and is believed, `b` stands by. */
async function twoReplicas(env: Record<string, string>) {
  const world = await aWorld()
  makeLeaseNamespace(world)
  await world.addService({ name: 'web' })
  const edge = await anEdge()
  const a = aReplica({ world, edge }, 'a', env)
  await a.waitFor(/leads from now on/)
  await vi.waitFor(async () => {
    expect(await askGtg(edge.worker)).toEqual({ status: 200, reason: 'healthy' })
  }, SOON)
  const b = aReplica({ world, edge }, 'b', env)
  await b.waitFor(/leader healthy/)
  return { world, edge, a, b }
}

/** What it says of its component. */
async function leaderOf(replica: RunningProcess): Promise<unknown> {
  const [, port] = /"port":(\d+)/.exec(await replica.waitFor(/health endpoint started/)) ?? []
  const response = await fetch(`http://127.0.0.1:${port}/components/leader`)
  return response.json()
}

/** Every status that the gate has shown, until told to stop. */
function watchGate(worker: string): { stop: () => Promise<number[]> } {
  const seen: number[] = []
  let isOver = false
  const watching = (async () => {
    while (!isOver) {
      // oxlint-disable-next-line no-await-in-loop -- one look after the other
      seen.push((await askGtg(worker)).status)
    }
  })()
  return {
    stop: async () => {
      isOver = true
      await watching
      return seen
    },
  }
}

it('killed: the standby speaks within 20 s, and no verdict flips', async () => {
  const { world, edge, a } = await twoReplicas({ ...DEFAULTS, INTERVAL_SECONDS: '10' })
  const gate = watchGate(edge.worker)

  a.kill('SIGKILL')
  const killedMs = Date.now()
  const ofB = () => edge.passed.filter(({ report }) => report.epoch === 1)
  await vi.waitFor(() => {
    expect(ofB().some(({ report }) => report.kind === 'snapshot')).toBe(true)
  }, SOON)

  const [blind, ...others] = ofB()
  const snapshot = others.find(({ report }) => report.kind === 'snapshot')
  expect(blind).toMatchObject({ status: 202, report: { kind: 'blind' } })
  const spokeMs = (blind?.atMs ?? Infinity) - killedMs
  const sawMs = (snapshot?.atMs ?? Infinity) - killedMs
  console.info(`killed: blind after ${spokeMs} ms, a snapshot after ${sawMs} ms`)
  expect(spokeMs).toBeLessThan(20_000)
  expect(sawMs).toBeLessThan(22_000)
  expect(new Set(await gate.stop())).toEqual(new Set([200]))
  expect(holderOf(world)).toBe('b')
}, 60_000)

it('frozen past its lease and thawed: it is refused, stands down, and says no more', async () => {
  const { world, edge, a, b } = await twoReplicas({ INTERVAL_SECONDS: '0.2' })
  const gate = watchGate(edge.worker)

  a.kill('SIGSTOP')
  await b.waitFor(/leads from now on, epoch 1/)
  await vi.waitFor(() => {
    expect(edge.passed.at(-1)?.report).toMatchObject({ epoch: 1, kind: 'heartbeat' })
  }, SOON)
  const from = edge.passed.length
  a.kill('SIGCONT')
  await a.waitFor(/stands down/)
  await vi.waitFor(() => {
    expect(edge.passed.length - from).toBeGreaterThan(15)
  }, SOON)

  const after = edge.passed.slice(from)
  const ofA = after.filter(({ report }) => report.epoch === 0)
  expect(ofA.map(({ status }) => status)).toEqual(ofA.map(() => 409))
  expect(ofA.length).toBeLessThanOrEqual(1)
  expect(after.at(-1)?.report).toMatchObject({ epoch: 1, kind: 'heartbeat' })
  expect(specOf(world).leaseTransitions).toBe(1)
  expect(new Set(await gate.stop())).toEqual(new Set([200]))
  expect(await leaderOf(a)).toMatchObject({
    status: 'healthy',
    metadata: { holder: specOf(world).holderIdentity, isLeader: false, transitions: 1 },
  })
  expect(await leaderOf(b)).toMatchObject({ metadata: { isLeader: true, transitions: 1 } })
  expect(a.lines.join('\n')).not.toContain('another exporter pushes for this cluster')
}, 60_000)

it('thawed, it stands by, and takes over when the other is killed in turn', async () => {
  const { edge, a, b } = await twoReplicas({ INTERVAL_SECONDS: '0.2' })
  a.kill('SIGSTOP')
  await b.waitFor(/leads from now on, epoch 1/)
  a.kill('SIGCONT')
  await a.waitFor(/stands down/)

  b.kill('SIGKILL')

  await a.waitFor(/leads from now on, epoch 2/)
  await vi.waitFor(async () => {
    expect(edge.passed.at(-1)?.report).toMatchObject({ epoch: 2, kind: 'heartbeat' })
    expect(await askGtg(edge.worker)).toEqual({ status: 200, reason: 'healthy' })
  }, SOON)
}, 60_000)
