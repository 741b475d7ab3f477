/**
 * One replica in the election: looks at the Lease, writes it when the elector says so, and tells who leads. The last word on
 * whose reports count is the edge's: an epoch below the one it holds is refused there.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { ComponentStatus } from '../../worker/contract/report.ts'
import { KubeError } from '../discovery/kube-error.ts'
import type { Log } from '../self/log.ts'
import {
  decide,
  loseSight,
  observe,
  startElection,
  takeFailure,
  takeRefusal,
  takeWritten,
  type Election,
  type SeenLease,
  type Step,
} from './elector.ts'
import type { LeaseStore } from './lease-store.ts'

export interface CandidateOptions {
  store: Pick<LeaseStore, 'read' | 'write' | 'missingRight'>
  /** Of this very process, and no other ever. */
  identity: string
  /** ms a holder's record must stand still before it is taken. */
  durationMs: number
  /** ms without a look or a renewal that worked, after which that is told as a fault. */
  renewMs: number
  /** ms between two looks or renewals. */
  retryMs: number
  log: Log
  /** It leads, under this epoch, until told otherwise. Also when the epoch moves under a leader. */
  onLead: (epoch: number) => void
  onStandDown: () => void
  onStatus: (status: LeaderStatus) => void
}

export interface LeaderStatus {
  status: ComponentStatus
  message: string
  /** Why it isn't ready: it lacks a right to its Lease, and never had it (behaviour, section 8). */
  notReady?: string
  metadata: { holder: string; isLeader: boolean; transitions: number }
}

export class Candidate {
  readonly #options: CandidateOptions
  readonly #stopping = new AbortController()
  #election: Election
  /** ms, monotonic; when the API server last answered as it should. */
  #workedAtMs = -Infinity
  /** Why the last try failed; empty: it did not. */
  #fault = ''
  /** ms, monotonic; the API server said to ask no sooner. */
  #notBeforeMs = -Infinity
  /** It has tried to take the Lease: a write may have come through although its reply did not. */
  #mayHold = false
  #running: Promise<void> | null = null
  #isDraining = false
  /** Cuts the wait short. */
  #wake = Promise.withResolvers<void>()

  constructor(options: CandidateOptions) {
    this.#options = options
    this.#election = startElection(options.identity, options.durationMs)
  }

  start(): void {
    const { identity, log } = this.#options
    log.info({ identity }, `stands for the Lease as ${identity}`)
    this.#running ??= this.#run()
  }

  /** The edge refused this leader's report, for it holds one of `epoch`. */
  refuse(epoch: number): void {
    this.#settle(takeRefusal(this.#election, epoch), `the edge holds reports of epoch ${epoch}`)
    this.#wake.resolve()
  }

  /** The process was told to stop: it renews what it leads by, and stands for nothing any more. */
  drain(): void {
    this.#isDraining = true
  }

  /** Gives the Lease back where it is its own, so that the next one need not wait. It tells nobody. Never rejects. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
    if (this.#mayHold) await this.#release()
  }

  /** Until stopped; never rejects. */
  async #run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      this.#wake = Promise.withResolvers<void>()
      // Rounds follow one another: no two writes of one process are ever under way.
      // oxlint-disable-next-line no-await-in-loop
      const step = await this.#round()
      if (signal.aborted) return
      this.#tell()
      // oxlint-disable-next-line no-await-in-loop
      const isUp = await this.#wait(step)
      // A leader knows the Lease as it wrote it; one that was refused acts on what it knew.
      if (isUp && this.#election.epoch === null) this.#election = loseSight(this.#election)
    }
  }

  /** Gives the step that it came to. */
  async #round(): Promise<Step> {
    let step: Step = { kind: 'look' }
    let isOver = false
    for (let tries = 0; tries < STEPS_MAX && !this.#stopping.signal.aborted; tries++) {
      step = this.#decide()
      if (step.kind === 'wait') break
      try {
        // oxlint-disable-next-line no-await-in-loop -- each step depends on what came of the one before
        isOver = step.kind === 'look' ? await this.#look() : await this.#write(step)
        if (isOver) break
      } catch (error) {
        // Whoever leads goes on leading, whoever waits goes on waiting: the component says why.
        const known = KubeError.of(error)
        this.#fault = known.message
        this.#notBeforeMs = performance.now() + known.retryAfterMs
        this.#election = takeFailure(this.#election, step.kind, performance.now())
        return step
      }
    }
    isOver ||= step.kind === 'wait'
    if (isOver) this.#workedAtMs = performance.now()
    this.#fault = isOver ? '' : 'whatever it writes, somebody else has written before'
    return step
  }

  #decide(): Step {
    const step = decide(this.#election, performance.now())
    if (step.kind !== 'write' || !this.#isDraining || this.#election.epoch !== null) return step
    return { kind: 'wait', untilMs: Infinity }
  }

  async #look(): Promise<boolean> {
    const lease = await this.#options.store.read(this.#stopping.signal)
    this.#see(observe(this.#election, lease, performance.now()), lease)
    return false
  }

  async #write({ transitions, over }: Extract<Step, { kind: 'write' }>): Promise<boolean> {
    const { store, identity: holder, durationMs } = this.#options
    const wasEpoch = this.#election.epoch
    const durationSeconds = Math.max(1, Math.ceil(durationMs / 1000))
    const claim = { holder, transitions, durationSeconds }
    this.#mayHold = true
    const written = await store.write(claim, over, this.#stopping.signal)
    if (!written.ok) {
      this.#election = loseSight(this.#election)
      return false
    }
    const { lease } = written
    const nowMs = performance.now()
    this.#see(takeWritten(this.#election, { lease, wasEpoch, nowMs }), lease)
    return this.#election.epoch !== null
  }

  #see(next: Election, lease: SeenLease | null): void {
    this.#settle(next, `${lease?.holder || 'nobody'} holds the Lease, epoch ${lease?.transitions}`)
  }

  /** `why`: what made a leader stand down, if this did. */
  #settle(next: Election, why: string): void {
    const { epoch: before } = this.#election
    const { epoch } = next
    const { log, onLead, onStandDown } = this.#options
    this.#election = next
    if (epoch === before || this.#stopping.signal.aborted) return
    if (epoch === null) {
      log.warn({ epoch: before }, `stands down: ${why}`)
      onStandDown()
    } else {
      log.info({ epoch }, `leads from now on, epoch ${epoch}`)
      onLead(epoch)
    }
    this.#tell()
  }

  #tell(): void {
    const { renewMs, onStatus, store } = this.#options
    const { epoch, lease } = this.#election
    const isLeader = epoch !== null
    const holder = lease?.holder ?? ''
    const metadata = { holder, isLeader, transitions: lease?.transitions ?? 0 }
    const { missingRight } = store
    const isOverdue = this.#fault !== '' && performance.now() - this.#workedAtMs >= renewMs
    const why = missingRight ?? (isOverdue ? this.#fault : null)
    const place = isLeader
      ? `leads, epoch ${epoch}`
      : `stands by, ${holder === '' ? 'nobody is known to lead' : `${holder} leads`}`
    onStatus({
      status: why === null ? 'healthy' : 'degraded',
      message: why === null ? place : `${place}; the Lease can't be had: ${why}`,
      ...(missingRight === null ? {} : { notReady: missingRight }),
      metadata,
    })
  }

  /** False when it was cut short. */
  async #wait(step: Step): Promise<boolean> {
    const retryMs = this.#options.retryMs * (1 + Math.random() * JITTER)
    // A holder whose time is up is not waited for any longer.
    const untilMs = step.kind === 'wait' ? step.untilMs - performance.now() : Infinity
    const findRestMs = () => this.#notBeforeMs - performance.now()
    const waiting = new AbortController()
    const signal = AbortSignal.any([waiting.signal, this.#stopping.signal])
    const isUp = await Promise.race([
      sleep(Math.max(1, findRestMs(), Math.min(retryMs, untilMs)), true, { signal }).catch(
        () => false,
      ), // stopped
      this.#wake.promise
        .then(() => sleep(Math.max(0, findRestMs()), false, { signal }))
        .catch(() => false), // stopped
    ])
    waiting.abort()
    return isUp
  }

  /** The Lease itself says whose it is. */
  async #release(): Promise<void> {
    const { store, identity, renewMs, log } = this.#options
    const signal = AbortSignal.timeout(renewMs)
    try {
      const lease = await store.read(signal)
      if (lease?.holder !== identity) return
      const claim = { holder: '', transitions: lease.transitions, durationSeconds: 1 }
      await store.write(claim, lease, signal)
      log.info('the Lease is released')
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      log.warn(`the Lease can't be released, its time must run out: ${reason}`)
    }
  }
}

/** A look, a write, and both again after a write that somebody else's came before. */
const STEPS_MAX = 4

/** So that replicas don't look in step; client-go's. */
const JITTER = 0.2
