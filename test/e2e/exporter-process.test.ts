/** `npm run exporter` as a process: its configuration, its logs, its end. */
import { expect, it, onTestFinished, vi } from 'vitest'
import { startProcess } from '../sandbox/process.ts'
import {
  aKubeconfig,
  aMeekEdge,
  anEdge,
  askGtg,
  aWorld,
  CLUSTER,
} from '../support/exporter/a-setup.ts'
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

it('says in one line that a kubeconfig leads nowhere, and goes on trying', async () => {
  const edge = await anEdge()
  const exporter = startProcess('node-exporter/main.ts', {
    CLUSTER_ID: CLUSTER,
    WORKER_URL: edge.url,
    PUSH_SECRET,
    INTERVAL_SECONDS: '0.2',
    KUBECONFIG: '/nowhere/kubeconfig',
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
  })

  expect(await exporter.ended).toBe(2)
  for (const name of ['CLUSTER_ID', 'NODE_CHECKS', 'LISTEN_PORT']) {
    expect(exporter.lines.filter((line) => line.startsWith(`  ${name} `))).toHaveLength(1)
  }
})
