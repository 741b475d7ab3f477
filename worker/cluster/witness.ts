/** Somebody outside who can say whether a silent cluster is there after all (behaviour, section 6). It decides nothing. */
import type { WitnessWord } from '../domain/silence.ts'

/** ms that an answer may take, and that one is good for. */
const TIMEOUT_MS = 2000
const KNOWN_MS = 5000

export class Witness {
  #url: string | null = null
  #word: WitnessWord = 'none'
  #askedSinceMs = 0
  /** ms; when the last answer came, or its time was over. */
  #heardAtMs = -Infinity
  #isAsking = false
  readonly #onHeard: () => Promise<void>

  /** `onHeard` may fail: the next question tells as much. */
  constructor(onHeard: () => Promise<void>) {
    this.#onHeard = onHeard
  }

  /** What it last said, unless that is too long ago. Asks anew behind it where it is old, one question at a time. */
  hear(url: string, nowMs: number): { word: WitnessWord; askedSinceMs: number } {
    const ageMs = nowMs - this.#heardAtMs
    if (url !== this.#url || (this.#word !== 'none' && ageMs > KNOWN_MS + TIMEOUT_MS)) {
      this.#url = url
      this.#word = 'none'
      this.#askedSinceMs = nowMs
      this.#heardAtMs = -Infinity
    }
    if (nowMs - this.#heardAtMs > KNOWN_MS && !this.#isAsking) void this.#ask(url)
    return { word: this.#word, askedSinceMs: this.#askedSinceMs }
  }

  async #ask(url: string): Promise<void> {
    this.#isAsking = true
    const isGood = await askOnce(url)
    this.#isAsking = false
    if (url !== this.#url) return
    this.#word = isGood ? 'good' : 'bad'
    this.#heardAtMs = Date.now()
    await this.#onHeard().catch((error: unknown) => {
      console.error('not ruled:', error instanceof Error ? error.message : error)
    })
  }
}

/** 200 alone is good: a redirect leads elsewhere, and whoever answers otherwise is no witness. */
async function askOnce(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { 'User-Agent': 'pilotlight' },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    await response.body?.cancel()
    return response.status === 200
  } catch {
    return false // refused, cut off or too late: all the same to who asks
  }
}
