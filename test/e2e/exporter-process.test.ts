/** `npm run exporter` as a process: its configuration, its logs, its end. */
import { writeFileSync } from 'node:fs'
import { expect, it, onTestFinished, vi } from 'vitest'
import { startProcess, type RunningProcess } from '../sandbox/process.ts'
import {
  aFolder,
  aKubeconfig,
  aKubeconfigToNowhere,
  aMeekEdge,
  anEdge,
  askGtg,
  aWorld,
  CLUSTER,
} from '../support/exporter/a-setup.ts'
import { findDeadPort } from '../support/exporter/local-server.ts'
import { PUSH_SECRET } from '../support/secrets.ts'

const SOON = { timeout: 15_000, interval: 50 }

it('names every fault of its configuration at once, and exits with 2', async () => {
  const exporter = startProcess('node-exporter/main.ts', {
    CLUSTER_ID: 'Prod EU',
    PUSH_SECRET: 'hunter2',
    INTERVAL_SECONDS: 'often',
  })

  expect(await exporter.ended).toBe(2)
  const text = exporter.lines.join('\n')
  for (const name of ['CLUSTER_ID', 'WORKER_URL', 'PUSH_SECRET', 'INTERVAL_SECONDS']) {
    expect(text).toContain(`  ${name} `)
  }
  expect(text).not.toContain('hunter2')
})

it('says in one line that the API server can’t be reached, and goes on trying', async () => {
  const world = await aWorld()
  const KUBECONFIG = aKubeconfig(world)
  await world.api.faults.goAway()
  const edge = await anEdge()
  const exporter = startProcess('node-exporter/main.ts', {
    CLUSTER_ID: CLUSTER,
    WORKER_URL: edge.url,
    PUSH_SECRET,
    INTERVAL_SECONDS: '0.2',
    KUBECONFIG,
  })
  onTestFinished(() => exporter.stop())

  const line = await exporter.waitFor(/kube_api degraded/)
  await vi.waitFor(() => {
    expect(edge.passed.at(-1)?.report).toMatchObject({
      kind: 'blind',
      exporter: { status: 'degraded', components: { kube_api: { status: 'degraded' } } },
    })
  }, SOON)

  expect(JSON.parse(line)).toMatchObject({ level: 'warn', component: 'kube_api' })
  expect(exporter.lines.filter((l) => l.includes('kube_api'))).toHaveLength(1)
  expect(await askGtg(edge.worker)).toEqual({ status: 503, reason: 'no-data' })
})

it.each(['cluster', 'node', 'all'])(
  'says that no API server can ever be asked, and does not start: ROLE=%s',
  async (role) => {
    const world = await aWorld()
    const wrong = `${aFolder()}/kubeconfig`
    writeFileSync(wrong, world.api.kubeconfig().replace('https://127', 'ftp://127'))
    const exporter = startProcess('node-exporter/main.ts', {
      ROLE: role,
      NODE_NAME: 'node-a',
      CLUSTER_ID: CLUSTER,
      WORKER_URL: 'http://127.0.0.1:1',
      PUSH_SECRET,
      INTERVAL_SECONDS: role === 'node' ? '' : 'often',
      KUBECONFIG: wrong,
    })

    expect(await exporter.ended).toBe(2)

    const faults = exporter.lines.filter((line) => line.startsWith('  '))
    expect(faults.at(-1)).toBe('  KUBECONFIG names a server that is neither http nor https')
    expect(faults).toHaveLength(role === 'node' ? 1 : 2)
  },
)

it('stops clean on SIGTERM, and never logs its secret', async () => {
  const world = await aWorld()
  await world.addService({ name: 'web' })
  const edge = await anEdge()
  const exporter = startProcess('node-exporter/main.ts', {
    CLUSTER_ID: CLUSTER,
    WORKER_URL: edge.url,
    PUSH_SECRET,
    INTERVAL_SECONDS: '0.2',
    KUBECONFIG: aKubeconfig(world),
    LOG_LEVEL: 'debug',
  })
  await vi.waitFor(async () => {
    expect(await askGtg(edge.worker)).toEqual({ status: 200, reason: 'healthy' })
  }, SOON)

  exporter.kill('SIGTERM')

  expect(await exporter.ended).toBe(0)
  expect(exporter.lines.join('\n')).not.toContain(PUSH_SECRET.slice(6))
})

it('in all roles at once answers for its node, and reports it', async () => {
  const world = await aWorld()
  world.setReady('node-b', false)
  const edge = await aMeekEdge()
  const exporter = startProcess('node-exporter/main.ts', {
    ROLE: 'all',
    NODE_NAME: 'node-b',
    PROBE_VIA: 'apiserver', // its own node role has no pod that a proxy could lead to
    NODE_CHECKS: 'node_ready,schedulable',
    LISTEN_PORT: '0',
    CLUSTER_ID: CLUSTER,
    WORKER_URL: edge.url,
    PUSH_SECRET,
    INTERVAL_SECONDS: '0.2',
    KUBECONFIG: aKubeconfig(world),
  })
  onTestFinished(() => exporter.stop())
  const started = await exporter.waitFor(/node role started/)
  const [, port] = /"port":(\d+)/.exec(started) ?? []

  const health = await fetch(`http://127.0.0.1:${port}/health`)

  expect(health.status).toBe(503)
  expect(await health.json()).toMatchObject({ checks: [{ name: 'node_ready', passed: false }] })
  await vi.waitFor(() => {
    const snapshots = edge.passed.map(({ report }) => report).filter((r) => r.kind === 'snapshot')
    expect(snapshots.at(-1)?.content.nodes).toMatchObject([
      { name: 'node-a', answered: false },
      {
        name: 'node-b',
        ready: false,
        answered: true,
        checks: [
          { name: 'node_ready', passed: false },
          { name: 'schedulable', passed: true },
        ],
      },
      { name: 'node-c', answered: false },
    ])
  }, SOON)
  exporter.kill('SIGTERM')
  expect(await exporter.ended).toBe(0)
}, 30_000)

it('in all roles at once names the faults of each', async () => {
  const exporter = startProcess('node-exporter/main.ts', {
    ROLE: 'all',
    NODE_CHECKS: 'kublet',
    LISTEN_PORT: 'health',
    HEALTH_PORT: 'health',
    DRAIN_SECONDS: 'long',
    LOG_LEVEL: 'loud',
  })

  expect(await exporter.ended).toBe(2)
  for (const name of [
    'CLUSTER_ID',
    'NODE_CHECKS',
    'LISTEN_PORT',
    'HEALTH_PORT',
    'DRAIN_SECONDS',
    'LOG_LEVEL',
  ]) {
    expect(exporter.lines.filter((line) => line.startsWith(`  ${name} `))).toHaveLength(1)
  }
})

/** Where it tells of its own health. */
async function healthOf(exporter: RunningProcess): Promise<string> {
  return `http://127.0.0.1:${portIn(await exporter.waitFor(/health endpoint started/))}`
}

function portIn(line: string): string {
  return /"port":(\d+)/.exec(line)?.[1] ?? ''
}

/** 0: refused. */
async function statusOf(url: string): Promise<number> {
  return fetch(url, { headers: { connection: 'close' } }).then(
    ({ status }) => status,
    () => 0,
  )
}

it.each([
  ['idle, and can’t push', [], undefined, 8],
  ['partly loaded, and can’t push', ['web'], /configmaps|daemonsets/, 5],
])('is ready when it is %s', async (_, services, forbidden, loaded) => {
  const world = await aWorld()
  for (const name of services) {
    // Addresses are the same in every run.
    // oxlint-disable-next-line no-await-in-loop
    await world.addService({ name })
  }
  if (forbidden !== undefined) world.api.faults.answer({ status: 403, path: forbidden })
  const exporter = startProcess('node-exporter/main.ts', {
    CLUSTER_ID: CLUSTER,
    WORKER_URL: `http://127.0.0.1:${await findDeadPort()}`,
    PUSH_SECRET,
    INTERVAL_SECONDS: '0.2',
    KUBECONFIG: aKubeconfig(world),
    COMMIT: 'b414fdb',
  })
  onTestFinished(() => exporter.stop())
  const url = await healthOf(exporter)
  await exporter.waitFor(/push degraded/)

  await vi.waitFor(async () => {
    const response = await fetch(`${url}/readyz`)
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({
      status: 'ready',
      commit: 'b414fdb',
      checks_loaded: loaded,
      checks_total: 8,
      components: { push: { status: 'degraded' } },
    })
  }, SOON)
  expect(await statusOf(`${url}/healthz`)).toBe(200)
  expect(await (await fetch(`${url}/metrics`)).text()).toMatch(
    /_pushes_total{cluster="c0",result="failed"} [1-9]/,
  )
})

it('is ready when it stands by', async () => {
  const world = await aWorld()
  const edge = await aMeekEdge()
  const start = () => {
    const exporter = startProcess('node-exporter/main.ts', {
      CLUSTER_ID: CLUSTER,
      WORKER_URL: edge.url,
      PUSH_SECRET,
      LEASE_NAME: 'pilotlight',
      KUBECONFIG: aKubeconfig(world),
    })
    onTestFinished(() => exporter.stop())
    return exporter
  }
  const leader = await healthOf(start())
  const isStandby = async (url: string) =>
    (await (await fetch(`${url}/metrics`)).text()).includes(
      `pilotlight_exporter_standby{cluster="${CLUSTER}"} 1\n`,
    )
  await vi.waitFor(async () => {
    expect(await isStandby(leader)).toBe(false)
  }, SOON)

  const standby = await healthOf(start())

  await vi.waitFor(async () => {
    expect(await statusOf(`${standby}/readyz`)).toBe(200)
  }, SOON)
  expect(await isStandby(standby)).toBe(true)
  expect(await (await fetch(`${standby}/status`)).json()).toMatchObject({ message: 'standing by' })
}, 40_000)

it('told to stop is not ready first, answers while it drains, and only then refuses', async () => {
  const world = await aWorld()
  const exporter = startProcess('node-exporter/main.ts', {
    ROLE: 'node',
    NODE_NAME: 'node-a',
    LISTEN_PORT: '0',
    KUBECONFIG: aKubeconfig(world),
    DRAIN_SECONDS: '2.5',
  })
  onTestFinished(() => exporter.stop())
  const health = await healthOf(exporter)
  const node = `http://127.0.0.1:${portIn(await exporter.waitFor(/node role started/))}/health`
  const look = async () => ({
    ready: await statusOf(`${health}/readyz`),
    live: await statusOf(`${health}/healthz`),
    node: await statusOf(node),
  })
  await vi.waitFor(async () => {
    expect(await look()).toEqual({ ready: 200, live: 200, node: 200 })
  }, SOON)

  exporter.kill('SIGTERM')
  await vi.waitFor(async () => {
    expect((await look()).ready).toBe(503)
  }, SOON)

  expect(await look()).toEqual({ ready: 503, live: 200, node: 200 })
  expect(await exporter.ended).toBe(0)
  expect(await look()).toEqual({ ready: 0, live: 0, node: 0 })
})

it('ends at once when it is told a second time', async () => {
  const exporter = startProcess('node-exporter/main.ts', {
    ROLE: 'node',
    LISTEN_PORT: '0',
    DRAIN_SECONDS: '3600',
    KUBECONFIG: aKubeconfigToNowhere(),
  })
  onTestFinished(() => exporter.stop())
  await exporter.waitFor(/node role started/)
  let hasEnded = false
  void exporter.ended.then(() => {
    hasEnded = true
  })

  exporter.kill('SIGTERM')
  await exporter.waitFor(/told to stop: draining/)
  await vi.waitFor(() => {
    exporter.kill('SIGTERM')
    expect(hasEnded).toBe(true)
  }, SOON)

  expect(await exporter.ended).toBe(1)
})
