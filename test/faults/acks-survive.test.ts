/** Acks given while the Worker is killed, -9, again and again: what was answered with 2xx is there afterwards. */
import { readdirSync, rmSync } from 'node:fs'
import * as v from 'valibot'
import { expect, it, onTestFinished, vi } from 'vitest'
import { startProcess } from '../sandbox/process.ts'
import { startWorker, type RunningWorker } from '../sandbox/worker.ts'
import { aContent, aFailingTarget, aService, aSnapshot } from '../support/a-report.ts'
import { IS_LONG } from '../support/exporter/a-prober.ts'
import { aFolder, askGtg, CLUSTER } from '../support/exporter/a-setup.ts'
import { pushTo } from '../support/exporter/a-push.ts'
import { OPERATE_TOKEN, VARS } from '../support/secrets.ts'

const SOON = { timeout: 20_000, interval: 50 }
const WRITERS = 20
const ACKS = IS_LONG ? 1000 : 300
/** Acks that were answered when the Worker is killed. */
const KILLS = [0.2, 0.45, 0.7].map((part) => part * ACKS)

const vars = { ...VARS, DEAD_AFTER_SECONDS: '600' }
const names = Array.from({ length: ACKS }, (_, i) => `service-${i}`)

it('keeps every ack that was answered, in the object and in KV', async () => {
  const stateDir = aFolder()
  let worker = await aWorkerProcess({ STATE_DIR: stateDir, PORT: '0' })
  const { url } = worker
  const port = new URL(url).port
  await pushTo(url, aFailingCluster())
  const answered = new Set<string>()

  const killing = (async () => {
    for (const count of KILLS) {
      // oxlint-disable-next-line no-await-in-loop
      await vi.waitFor(() => {
        expect(answered.size).toBeGreaterThanOrEqual(count)
      }, SOON)
      worker.process.kill('SIGKILL')
      // oxlint-disable-next-line no-await-in-loop
      await worker.process.ended
      // oxlint-disable-next-line no-await-in-loop
      worker = await aWorkerProcess({ STATE_DIR: stateDir, PORT: port })
    }
  })()
  const writers = Array.from({ length: WRITERS }, (_, i) =>
    write(
      url,
      names.filter((_name, n) => n % WRITERS === i),
      answered,
    ),
  )
  await Promise.all([killing, ...writers])
  const inObject = await readAcks(url)
  await worker.process.stop()
  const after = await aWorkerOn(stateDir)

  expect(answered.size).toBe(ACKS)
  expect(inObject).toEqual(new Set(names))
  await vi.waitFor(async () => {
    expect(await readAcksInKv(after)).toEqual(inObject)
  }, SOON)

  await after.stop()
  loseObjects(stateDir)
  const restored = await aWorkerOn(stateDir)
  expect(await askGtg(restored.url)).toEqual({ status: 200, reason: 'held' })
  await pushTo(restored.url, { ...aFailingCluster(), sequence: 2 })
  expect(await readAcks(restored.url)).toEqual(new Set(names))
}, 120_000)

function aFailingCluster() {
  const services = names.map((name) => aService({ name, targets: [aFailingTarget()] }))
  return aSnapshot({
    cluster: CLUSTER,
    observedAt: Date.now(),
    content: aContent({ services }),
  })
}

async function aWorkerProcess(env: Record<string, string>) {
  const process = startProcess('test/sandbox/run-worker.ts', { ...vars, ...env })
  onTestFinished(() => process.stop())
  const line = await process.waitFor(/^worker on /)
  return { process, url: line.replace('worker on ', '') }
}

async function aWorkerOn(stateDir: string): Promise<RunningWorker> {
  const worker = await startWorker({ port: 0, stateDir, vars })
  onTestFinished(() => worker.stop())
  return worker
}

/** One ack after the other, each until it is answered with 2xx. */
async function write(url: string, services: string[], answered: Set<string>): Promise<void> {
  for (const service of services) {
    // oxlint-disable-next-line no-await-in-loop
    await vi.waitFor(async () => {
      const response = await fetch(`${url}/clusters/${CLUSTER}/add-ack?service-name=${service}`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${OPERATE_TOKEN}`,
          'content-type': 'application/json',
        },
        body: JSON.stringify({ 'ack-msg': `known: ${service}` }),
      })
      await response.arrayBuffer()
      expect(response.status).toBe(200)
    }, SOON)
    answered.add(service)
  }
}

const healthSchema = v.object({
  checks: v.array(v.object({ name: v.string(), ack: v.optional(v.string()) })),
})

async function readAcks(url: string): Promise<Set<string>> {
  const response = await fetch(`${url}/clusters/${CLUSTER}/__health`, {
    headers: { accept: 'application/json' },
  })
  const { checks } = v.parse(healthSchema, await response.json())
  return new Set(checks.filter(({ name, ack }) => ack === `known: ${name}`).map(({ name }) => name))
}

const recordSchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({ decisions: v.object({ acks: v.array(v.object({ service: v.string() })) }) }),
)

async function readAcksInKv(worker: RunningWorker): Promise<Set<string>> {
  const { decisions } = v.parse(recordSchema, await worker.readKv(`cluster/${CLUSTER}`))
  return new Set(decisions.acks.map(({ service }) => service))
}

/** The storage of all objects is gone, as after a mishap; KV's copy is not. */
function loseObjects(stateDir: string): void {
  const folders = readdirSync(stateDir).filter((name) => /durable|^do$/i.test(name))
  expect(folders).toHaveLength(1)
  for (const name of folders) rmSync(`${stateDir}/${name}`, { recursive: true })
}
