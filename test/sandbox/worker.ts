/** The Worker in its real runtime on loopback, from wrangler.toml: the same bundle and bindings that are deployed. */
import { mkdirSync } from 'node:fs'
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from 'miniflare'
import * as v from 'valibot'
import { unstable_getMiniflareWorkerOptions } from 'wrangler'
import { bundleWorker } from './bundle-worker.ts'

const ROOT = new URL('../../', import.meta.url).pathname

export interface WorkerOptions {
  /** 0: any free one. */
  port: number
  /** Where its state outlives it. */
  stateDir: string
  /** Vars and secrets. */
  vars: Record<string, string>
}

export interface RunningWorker {
  url: string
  /** What its KV holds under a key; null: nothing. */
  readKv(key: string): Promise<string | null>
  stop(): Promise<void>
}

/** Rejects when the port is taken or the bundle doesn't build. */
export async function startWorker({ port, stateDir, vars }: WorkerOptions): Promise<RunningWorker> {
  mkdirSync(stateDir, { recursive: true })
  const { workerOptions } = unstable_getMiniflareWorkerOptions(`${ROOT}wrangler.toml`)
  const { modulesRules: _, ...options } = workerOptions // one bundle needs no rules
  const worker = new Miniflare({
    ...convertV4MiniflareOptions({
      ...options,
      modules: true,
      script: await bundleWorker({ minify: false }),
      bindings: vars,
      host: '127.0.0.1',
      port,
      cf: false, // or it fetches a sample of request.cf from the internet
      log: new Log(LogLevel.ERROR),
    }),
    resourcePersistencePath: stateDir,
    telemetry: { enabled: false },
  })
  const url = await worker.ready
  return {
    url: url.origin,
    readKv: async (key) => {
      const store = await worker.getKVNamespace('STATE')
      return v.parse(v.nullable(v.string()), await store.get(key))
    },
    stop: () => worker.dispose(),
  }
}
