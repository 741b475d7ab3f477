/**
 * A Worker in workerd itself, on loopback, with no proxy in front and no inspector beside it: what is measured here is the
 * Worker and its runtime alone. Disk, objects and KV are real or as real as it gets; state is gone when it stops.
 */
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import * as v from 'valibot'
import { unstable_getMiniflareWorkerOptions } from 'wrangler'

const ROOT = new URL('../../', import.meta.url).pathname
/** workerd comes with wrangler: the version that wrangler deploys for. */
const ofWrangler = createRequire(createRequire(import.meta.url).resolve('wrangler'))

const binarySchema = v.object({ default: v.string(), version: v.string() })
const { default: BINARY, version } = v.parse(binarySchema, ofWrangler('workerd'))
export const WORKERD_VERSION = version

export interface PlainOptions {
  /** An ES module: the whole Worker in one piece. */
  script: string
  /** Vars and secrets; absent: a Worker without any binding. */
  vars?: Record<string, string>
}

export interface PlainRuntime {
  port: number
  pid: number
  /** ms from the start of the process until its socket listened. */
  startMs: number
  /** ms of CPU time, of all its threads since it began. */
  cpuMs(): number
  /** MB that it holds. */
  rssMb(): number
  /** Puts into KV so far. */
  countKvPuts(): Promise<number>
  stop(): Promise<void>
}

/** Rejects with what workerd wrote when it ends before it listens. */
export async function startPlain({ script, vars }: PlainOptions): Promise<PlainRuntime> {
  const folder = mkdtempSync(`${tmpdir()}/pilotlight-plain-`)
  mkdirSync(`${folder}/objects`)
  writeFileSync(`${folder}/worker.mjs`, script)
  writeFileSync(`${folder}/kv.mjs`, readFileSync(`${ROOT}test/bench/kv-service.mjs`))
  writeFileSync(`${folder}/config.capnp`, writeConfig(folder, vars))
  const startedMs = performance.now()
  const child = spawn(BINARY, ['serve', 'config.capnp', '--control-fd=3'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  })
  const said: string[] = []
  for (const input of [child.stdout, child.stderr]) {
    if (input !== null) createInterface({ input }).on('line', (line) => said.push(line))
  }
  const { promise: ended, resolve: end } = Promise.withResolvers<void>()
  child.once('close', () => {
    end()
  })
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await ended
    rmSync(folder, { recursive: true, force: true })
  }
  const [, , , control] = child.stdio
  const ports = await Promise.race([readPorts(control), ended.then(() => null)])
  if (ports === null) {
    await stop()
    throw new Error(`workerd ended before it listened:\n${said.join('\n')}`)
  }
  const pid = child.pid ?? 0
  return {
    port: ports.worker,
    pid,
    startMs: performance.now() - startedMs,
    cpuMs: () => readCpuMs(pid),
    rssMb: () => readRssMb(pid),
    countKvPuts: async () => {
      const answer = await fetch(`http://127.0.0.1:${ports.kv}/count`)
      return Number(await answer.text())
    },
    stop,
  }
}

/** What is taken over from wrangler.toml. */
const optionsSchema = v.object({
  compatibilityDate: v.string(),
  compatibilityFlags: v.optional(v.array(v.string()), []),
  durableObjects: v.record(v.string(), v.object({ className: v.string() })),
})

/** In workerd's own words; see workerd.capnp. Its strings are written as JSON's. */
function writeConfig(folder: string, vars: Record<string, string> | undefined): string {
  const { workerOptions } = unstable_getMiniflareWorkerOptions(`${ROOT}wrangler.toml`)
  const options = v.parse(optionsSchema, workerOptions)
  const date = JSON.stringify(options.compatibilityDate)
  const flags = JSON.stringify(options.compatibilityFlags)
  const objects = Object.entries(options.durableObjects).map(([name, { className }]) => ({
    name: JSON.stringify(name),
    className: JSON.stringify(className),
  }))
  const namespaces = objects.map(
    ({ className }) => `(className = ${className}, uniqueKey = ${className}, enableSql = true)`,
  )
  const bindings = [
    ...Object.entries(vars ?? {}).map(
      ([name, text]) => `(name = ${JSON.stringify(name)}, text = ${JSON.stringify(text)})`,
    ),
    ...objects.map(
      ({ name, className }) =>
        `(name = ${name}, durableObjectNamespace = (className = ${className}))`,
    ),
    `(name = "STATE", kvNamespace = "kv")`,
  ]
  const withState = `
    bindings = [${bindings.join(', ')}],
    durableObjectNamespaces = [${namespaces.join(', ')}],
    durableObjectStorage = (localDisk = "disk"),`
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "worker", worker = .worker),
    (name = "kv", worker = .kv),
    (name = "disk", disk = (path = ${JSON.stringify(`${folder}/objects`)}, writable = true)),
  ],
  sockets = [
    (name = "worker", address = "127.0.0.1:0", http = (), service = "worker"),
    (name = "kv", address = "127.0.0.1:0", http = (), service = "kv"),
  ],
);
const worker :Workerd.Worker = (
  modules = [(name = "worker.mjs", esModule = embed "worker.mjs")],
  compatibilityDate = ${date},
  compatibilityFlags = ${flags},${vars === undefined ? '' : withState}
);
const kv :Workerd.Worker = (
  modules = [(name = "kv.mjs", esModule = embed "kv.mjs")],
  compatibilityDate = ${date},
);
`
}

const listenSchema = v.object({ event: v.literal('listen'), socket: v.string(), port: v.number() })

/** workerd tells each socket that listens, a line of JSON each. */
async function readPorts(control: unknown): Promise<{ worker: number; kv: number }> {
  const ports = new Map<string, number>()
  for await (const line of createInterface({ input: v.parse(readableSchema, control) })) {
    const told = v.safeParse(v.pipe(v.string(), v.parseJson(), listenSchema), line)
    if (told.success) ports.set(told.output.socket, told.output.port)
    const [worker, kv] = [ports.get('worker'), ports.get('kv')]
    if (worker !== undefined && kv !== undefined) return { worker, kv }
  }
  return new Promise(() => undefined) // it ended without: whoever waits hears of the end
}

const readableSchema = v.custom<Readable>(
  (value) => typeof value === 'object' && value !== null && 'pipe' in value,
)

/** From Linux's /proc, in ns; a thread that ended is no longer counted, and workerd's never end. */
function readCpuMs(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`)
  const ns = threads.map((thread) => {
    const [onCpu] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')
    return Number(onCpu)
  })
  return ns.reduce((sum, one) => sum + one, 0) / 1e6
}

function readRssMb(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1000)
}
