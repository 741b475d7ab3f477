/** `/metrics` before the real programs: promtool finds nothing to complain of, Prometheus scrapes it without a warning. */
import { spawn, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import * as v from 'valibot'
import { expect, it, onTestFinished, vi } from 'vitest'
import type { Content, Service } from '../../worker/contract/report.ts'
import { aCategory, aContent, aFailingTarget, aService, aSnapshot } from '../support/a-report.ts'
import { pushTo } from '../support/exporter/a-push.ts'
import { aFolder, aWorker, CLUSTER } from '../support/exporter/a-setup.ts'

const OTHER = 'c1'
const SOON = { timeout: 20_000, interval: 100 }

function isInstalled(program: string): boolean {
  return spawnSync(program, ['--version']).status === 0
}

async function anEdge(vars: Record<string, string> = {}): Promise<string> {
  const { url } = await aWorker(vars)
  const hostile = 'a "name" with \\ and\nlines'
  const services = [aService(), aService({ name: hostile, targets: [aFailingTarget()] })]
  const categories = [aCategory({ services: ['web', 'gone'] })]
  const content = aContent({ services, categories })
  await pushTo(url, aSnapshot({ cluster: CLUSTER, observedAt: Date.now(), content }))
  await pushTo(url, aSnapshot({ cluster: CLUSTER, observedAt: Date.now(), content })) // refused
  await (await fetch(`${url}/clusters/${CLUSTER}/__gtg`)).arrayBuffer()
  return url
}

it.skipIf(!isInstalled('promtool')).each(['pilotlight', 'upp_health'])(
  'is clean for promtool under the prefix %s',
  async (METRICS_PREFIX) => {
    const url = await anEdge({ METRICS_PREFIX })
    const input = await (await fetch(`${url}/metrics`)).text()

    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input })

    expect([status, stdout.toString(), stderr.toString()]).toEqual([0, '', ''])
  },
)

const targetsSchema = v.object({
  data: v.object({
    activeTargets: v.array(v.object({ health: v.string(), lastError: v.string() })),
  }),
})
const resultSchema = v.object({
  data: v.object({
    result: v.array(
      v.object({
        metric: v.record(v.string(), v.string()),
        value: v.tuple([v.number(), v.string()]),
      }),
    ),
  }),
})

it.skipIf(!isInstalled('prometheus'))(
  'is scraped by Prometheus without a warning',
  async () => {
    const url = await anEdge()
    const prometheus = await startPrometheus(new URL(url).host)

    await vi.waitFor(async () => {
      const targets = v.parse(targetsSchema, await ask(prometheus.url, '/api/v1/targets'))
      expect(targets.data.activeTargets).toMatchObject([{ health: 'up', lastError: '' }])
    }, SOON)
    const query = '/api/v1/query?query=pilotlight_servicestatus'
    const { data } = v.parse(resultSchema, await ask(prometheus.url, query))

    const values = data.result.map(({ metric, value }) => [metric['service'], value[1]] as const)
    expect(new Map(values)).toEqual(
      new Map([
        ['web', '0'],
        ['a "name" with \\ and\nlines', '1'],
      ]),
    )
    expect(prometheus.complaints()).toEqual([])
  },
  40_000,
)

it.skipIf(!isInstalled('prometheus'))(
  'keeps what an alert says while another cluster takes the name',
  async () => {
    const { url } = await aWorker()
    const push = (cluster: string, services: Service[], acks: Content['acks'] = []) => {
      const content = aContent({ environment: 'prod-c', services, acks })
      return pushTo(url, aSnapshot({ cluster, observedAt: Date.now(), content }))
    }
    await push(CLUSTER, [aService({ targets: [aFailingTarget()] })])
    const prometheus = await startPrometheus(new URL(url).host)
    const query = async (expression: string) => {
      const path = `/api/v1/query?query=${encodeURIComponent(expression)}`
      const { data } = v.parse(resultSchema, await ask(prometheus.url, path))
      return data.result.map(({ metric, value }) => `${metric['cluster']} ${value[1]}`)
    }
    const alerts = [
      'pilotlight_servicestatus{environment="prod-c", service="web"} == 1',
      'pilotlight_servicestatus == 1 unless on (cluster, service) pilotlight_service_acked',
    ]
    const before = await vi.waitFor(async () => {
      const values = await Promise.all(alerts.map(query))
      expect(values).toEqual([[`${CLUSTER} 1`], [`${CLUSTER} 1`]])
      return values
    }, SOON)

    await push(OTHER, [aService()], [{ service: 'web', message: 'known' }])
    await vi.waitFor(async () => {
      expect(await query('pilotlight_service_acked')).toEqual([`${OTHER} 1`])
    }, SOON)

    expect(await Promise.all(alerts.map(query))).toEqual(before)
    expect(await query('count by (environment) (pilotlight_pilotlight)')).toEqual(['undefined 2'])
    expect(prometheus.complaints()).toEqual([])
  },
  60_000,
)

it.skipIf(!isInstalled('promtool')).each(['metrics', 'exporter-health'])(
  'takes the alert rules of docs/%s.md',
  (page) => {
    const text = readFileSync(`${import.meta.dirname}/../../docs/${page}.md`, 'utf8')
    const [, rules = ''] = /```yaml\n(groups:\n[^]*?)```/.exec(text) ?? []
    const file = `${aFolder()}/rules.yml`
    writeFileSync(file, rules)

    const { status, stdout } = spawnSync('promtool', ['check', 'rules', file])

    expect([status, stdout.toString()]).toEqual([
      0,
      expect.stringMatching(/SUCCESS: \d+ rules found/),
    ])
  },
)

async function ask(url: string, path: string): Promise<unknown> {
  return (await fetch(`${url}${path}`)).json()
}

async function startPrometheus(target: string) {
  const folder = aFolder()
  const scrape = `{job_name: edge, scrape_interval: 1s, static_configs: [{targets: ['${target}']}]}`
  writeFileSync(`${folder}/prometheus.yml`, `scrape_configs: [${scrape}]`)
  const address = `127.0.0.1:${await findFreePort()}`
  const child = spawn('prometheus', [
    `--config.file=${folder}/prometheus.yml`,
    `--storage.tsdb.path=${folder}/data`,
    `--web.listen-address=${address}`,
  ])
  const lines: string[] = []
  child.stderr.on('data', (text: Buffer) => lines.push(...text.toString().split('\n')))
  const ended = new Promise((resolve) => {
    child.once('exit', resolve)
  })
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await ended
  })
  const url = `http://${address}`
  await vi.waitFor(async () => {
    expect((await fetch(`${url}/-/ready`)).status).toBe(200)
  }, SOON)
  return { url, complaints: () => lines.filter((line) => /level=(warn|error)/i.test(line)) }
}

function findFreePort(): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const server = createServer().listen(0, '127.0.0.1', () => {
    const address = server.address()
    server.close(() => {
      if (address === null || typeof address === 'string') reject(new Error('no port'))
      else resolve(address.port)
    })
  })
  return promise
}
