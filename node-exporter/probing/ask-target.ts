/**
 * One probe of one target: its tries, and where it failed, whether its pod is only starting. What the prober keeps of it,
 * and when it asks again, is the prober's business.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { NOBODY, type Entry } from './entry.ts'
import { notAnswered } from './health-answer.ts'
import type { ReadPodStart } from './pod-reader.ts'
import type { Probe, Probed } from './probe.ts'

/** Does its work once there is a place for it. */
export type TakePlace = <T>(work: () => Promise<T>) => Promise<T>

export interface AskOptions {
  probe: Probe
  timeoutMs: number
  /** Further tries after a connection failed, and ms between them. */
  maxAttempts: number
  cooldownMs: number
  /** Of a failing target that is not ready: whether its pod has ever been. */
  readPodStart: ReadPodStart
  /** ms for which a target may be starting. */
  startingDeadlineMs: number
  /** ms by the edge's clock. */
  now: () => number
}

/** Between two tries its place is free for others: ten hanging pods must not make everything else late. */
export async function askTarget(
  entry: Entry,
  takePlace: TakePlace,
  options: AskOptions,
): Promise<Probed> {
  if (entry.target.id === NOBODY) {
    const none = { ...notAnswered('no pods'), mayRetry: false }
    return findStartingMs(entry, options) > 0 ? { ...none, starting: true } : none
  }
  const mayStart = !entry.hasBeenReady
  const probed = await tryTarget(entry, takePlace, options)
  if (probed === null || probed.ok || !mayStart) return probed
  const start = await readStart(entry, options)
  // It became ready meanwhile: what it answered before says nothing of it as it is now.
  if (start === 'ready') return tryTarget(entry, takePlace, options)
  if (start === 'has-been-ready') return probed
  const waiting = { ...probed, wasReady: false as const }
  if (start === 'unread') return { ...waiting, isUnread: true }
  return findStartingMs(entry, options) > 0 ? { ...waiting, starting: true } : waiting
}

/** ms for which it may go on starting; 0 once it counts. */
export function findStartingMs(
  { startedAtMs }: Entry,
  { now, startingDeadlineMs }: Pick<AskOptions, 'now' | 'startingDeadlineMs'>,
): number {
  return startedAtMs === null ? Infinity : Math.max(0, startedAtMs + startingDeadlineMs - now())
}

async function tryTarget(entry: Entry, takePlace: TakePlace, options: AskOptions): Promise<Probed> {
  const { maxAttempts, cooldownMs } = options
  const { signal } = entry.stop
  const ask = () => takePlace(() => askOnce(entry, options))
  let probed = await ask()
  for (let attempt = 0; attempt < maxAttempts && probed?.mayRetry; attempt++) {
    // oxlint-disable-next-line no-await-in-loop -- one try after the other
    await sleep(cooldownMs, undefined, { signal }).catch(() => undefined) // it is gone
    // oxlint-disable-next-line no-await-in-loop
    probed = await ask()
  }
  return probed
}

async function askOnce(entry: Entry, { probe, timeoutMs }: AskOptions): Promise<Probed> {
  if (entry.stop.signal.aborted) return null
  const startMs = performance.now()
  const probed = await probe(entry.target, timeoutMs)
  entry.quickIn = countQuickIn(
    entry.quickIn ?? 0,
    (performance.now() - startMs) / slowMsOf(timeoutMs),
  )
  return probed
}

/** A target that hangs every other time occupies a place as long as one that always does: it waits with those. */
function countQuickIn(before: number, slownessOfAnswer: number): number {
  return Math.max(0, before - 1, Math.ceil(slownessOfAnswer) - 1)
}

/** ms; an answer that takes longer is slow: a tenth of the time it has, one second of ten. */
export function slowMsOf(timeoutMs: number): number {
  return timeoutMs / 10
}

/** Read from the Pod once: what it says goes on being true. */
async function readStart(
  entry: Entry,
  { readPodStart, now }: AskOptions,
): Promise<'starting' | 'ready' | 'has-been-ready' | 'unread'> {
  if (entry.startedAtMs !== null) return 'starting'
  const start = await readPodStart(entry.target)
  if (start === 'ready' || start === 'has-been-ready') entry.hasBeenReady = true
  if (typeof start === 'string') return start
  // A node whose clock is ahead gets no longer than others.
  entry.startedAtMs = Math.min(start.startedAtMs, now())
  return 'starting'
}
