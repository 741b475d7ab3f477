/** Watches what a prober sees of each category, and tells each turn in a line, with the time from fault to answer. */
import * as v from 'valibot'

const bodySchema = v.object({
  reason: v.string(),
  categories: v.array(v.object({ name: v.string(), passes: v.boolean(), reason: v.string() })),
})
const logSchema = v.object({
  level: v.string(),
  message: v.string(),
  time: v.string(),
  service: v.optional(v.string()),
  target: v.optional(v.string()),
  reason: v.optional(v.string()),
})

/** ms between two looks. */
const LOOK_EVERY_MS = 20

export interface Narrator {
  /** Somebody broke or mended something just now. */
  mark(): void
  /** A line of the exporter's log. */
  hear(line: string): void
  stop(): void
}

/** It asks as a prober does. Past the memo each question would ask for a fresh round, and nothing would take its time. */
export function startNarrator(gtgUrl: string, tell: (line: string) => void): Narrator {
  let markedAtMs: number | null = null
  let probedAtMs: number | null = null
  let before = new Map<string, string>()
  let isStopped = false

  async function look(): Promise<void> {
    const response = await fetch(gtgUrl, { headers: { accept: 'application/json' } })
    const { reason, categories } = v.parse(bodySchema, await response.json())
    const isAnswered = categories.length > 0
    const now = new Map(categories.map((c) => [c.name, c.passes ? '200' : `503 ${c.reason}`]))
    if (!isAnswered) now.set('all', `${response.status} ${reason}`)
    for (const [name, word] of now) {
      if (before.get(name) === word) continue
      tell(`__gtg ${name}: ${before.get(name) ?? 'nothing yet'} → ${word}${timing()}`)
    }
    before = now
  }

  function timing(): string {
    const nowMs = Date.now()
    const parts = [
      probedAtMs === null ? null : `${nowMs - probedAtMs} ms after the probe ended`,
      markedAtMs === null ? null : `${((nowMs - markedAtMs) / 1000).toFixed(1)} s after the change`,
    ].filter((part) => part !== null)
    return parts.length === 0 ? '' : `   (${parts.join(', ')})`
  }

  async function run(): Promise<void> {
    while (!isStopped) {
      // Looks follow one another: a slow answer must not pile up further questions.
      // oxlint-disable-next-line no-await-in-loop
      await look().catch(() => undefined) // the Worker is away or starting: the next look tells
      // oxlint-disable-next-line no-await-in-loop
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
    }
  }
  void run()

  return {
    mark: () => {
      markedAtMs = Date.now()
      probedAtMs = null
    },
    hear: (line) => {
      const log = v.safeParse(v.pipe(v.string(), v.parseJson(), logSchema), line)
      if (!log.success) {
        tell(`exporter: ${line}`)
        return
      }
      const { level, message, time, service, target, reason } = log.output
      if (target !== undefined) {
        probedAtMs = Date.parse(time)
        tell(`exporter: ${service}: ${target}: ${message}${reason ? ` (${reason})` : ''}`)
      } else if (level !== 'debug' && message !== 'snapshot accepted') {
        tell(`exporter: ${message}`)
      }
    },
    stop: () => {
      isStopped = true
    },
  }
}
