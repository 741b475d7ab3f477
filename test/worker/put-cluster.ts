/** A cluster with a failing service whose copy is in KV, at a time that the test sets by hand. */
import { afterEach, beforeEach, vi } from 'vitest'
import { aCategory, aContent, aFailingTarget, aService, aSnapshot } from '../support/a-report.ts'
import { push, takeCluster } from './edge.ts'
import { runAlarm } from './object.ts'

export const content = aContent({
  services: [aService({ targets: [aFailingTarget()] })],
  categories: [aCategory()],
})

/** For each test of the file that calls it. What the Worker logs as an error stays out of the output. */
export function setTimeByHand(): void {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'], now: Date.now() + 100_000 })
    vi.spyOn(console, 'error').mockReturnValue()
  })
  afterEach(() => {
    vi.useRealTimers()
    vi.restoreAllMocks()
  })
}

export async function aPutCluster(): Promise<string> {
  const cluster = takeCluster()
  await push(aSnapshot({ cluster, observedAt: Date.now(), content }))
  await runAlarm(cluster)
  return cluster
}
