/** Acks: somebody's word that a failing service is known. What they compare with, and what ends them (behaviour, section 3). */
import type { Service, Severity } from '../contract/report.ts'
import { INTERVALS_UNTIL_LATE } from '../contract/limits.ts'
import { judgeService, listCounted } from './service-health.ts'
import type { ServicePast } from './service-memory.ts'

/** `removed`: by hand alone. `recovery`: also when the service is well again. `change`: also when it fails otherwise. */
export type AckUntil = 'removed' | 'recovery' | 'change'

/** In which way a service fails: without pods, for a pod that is rescheduled fails as before. */
export interface Failure {
  marks: string[]
  /** null while it is well. */
  severity: Severity | null
}

export interface Ack {
  service: string
  message: string
  /** The name of the token that it was given with. */
  by: string
  atMs: number
  /** ms; null: it doesn't run out. */
  expiresAtMs: number | null
  until: AckUntil
  /** How the service failed when it was acked: what `change` compares with. */
  failure: Failure
  /** ms; since when good reports follow one another without a break. null: not well now. */
  goodSinceMs: number | null
  /** It came back from KV's copy after the object lost its storage. */
  isRestored: boolean
}

/** What ended an ack that nobody removed. */
export type AckEnd = 'expired' | 'recovered' | 'changed'

/** ms of good reports that end an ack until `recovery`: one good moment of a flapping service is none. */
const RECOVERY_MS = 60_000

const WELL: Failure = { marks: [], severity: null }

/** Failing check ids, and what is no check: a pod that gives no answer or only its word, no pod at all. */
export function describeFailure(service: Service, past: ServicePast): Failure {
  const health = judgeService(service, past)
  if (health === null || health.ok) return WELL
  const failing = listCounted(service, past).filter((target) => !target.ok)
  const marks = failing.flatMap((target) => {
    if (!target.answered) return ['unreachable']
    const ids = target.checks.filter((check) => !check.ok).map((check) => `check ${check.id}`)
    return ids.length === 0 ? ['own word'] : ids
  })
  if (past.isOverdue) marks.push('unreachable')
  return {
    marks: marks.length === 0 ? ['no pods'] : [...new Set(marks)].toSorted(),
    severity: health.severity,
  }
}

export function hasExpired({ expiresAtMs }: Pick<Ack, 'expiresAtMs'>, nowMs: number): boolean {
  return expiresAtMs !== null && nowMs >= expiresAtMs
}

/** A mark that was not there, or a worse severity; that it is well again is no change. */
export function hasChanged(ack: Ack, failure: Failure): boolean {
  if (ack.until !== 'change' || failure.severity === null) return false
  const known = new Set(ack.failure.marks)
  return (
    failure.severity < (ack.failure.severity ?? Infinity) ||
    failure.marks.some((mark) => !known.has(mark))
  )
}

/** What a report that moves freshness says of an acked service. `isOk` null: as before, for nothing new was seen. */
export interface Seen {
  isOk: boolean | null
  /** ms; of the report before, and of this one. */
  beforeMs: number | null
  freshAtMs: number
  intervalSeconds: number
}

/** ms; since when it is well without a break. Reports that stayed away are a break: nobody saw it well. */
export function findGoodSince({ goodSinceMs }: Ack, seen: Seen): number | null {
  if (seen.isOk === false || (seen.isOk === null && goodSinceMs === null)) return null
  const gapMs = seen.freshAtMs - (seen.beforeMs ?? 0)
  const isBroken = gapMs > INTERVALS_UNTIL_LATE * seen.intervalSeconds * 1000
  return goodSinceMs === null || isBroken ? seen.freshAtMs : goodSinceMs
}

export function hasRecovered({ until, goodSinceMs }: Ack, freshAtMs: number): boolean {
  return until === 'recovery' && goodSinceMs !== null && freshAtMs - goodSinceMs >= RECOVERY_MS
}
