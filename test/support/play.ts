/**
 * A cluster's history as a script, one line per event, and what was answered as a transcript. It drives the domain as
 * the edge does, with 60 s to dead, and decides nothing itself. Behind a report's number may stand:
 * `epoch=2` (1 unless said) · `observed=12s` (else the moment of the line) · `digest=x` (else `epoch/number` of the
 * snapshot last sent, arrived or not) · `services=null`, `categories=null` · `lost` (sent, never arrived) ·
 * `web ok`, `web failing`, `web unchecked` (not probed yet): services, which stay as they were last said.
 */
import type { Report, Service } from '../../worker/contract/report.ts'
import { replyGtg } from '../../worker/dialects/gtg-text.ts'
import { applyReport, type ClusterState } from '../../worker/domain/cluster.ts'
import { judgeGtg, makeView } from '../../worker/domain/gtg.ts'
import {
  aBlind,
  aCategory,
  aContent,
  aFailingTarget,
  aHeartbeat,
  aService,
  aSnapshot,
} from './a-report.ts'
import { DEAD_AFTER_MS, T0 } from './apply.ts'

/** What the exporter of the script knows, and what the edge holds. */
interface Stage {
  services: Map<string, string>
  digest: string
  state: ClusterState | null
}

interface Line {
  text: string
  atMs: number
  kind: string
  words: string[]
}

const TARGETS: Record<string, Service['targets']> = {
  ok: aService().targets,
  failing: [aFailingTarget()],
  unchecked: null,
}

/** `10s snapshot #1 web ok` per line; the category `read` holds `web`. The transcript has a line for each. */
export function play(script: string): string {
  const stage: Stage = { services: new Map([['web', 'ok']]), digest: '', state: null }
  const lines = script
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
  return lines.map((line) => `${line} → ${playLine(stage, parseLine(line))}`).join('\n')
}

function parseLine(text: string): Line {
  const [time = '', kind = '', ...words] = text.split(/[\s,]+/)
  return { text, atMs: T0 + readSeconds(time) * 1000, kind, words }
}

function readSeconds(text: string): number {
  const match = /^(-?\d+)s$/.exec(text)
  if (match === null) throw new Error(`not a time in seconds: ${text}`)
  return Number(match[1])
}

function playLine(stage: Stage, line: Line): string {
  if (line.kind === 'ask') return ask(stage, line)
  const report = makeReport(stage, line)
  if (line.words.includes('lost')) return 'never arrived'
  const clock = { nowMs: line.atMs, deadAfterMs: DEAD_AFTER_MS }
  const applied = applyReport(stage.state, report, clock)
  if (!applied.ok) {
    const { held } = applied.rejection
    return `refused, held ${held.epoch}/${held.sequence}`
  }
  stage.state = applied.state
  return applied.resend ? 'accepted, resend' : 'accepted'
}

function ask(stage: Stage, line: Line): string {
  const gtg = judgeGtg(makeView(stage.state), line.words, { nowMs: line.atMs, isCopy: false })
  const { status } = replyGtg('GET', gtg)
  return `${status} ${gtg.reason}, ${gtg.ageSeconds === null ? 'no age' : `${gtg.ageSeconds} s old`}`
}

function makeReport(stage: Stage, line: Line): Report {
  const options = new Map(line.words.map((word) => readOption(word)))
  const observed = options.get('observed')
  const envelope = {
    epoch: Number(options.get('epoch') ?? 1),
    sequence: Number(options.get('#')),
    observedAt: observed === undefined ? line.atMs : T0 + readSeconds(observed) * 1000,
  }
  switch (line.kind) {
    case 'snapshot': {
      tellServices(stage, line.words)
      const content = aContent({
        services: options.get('services') === 'null' ? null : listServices(stage),
        categories: options.get('categories') === 'null' ? null : [aCategory()],
      })
      stage.digest = options.get('digest') ?? `${envelope.epoch}/${envelope.sequence}`
      return aSnapshot({ ...envelope, digest: stage.digest, content })
    }
    case 'heartbeat':
      return aHeartbeat({ ...envelope, digest: options.get('digest') ?? stage.digest })
    case 'blind':
      return aBlind(envelope)
    default:
      throw new Error(`not an event: ${line.text}`)
  }
}

/** `#7` and `epoch=2`; any other word is not an option and stands for itself. */
function readOption(word: string): [string, string] {
  if (word.startsWith('#')) return ['#', word.slice(1)]
  const [key = '', value = ''] = word.split('=')
  return [key, value]
}

function tellServices({ services }: Stage, words: string[]): void {
  for (const [i, word] of words.entries()) {
    const name = words[i - 1]
    if (name !== undefined && Object.hasOwn(TARGETS, word)) services.set(name, word)
  }
}

function listServices({ services }: Stage): Service[] {
  return [...services].map(([name, word]) => aService({ name, targets: TARGETS[word] ?? null }))
}
