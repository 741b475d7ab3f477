/** What of the Worker has to be fetched and read before its first answer: its size, and how long workerd takes to start it. */
import { gzipSync } from 'node:zlib'
import { bundleWorker } from '../sandbox/bundle-worker.ts'
import { median } from './load.ts'
import { startPlain, type PlainOptions } from './plain-runtime.ts'
import { ALONE } from './reports-like-real.ts'
import { atMost, print, round, tell } from './table.ts'

const STARTS = 15
const EMPTY = `export default { fetch() { return new Response('OK\\n') } }`
/** The same bindings, and nothing behind them. */
const EMPTY_OBJECTS = `${EMPTY}
import { DurableObject } from 'cloudflare:workers'
export class Cluster extends DurableObject {}
export class Fleet extends DurableObject {}`

export async function benchBundle(): Promise<void> {
  tell(`${STARTS} starts of each`)
  const script = await bundleWorker()
  const plain = await bundleWorker({ minify: false })
  const pairs: { ours: Started; empty: Started }[] = []
  for (let i = 0; i < STARTS; i++) {
    pairs.push({
      ours: await start({ script, vars: ALONE }),
      empty: await start({ script: EMPTY_OBJECTS, vars: ALONE }),
    })
  }
  const added = (of: (started: Started) => number) =>
    median(pairs.map(({ ours, empty }) => of(ours) - of(empty)))
  print("The Worker's bundle, and what it adds to the start of an empty Worker", [
    {
      'kB gzip, as deployed': atMost(120, gzipSync(script).length / 1000),
      'kB gzip, not minified': round(gzipSync(plain).length / 1000),
      'ms until it listens': atMost(
        20,
        added(({ listenMs }) => listenMs),
      ),
      'and its first answer': atMost(
        20,
        added(({ answerMs }) => answerMs),
      ),
      'CPU ms of that': round(added(({ cpuMs }) => cpuMs)),
    },
  ])
}

interface Started {
  listenMs: number
  answerMs: number
  cpuMs: number
}

/** A path without any cluster, so that no object is woken. */
async function start(options: PlainOptions): Promise<Started> {
  const runtime = await startPlain(options)
  try {
    const startMs = performance.now()
    const answer = await fetch(`http://127.0.0.1:${runtime.port}/clusters/unknown/__gtg`)
    await answer.arrayBuffer()
    const answerMs = runtime.startMs + performance.now() - startMs
    return { listenMs: runtime.startMs, answerMs, cpuMs: runtime.cpuMs() }
  } finally {
    await runtime.stop()
  }
}
