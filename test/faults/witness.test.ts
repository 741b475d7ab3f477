/** A silent cluster with a witness, a real server that says good, says bad, hangs, or changes its mind. */
import type { RequestListener } from 'node:http'
import { expect, it } from 'vitest'
import { IS_LONG } from '../support/exporter/a-prober.ts'
import { anExporter, CLUSTER } from '../support/exporter/a-setup.ts'
import { serve } from '../support/exporter/local-server.ts'
import { aProbedTown } from '../support/exporter/a-replica.ts'

/** A cluster that falls silent at once; `answer` is what its witness does. */
async function aSilentTown(answer: RequestListener) {
  const witness = await serve(answer)
  const CLUSTERS = JSON.stringify({ [CLUSTER]: { witness: `http://127.0.0.1:${witness.port}/` } })
  const town = await aProbedTown({ DEAD_AFTER_SECONDS: '2.5', CLUSTERS })
  const settings = { env: { INTERVAL_SECONDS: '0.5' } }
  const exporter = await anExporter(town.world, town.edge.url, settings)
  await town.prober.until('200 healthy')
  expect(witness.requests).toEqual([])
  town.prober.mark()
  await exporter.stop()
  return { ...town, witness, restart: () => anExporter(town.world, town.edge.url, settings) }
}

const GOOD: RequestListener = (_, response) => response.end('well')
const BAD: RequestListener = (_, response) => response.writeHead(503).end()

it('that says good holds it', async () => {
  const { prober, witness } = await aSilentTown(GOOD)

  await prober.until('200 held')

  expect(
    prober.differences('a witness that says good', [
      ['200 healthy', 0.9, 1.8],
      ['200 late', 0.6, 1.6],
      ['200 held'],
    ]),
  ).toBe('')
  expect(witness.requests).toHaveLength(1)
})

it.skipIf(!IS_LONG)(
  'that turns bad ends that within its five seconds (npm run faults)',
  async () => {
    let answer = GOOD
    const { prober, witness } = await aSilentTown((request, response) => {
      answer(request, response)
    })

    await prober.until('200 held')
    answer = BAD
    await prober.until('503 stale')

    // Good from about 1.5 s on, asked again after 5 s; a ruling each second.
    expect(
      prober.differences('a witness that says good, then bad', [
        ['200 healthy', 0.9, 1.8],
        ['200 late', 0.6, 1.6],
        ['200 held', 3, 7],
        ['503 stale'],
      ]),
    ).toBe('')
    expect(witness.requests).toHaveLength(2)
  },
)

it('that says bad lets it die at the end of its lease', async () => {
  const { prober } = await aSilentTown(BAD)

  await prober.until('503 stale')

  expect(
    prober.differences('a witness that says bad', [
      ['200 healthy', 0.9, 1.8],
      ['200 late', 0.6, 1.6],
      ['200 held?', 0, 1.3], // its word comes after the first ruling; the next is a second later
      ['503 stale'],
    ]),
  ).toBe('')
})

it('that hangs holds it until its two seconds are over', async () => {
  const { prober, restart } = await aSilentTown(() => undefined)

  await prober.until('503 stale')
  await restart()
  await prober.until('200 healthy')

  // Asked from 1.5 s on, so given up at 3.5 s, and ruled upon within a second.
  expect(
    prober.differences('a witness that hangs', [
      ['200 healthy', 0.9, 1.8],
      ['200 late', 0.6, 1.6],
      ['200 held', 0.4, 3],
      ['503 stale', 0.4, 3],
      ['200 healthy'],
    ]),
  ).toBe('')
})
