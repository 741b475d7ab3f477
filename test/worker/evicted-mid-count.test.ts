/** An object that is evicted while it counts failures: a prober sees the category trip with the failure that it would have anyway. */
import { evictDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { expect, it } from 'vitest'
import { aCategory, aContent, aFailingTarget, aService, aSnapshot } from '../support/a-report.ts'
import { push, takeCluster } from './edge.ts'
import { operate } from './visitors.ts'

const content = aContent({
  categories: [aCategory({ isSticky: true, failureThreshold: 3 })],
  services: [aService({ targets: [aFailingTarget()] })],
})

async function readReason(cluster: string): Promise<string> {
  const answer = await operate(`/clusters/${cluster}/__gtg/read?cache=false`, { method: 'GET' })
  return `${answer.status} ${answer.headers.get('x-gtg-reason')}`
}

it.each([
  ['never', false],
  ['before each report', true],
])('trips with the third failure, evicted %s', async (_, isEvicted) => {
  const cluster = takeCluster()
  const seen: string[] = []

  for (const failures of [1, 2, 2, 3]) {
    const sequence = seen.length + 1
    const streaks = { web: failures }
    // One after the other: it is a history.
    // oxlint-disable-next-line no-await-in-loop
    await push(aSnapshot({ cluster, sequence, streaks, content, observedAt: Date.now() }))
    // oxlint-disable-next-line no-await-in-loop
    if (isEvicted) await evictDurableObject(env.CLUSTER.getByName(cluster))
    // oxlint-disable-next-line no-await-in-loop
    seen.push(await readReason(cluster))
  }

  const unhealthy = '503 unhealthy'
  expect(seen).toEqual([unhealthy, unhealthy, unhealthy, '503 disabled'])
})
