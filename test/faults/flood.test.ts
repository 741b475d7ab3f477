/**
 * Far more objects than an exporter keeps, with the bundle and the flags as they are shipped: it neither falls silent nor runs
 * out of memory, and a service beside the flood is told as it is.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { expect, it, onTestFinished, vi } from 'vitest'
import { bundleExporter, NODE_FLAGS } from '../../deploy/bundle.ts'
import { startProcess } from '../sandbox/process.ts'
import { IS_LONG } from '../support/exporter/a-prober.ts'
import { startFlood } from '../support/exporter/a-flood.ts'
import type { Content } from '../../worker/contract/report.ts'
import type { EdgeProxy } from '../sandbox/edge-proxy.ts'
import { serve } from '../support/exporter/local-server.ts'
import { aFolder, anEdge, askGtg, CLUSTER } from '../support/exporter/a-setup.ts'
import { PUSH_SECRET } from '../support/secrets.ts'

const LONG = { timeout: 100_000, interval: 500 }

/** As deploy/base/cluster.yaml limits the container. */
const MEGABYTE = 1024 * 1024
const MEMORY_LIMIT = 384 * MEGABYTE

it.skipIf(!IS_LONG)(
  'costs the services beside it nothing, within the container’s memory (FAULTS=long)',
  async () => {
    const pods = await serve((_, response) => {
      response.setHeader('content-type', 'application/json')
      response.end('{"checks":[{"id":"db","name":"db","ok":true,"severity":1}]}')
    })
    const { kubeconfig } = await startFlood({
      services: 10_000,
      handMade: 1500,
      pods: 5000,
      configMaps: 20,
      workloads: 12_000,
      nodes: 6000,
      port: pods.port,
    })
    const path = `${aFolder()}/kubeconfig`
    writeFileSync(path, kubeconfig)
    const edge = await anEdge()
    const startedAtMs = performance.now()
    const exporter = startProcess(await bundleExporter(), {
      CLUSTER_ID: CLUSTER,
      WORKER_URL: edge.url,
      PUSH_SECRET,
      KUBECONFIG: path,
      NODE_OPTIONS: NODE_FLAGS.join(' '),
      // Five times a probe's work, on the processor that the tests share.
      INTERVAL_SECONDS: '15',
    })
    onTestFinished(() => exporter.stop())

    await exporter.waitFor(/snapshot accepted/)
    const tookMs = Math.round(performance.now() - startedAtMs)
    await vi.waitFor(() => {
      const { services = null, incomplete = [] } = findContent(edge) ?? {}
      const web = services?.find(({ name }) => name === 'web')
      expect(services).toHaveLength(2000 + 1500 + 1)
      expect(web?.targets).toHaveLength(5000)
      expect(web?.targets?.some(({ ok }) => ok)).toBe(true)
      expect(incomplete).toContain('default')
    }, LONG)
    // A further round of everything, and a report of it.
    const sent = edge.passed.length
    await vi.waitFor(() => {
      expect(edge.passed.length).toBeGreaterThan(sent + 3)
    }, LONG)

    const peak = readPeak(exporter.pid)
    console.log(
      `first snapshot after ${tookMs} ms, at most ${Math.round(peak / MEGABYTE)} MB resident`,
    )
    expect((await askGtg(edge.worker)).status).toBe(200)
    expect(exporter.lines.filter((line) => line.includes('"level":"error"'))).toEqual([])
    expect(peak).toBeLessThan(MEMORY_LIMIT)
  },
  300_000,
)

/** Of the last snapshot that was sent. */
function findContent({ passed }: EdgeProxy): Content | undefined {
  const snapshots = passed.flatMap(({ report }) => (report.kind === 'snapshot' ? [report] : []))
  return snapshots.at(-1)?.content
}

/** Bytes that it has had resident at most. */
function readPeak(pid: number): number {
  const [, kilobytes] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kilobytes) * 1024
}
