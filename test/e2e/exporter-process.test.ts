/** `npm run exporter` as a process: its configuration, its logs, its end. */
import { expect, it, onTestFinished, vi } from 'vitest'
import { startProcess } from '../sandbox/process.ts'
import { aKubeconfig, anEdge, askGtg, aWorld, CLUSTER } from '../support/exporter/a-setup.ts'
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
