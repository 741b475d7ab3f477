/**
 * Finished answers that all readers without a token share: one is made once for all who ask for the same, a second long, and a
 * budget bounds how many are made. A page of 5,000 pods takes as long as thousands of probes, in the same thread.
 */
import { waitUntil } from 'cloudflare:workers'
import type { Context } from 'hono'
import { hashOf } from '../auth/token.ts'
import { TokenBucket } from '../cluster/token-bucket.ts'
import { within } from '../cluster/within.ts'
import type { AppEnv } from '../env.ts'
import { ASSETS_VERSION } from '../views/assets.ts'
import { BUSY, findFormat, isPerson, replyProblem, type Rendered } from './answer.ts'

/** ms for which an answer is given as it is: its ages are off by no more than that. */
const GOOD_FOR_MS = 1000
/** ms up to which it is given, with its age, where the budget is used up. */
const STALE_MS = 4000
/** Bytes of answers that an isolate keeps, of its 128 MB; the longest unmade go. */
const KEPT_MAX_BYTES = 8_000_000
/** Bytes of answers that are made a second: about 100 ms of the thread (docs/performance.md, pages). */
const BUDGET = { perSecond: 2_000_000, burst: 4_000_000 }
/** What a small answer costs beside its bytes. */
const ANSWER_COST_BYTES = 50_000

/** Bytes of answers that are given a second: a page of 5,000 pods costs a millisecond even where it is made already. */
const GIVEN = { perSecond: 30_000_000, burst: 30_000_000 }

/** What an answer is made of, once it is known that it must be made. */
export interface Prepared {
  /** All that the page shows but times: a reader who has the same already gets a 304. Not set: it has no ETag. */
  shown?: unknown
  /** ms; when time alone changes what it says. */
  turnsAtMs: number
  render: () => Rendered | Promise<Rendered>
}

interface Answer {
  status: Rendered['status']
  headers: Record<string, string>
  body: Uint8Array<ArrayBuffer>
}

interface Made {
  /** What it was made of. */
  of: object
  madeMs: number
  turnsAtMs: number
  /** That are counted in `keptBytes`. */
  bytes: number
  answer: Promise<Answer>
  /** null: it is being made. */
  done: Answer | null
}

/** ms that one may take which another request makes. */
const MAKING_TIMEOUT_MS = 2000

const made = new Map<string, Made>()
const budget = new TokenBucket()
const given = new TokenBucket()
let keptBytes = 0

/**
 * `of`: the same object for as long as the answer is the same but for the time. Each token holder is answered apart, from
 * what is there now. `busy` where the budget is used up and no copy is young enough.
 */
export async function replyShared(
  c: Context<AppEnv>,
  of: object,
  prepare: () => Prepared | Promise<Prepared>,
): Promise<Response> {
  if ((c.get('viewer') ?? null) !== null) return replyOwn(c, await prepare())
  const nowMs = Date.now()
  const key = keyOf(c)
  const known = made.get(key)
  const ageMs = nowMs - (known?.madeMs ?? -Infinity)
  const isTurned = known !== undefined && nowMs >= known.turnsAtMs
  if (known !== undefined && known.of === of && !isTurned && ageMs >= 0 && ageMs < GOOD_FOR_MS) {
    return giveKnown(c, known)
  }
  if (budget.take(nowMs, BUDGET, ANSWER_COST_BYTES)) {
    return give(c, await keep(key, make(c, { of, nowMs, prepare })))
  }
  if (known === undefined || isTurned || ageMs < 0 || ageMs >= STALE_MS)
    return replyProblem(c, BUSY)
  c.header('Age', String(Math.floor(ageMs / 1000)))
  return giveKnown(c, known)
}

/** One that another request makes is waited for with a timer of this one: without it the runtime takes this one as hung, a 500. */
async function giveKnown(c: Context<AppEnv>, { done, answer }: Made): Promise<Response> {
  const finished = done ?? (await within(MAKING_TIMEOUT_MS, answer))
  return finished === null ? replyProblem(c, BUSY) : give(c, finished)
}

/** An act changed something through this isolate: none is given that was made before. */
export function forgetAnswers(): void {
  made.clear()
  keptBytes = 0
}

/** As in an isolate that has just started. */
export function resetAnswers(): void {
  forgetAnswers()
  budget.refill()
  given.refill()
}

/** What finished answers take of the isolate's memory now. */
export function bytesKept(): number {
  return keptBytes
}

/** What the answer depends on: the way in, what the path knows of the query, and what is asked for. */
function keyOf(c: Context<AppEnv>): string {
  const { origin, pathname } = new URL(c.req.url)
  const format = [findFormat(c), isPerson(c), c.get('refreshed') ?? null]
  return JSON.stringify([origin, pathname, c.get('asked') ?? [], ...format])
}

function make(
  c: Context<AppEnv>,
  {
    of,
    nowMs,
    prepare,
  }: { of: object; nowMs: number; prepare: () => Prepared | Promise<Prepared> },
): Made {
  const answer = async () => {
    const prepared = await prepare()
    one.turnsAtMs = prepared.turnsAtMs
    const rendered = await prepared.render()
    budget.spend(rendered.body.length)
    const body = new Uint8Array(new TextEncoder().encode(rendered.body))
    const etag = await etagOf(c, prepared.shown)
    return { ...rendered, headers: { ...rendered.headers, ...etag }, body }
  }
  const making = answer()
  // Others wait for it too: it must not end with the request that began it.
  waitUntil(making.catch(() => undefined)) // told by whoever waits
  const one: Made = {
    of,
    madeMs: nowMs,
    turnsAtMs: Infinity,
    bytes: 0,
    answer: making,
    done: null,
  }
  return one
}

async function keep(key: string, one: Made): Promise<Answer> {
  drop(key)
  made.set(key, one)
  try {
    const answer = await one.answer
    one.done = answer
    if (made.get(key) === one) {
      // Whoever asks writes the key: of small answers it is nearly all.
      one.bytes = answer.body.length + key.length
      keptBytes += one.bytes
    }
    for (const oldest of made.keys()) {
      if (keptBytes <= KEPT_MAX_BYTES) break
      drop(oldest)
    }
    return answer
  } catch (error) {
    if (made.get(key) === one) made.delete(key)
    throw error
  }
}

function drop(key: string): void {
  keptBytes -= made.get(key)?.bytes ?? 0
  made.delete(key)
}

async function etagOf(c: Context<AppEnv>, shown: unknown): Promise<{ ETag?: string }> {
  if (shown === undefined) return {}
  const viewer = c.get('viewer') ?? null
  const hash = await hashOf(JSON.stringify([shown, viewer, ASSETS_VERSION]))
  return { ETag: `W/"${hash.slice(0, 32)}"` }
}

async function replyOwn(c: Context<AppEnv>, { shown, render }: Prepared): Promise<Response> {
  const etag = await etagOf(c, shown)
  if (isCurrent(c, etag.ETag)) return replyCurrent(c, etag)
  const { status, headers, body } = await render()
  return c.body(body, status, { ...headers, ...etag })
}

function give(c: Context<AppEnv>, { status, headers, body }: Answer): Response | Promise<Response> {
  const { ETag } = headers
  if (isCurrent(c, ETag)) return replyCurrent(c, { ETag })
  if (!given.take(Date.now(), GIVEN, body.length)) return replyProblem(c, BUSY)
  return c.body(body, status, headers)
}

function isCurrent(c: Context<AppEnv>, etag: string | undefined): etag is string {
  return etag !== undefined && c.req.header('If-None-Match') === etag
}

function replyCurrent(c: Context<AppEnv>, { ETag = '' }: { ETag?: string | undefined }): Response {
  return c.body(null, 304, { 'Cache-Control': 'no-store', Vary: 'Accept', ETag })
}
