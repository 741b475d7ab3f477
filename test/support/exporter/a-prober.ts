/**
 * A prober as a load balancer has one: it asks `__gtg` over HTTP again and again, and tells what it was told as runs of
 * the same answer. Cases assert the order of the answers and the bounds of their times, never a single moment.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { onTestFinished, vi } from 'vitest'
import { READ_TOKEN } from '../secrets.ts'
import { CLUSTER } from './a-setup.ts'

/** `npm run faults`: with production's timings too, which take minutes. */
export const IS_LONG = process.env['FAULTS'] === 'long'

export interface ProberOptions {
  cluster?: string
  category?: string
  /** ms between two questions. */
  everyMs?: number
  /** As by default for short timings: an interval below the memo's second would read as late. */
  isPastMemo?: boolean
}

/** One answer, such as `200 healthy`, or `no answer`; times are ms since 1970. */
export interface Look {
  askedMs: number
  answeredMs: number
  said: string
}

/** What was said, and the least and the most seconds for which it was. With a `?` it may have been too short to see. */
export type Expected = readonly [said: string, minSeconds?: number, maxSeconds?: number]

/** ms that an answer may take before nobody waits for it any more. */
const TIMEOUT_MS = 5000

export class Prober {
  readonly #url: string
  readonly #headers: Record<string, string>
  #looks: Look[] = []
  #zeroMs = Date.now()

  constructor(url: string, headers: Record<string, string>) {
    this.#url = url
    this.#headers = headers
  }

  /** Since the mark. */
  get looks(): readonly Look[] {
    return this.#looks
  }

  /** Seconds count from here; what was said before is forgotten. Gives the moment, in ms since 1970. */
  mark(): number {
    this.#looks = []
    this.#zeroMs = Date.now()
    return this.#zeroMs
  }

  /** Asks until the signal comes. */
  async run(everyMs: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      // oxlint-disable-next-line no-await-in-loop -- one question after the other
      const look = await this.#ask()
      if (look.askedMs >= this.#zeroMs && !signal.aborted) this.#looks.push(look)
      const restMs = Math.max(1, look.askedMs + everyMs - Date.now())
      // oxlint-disable-next-line no-await-in-loop
      await sleep(restMs)
    }
  }

  /** Until the newest answer is this one. */
  async until(said: string, seconds = 20): Promise<void> {
    await vi.waitFor(
      () => {
        if (this.#looks.at(-1)?.said !== said) throw new Error(`no ${said}:\n${this.tell()}`)
      },
      { timeout: seconds * 1000, interval: 10 },
    )
  }

  /** The same answers in a row as one, with the seconds since the mark. */
  runs(): { said: string; from: number; to: number }[] {
    const changes = this.#looks.filter((look, i) => look.said !== this.#looks[i - 1]?.said)
    const seconds = (ms: number) => (ms - this.#zeroMs) / 1000
    const endMs = this.#looks.at(-1)?.answeredMs ?? this.#zeroMs
    return changes.map(({ said, askedMs }, i) => ({
      said,
      from: i === 0 ? 0 : seconds(askedMs),
      to: seconds(changes[i + 1]?.askedMs ?? endMs),
    }))
  }

  /** For people: one line for each run. */
  tell(): string {
    return this.runs()
      .map(({ said, from, to }) => `${pad(from)} – ${pad(to)} s  ${said}`)
      .join('\n')
  }

  /** Where this, and nothing else, was said since the mark, for as long as is expected: ''. */
  differences(title: string, expected: readonly Expected[]): string {
    if (IS_LONG) console.info(`${title}\n${this.tell()}`)
    const runs = this.runs()
    const saw = runs.map(({ said }) => said)
    const seen = leaveOutUnseen(expected, saw)
    const words = seen.map(([said]) => said)
    const blind = this.#longestGap()
    const isSame = words.join() === saw.join()
    const faults = seen.flatMap(([said, min = 0, max = Infinity], i) => {
      const { from, to } = runs[i] ?? { from: 0, to: 0 }
      const isWithin = to - from >= min - blind && to - from <= max + blind
      return isWithin ? [] : [`${said} is not within ${min} to ${max} s`]
    })
    if (isSame && faults.length === 0) return ''
    return [`expected: ${words.join(', ')}`, ...faults, this.tell()].join('\n')
  }

  /** Seconds in which it did not look, for the machine was busy: by as much may an answer be told too long or too short. */
  #longestGap(): number {
    const gaps = this.#looks.map(({ askedMs }, i) => {
      return (this.#looks[i + 1]?.askedMs ?? askedMs) - askedMs
    })
    return Math.max(0, ...gaps) / 1000
  }

  async #ask(): Promise<Look> {
    const askedMs = Date.now()
    const said = await fetch(this.#url, {
      headers: this.#headers,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
      .then(async (response) => {
        await response.arrayBuffer()
        return `${response.status} ${response.headers.get('x-gtg-reason')}`
      })
      .catch(() => 'no answer') // refused, cut off or too late: all the same to a prober
    return { askedMs, answeredMs: Date.now(), said }
  }
}

/** Asks until the test ends. */
export function aProber(
  workerUrl: string,
  { cluster = CLUSTER, category = 'default', everyMs = 50, isPastMemo = true }: ProberOptions = {},
): Prober {
  const url = `${workerUrl}/clusters/${cluster}/__gtg/${category}`
  const prober = isPastMemo
    ? new Prober(`${url}?cache=false`, { authorization: `Bearer ${READ_TOKEN}` })
    : new Prober(url, {})
  const stopping = new AbortController()
  const running = prober.run(everyMs, stopping.signal)
  onTestFinished(() => {
    stopping.abort()
    return running
  })
  return prober
}

/** An optional answer counts where it is the next one that was given. */
function leaveOutUnseen(expected: readonly Expected[], saw: string[]): Expected[] {
  const seen: Expected[] = []
  for (const [said, ...bounds] of expected) {
    const word = said.replace('?', '')
    if (word === said || saw[seen.length] === word) seen.push([word, ...bounds])
  }
  return seen
}

function pad(seconds: number): string {
  return seconds.toFixed(1).padStart(5)
}
