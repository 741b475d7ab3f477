/** A hundred browsers that press "refresh without the cache" at once: how many rounds they cause, and how long they wait. */
import { pause, startTown, type BenchTown } from './bench-town.ts'
import { median } from './load.ts'
import { atMost, print, round, tell } from './table.ts'

const BROWSERS = 100
const SIZE = { services: 50, replicas: 2 }
/** Long, so that hardly a probe is due meanwhile. */
const INTERVAL_SECONDS = 120

export async function benchCrowd(): Promise<void> {
  tell(`${BROWSERS} at once, over the link`)
  const vars = { DEAD_AFTER_SECONDS: '3600' }
  const town = await startTown({ ...SIZE, over: 'link', intervalSeconds: INTERVAL_SECONDS, vars })
  try {
    await town.startExporter()
    await pause(2000)
    const before = sumAsked(town)
    const tookMs = await Promise.all(Array.from({ length: BROWSERS }, () => refresh(town)))
    await pause(1000)
    const asked = sumAsked(town) - before
    print(`${BROWSERS} browsers refresh without the cache at once`, [
      {
        pods: SIZE.services * SIZE.replicas,
        'pods asked': asked,
        rounds: atMost(1, Math.round(asked / (SIZE.services * SIZE.replicas))),
        'waited p50 ms': round(median(tookMs)),
        'waited max ms': round(Math.max(...tookMs)),
      },
    ])
  } finally {
    await town.stop()
  }
}

async function refresh(town: BenchTown): Promise<number> {
  const startMs = performance.now()
  const answer = await town.ask('/__health?cache=false', 'text/html')
  await answer.arrayBuffer()
  return performance.now() - startMs
}

function sumAsked({ world }: BenchTown): number {
  return [...world.pods.asked.values()].reduce((sum, count) => sum + count, 0)
}
