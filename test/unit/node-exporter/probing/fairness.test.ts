/** A healthy service beside thousands of targets that take long in turns: by scripted probes and fake timers. */
import { beforeEach, expect, it, onTestFinished, vi } from 'vitest'
import { Prober } from '../../../../node-exporter/probing/prober.ts'
import { aKnownService, aKnownTarget } from '../../../support/exporter/a-discovered.ts'

const TIMEOUT_MS = 10_000
const QUICK_MS = 5
const FOR_MS = 200_000

/** ms that the nth answer of the pod takes, asked at that moment. */
type Took = (given: { pod: number; nth: number; atMs: number }) => number

beforeEach(() => {
  vi.useFakeTimers({ now: 0, fakeNodeBuiltins: true })
  onTestFinished(() => {
    vi.useRealTimers()
  })
})

function aProber(took: Map<string, Took>): Prober {
  const asked = new Map<string, number>()
  const answered = { answered: true, checks: [], mayRetry: false }
  const prober = new Prober({
    probe: async ({ id, namespace, port }) => {
      const nth = asked.get(id) ?? 0
      asked.set(id, nth + 1)
      const ms = took.get(namespace)?.({ pod: port - 1, nth, atMs: performance.now() }) ?? QUICK_MS
      await new Promise((resolve) => setTimeout(resolve, Math.min(ms, TIMEOUT_MS)))
      return { ok: ms < TIMEOUT_MS, ...answered }
    },
    readPodStart: () => Promise.resolve('unread'),
    startingDeadlineMs: 600_000,
    periodMs: 10_000,
    timeoutMs: TIMEOUT_MS,
    maxAttempts: 2,
    cooldownMs: 1000,
    concurrency: 128,
    now: () => performance.now(),
    onChange: () => undefined,
    onTurn: () => undefined,
  })
  onTestFinished(() => {
    prober.stop()
  })
  return prober
}

function aServiceOf(name: string, pods: number) {
  const targets = Array.from({ length: pods }, (_, i) =>
    aKnownTarget({ id: `${name}-${i}`, namespace: name, port: i + 1 }),
  )
  return aKnownService({ name, namespace: name, targets })
}

it.each<[string, Took]>([
  ['hang', () => TIMEOUT_MS],
  ['hang all at once', ({ atMs }) => (atMs > 60_000 ? TIMEOUT_MS : QUICK_MS)],
  ['hang every other time', ({ nth }) => (nth % 2 === 1 ? TIMEOUT_MS : QUICK_MS)],
  [
    'hang every fifth time',
    ({ pod, nth }) => ((nth * 7 + pod * 3) % 5 === 0 ? TIMEOUT_MS : QUICK_MS),
  ],
  ['take 5 s every other time', ({ nth }) => (nth % 2 === 1 ? 5000 : QUICK_MS)],
])('is asked in time beside 2,000 pods in 200 namespaces that %s', async (_, took) => {
  const tenants = Array.from({ length: 200 }, (_tenant, i) => `tenant-${i}`)
  const prober = aProber(new Map(tenants.map((tenant) => [tenant, took])))
  const web = aServiceOf('web', 50)
  prober.follow([...tenants.map((tenant) => aServiceOf(tenant, 10)), web])

  let overdue = 0
  for (let ms = 0; ms < FOR_MS; ms += 1000) {
    // oxlint-disable-next-line no-await-in-loop -- second by second
    await vi.advanceTimersByTimeAsync(1000)
    if (prober.describe(web).overdueSince !== undefined) overdue += 1
  }

  expect(overdue).toBe(0)
})
