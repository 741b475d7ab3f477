/**
 * A cluster's history as a script, one line per event, and what came of each as a transcript. It drives the domain as
 * the edge does, with 60 s to dead, and decides nothing itself.
 *
 * Reports: `snapshot #1`, `heartbeat #2`, `blind #3`, and behind the number `epoch=2` (1 unless said) · `observed=12s`
 * (else the moment of the line) · `digest=x` (else `epoch/number` of the snapshot last sent, arrived or not) ·
 * `services=null`, `categories=null`, `acks=null` · `lost` (sent, never arrived) · `streak web=2` · `web ok`, `failing`,
 * `unreachable`, `nopods` or `unchecked` (not probed yet) with `check=a+b`, `severity=1`, `pod=web-9`, `output=17`, `overdue=20s` (since
 * when a new result is due).
 * Services and streaks stay as they were last said; a streak ends with its epoch and when the service is ok.
 * ConfigMaps, told with the next snapshot: `configmap read services=web+api threshold=2 enabled=true sticky`, `configmap
 * read gone`, `configmap-ack web "known"`, `configmap-ack web gone`.
 * People: `ack web "known" until=recovery expires=4h by=nina`, `rem-ack web`, `disable read "why"`, `enable read`.
 * The platform: `alarm`; `evict` (storage is read again); `restore` (storage is lost, KV's copy is there).
 * Readers: `ask read`, `show read` or `show web` (as the pages do), `history read` or `history web`.
 * What happens to `default` is told only in a script that names it.
 */
import type { Report } from '../../worker/contract/report.ts'
import { replyGtg } from '../../worker/dialects/gtg-text.ts'
import { applyAct, passMoment, type Act } from '../../worker/domain/acts.ts'
import { applyReport, type ClusterState } from '../../worker/domain/cluster.ts'
import { judgeGtg, makeView } from '../../worker/domain/gtg.ts'
import type { Transition } from '../../worker/domain/history.ts'
import { publish, restoreState } from '../../worker/domain/restore.ts'
import type { Settled } from '../../worker/domain/settle.ts'
import { describeCluster } from '../../worker/domain/status.ts'
import { RULES } from './apply.ts'
import { Exporter } from './script-exporter.ts'
import { findNames, findOption, readMs, readScript, type Line } from './script.ts'
import { tellCategory, tellService, tellTransition } from './tell.ts'
import { throughJson } from './through-json.ts'

/** The script's exporter, what the edge holds, and what the history has of it. */
interface Stage {
  exporter: Exporter
  state: ClusterState | null
  events: Transition[]
  isDefaultTold: boolean
}

const UNTIL = ['removed', 'recovery', 'change'] as const

/** `10s snapshot #1 web ok` per line; the category `read` holds `web`. The transcript has a line for each. */
export function play(script: string): string {
  const stage: Stage = {
    exporter: new Exporter(),
    state: null,
    events: [],
    isDefaultTold: /\bdefault\b/.test(script),
  }
  return readScript(script)
    .map((line) => `${line.text} → ${playLine(stage, line)}`)
    .join('\n')
}

function playLine(stage: Stage, line: Line): string {
  switch (line.kind) {
    case 'snapshot':
    case 'heartbeat':
    case 'blind':
      return hear(stage, line)
    case 'configmap':
      return stage.exporter.readCategory(line)
    case 'configmap-ack':
      return stage.exporter.readAck(line)
    case 'alarm':
    case 'evict':
    case 'restore':
      return stage.state === null ? 'nothing is held' : happen(stage, stage.state, line)
    case 'ask':
      return ask(stage, line)
    case 'show':
      return show(stage, line)
    case 'history':
      return tellHistory(stage, line)
    default:
      return act(stage, line)
  }
}

function hear(stage: Stage, line: Line): string {
  const report = stage.exporter.report(line)
  if (findNames(line).includes('lost')) return 'never arrived'
  const before = report.kind === 'snapshot' ? stage.state : withoutContent(stage.state)
  const applied = applyReport(before, report, { ...RULES, nowMs: line.atMs })
  if (!applied.ok) {
    const { held } = applied.rejection
    return `refused, held ${held.epoch}/${held.sequence}`
  }
  const word = applied.resend ? 'accepted, resend' : 'accepted'
  return keep(stage, { ...applied, state: withContent(applied.state, { stage, report }) }, [
    word,
    line.atMs,
  ])
}

/** Only a snapshot reads or changes what is large, as in the object. */
function withoutContent(state: ClusterState | null): ClusterState | null {
  return (
    state && { ...state, content: null, standing: { ...state.standing, services: {}, nodes: null } }
  )
}

function withContent(
  state: ClusterState,
  { stage, report }: { stage: Stage; report: Report },
): ClusterState {
  if (report.kind === 'snapshot' || stage.state === null) return state
  const { content, standing } = stage.state
  const { services, nodes } = standing
  return { ...state, content, standing: { ...state.standing, services, nodes } }
}

/** The new state, and a word with all that turned. */
function keep(
  stage: Stage,
  { state, transitions }: Settled,
  [word, nowMs]: [word: string, nowMs: number],
): string {
  stage.state = state
  stage.events.push(...transitions)
  const told = transitions.filter(
    ({ subject, name }) => subject !== 'category' || name !== 'default' || stage.isDefaultTold,
  )
  return [word, ...told.map((transition) => tellTransition(transition, nowMs))].join('; ')
}

function act(stage: Stage, line: Line): string {
  const actor = { by: findOption(line, 'by') ?? 'ops', address: '192.0.2.1' }
  const acted = applyAct(stage.state, readAct(line), { nowMs: line.atMs, actor })
  return acted.ok ? keep(stage, acted, ['done', line.atMs]) : `refused, ${acted.reason}`
}

function readAct(line: Line): Act {
  const [name = '', words = ''] = findNames(line)
  const expires = findOption(line, 'expires')
  switch (line.kind) {
    case 'ack':
      return {
        kind: 'add-ack',
        service: name,
        message: words,
        until: UNTIL.find((until) => until === findOption(line, 'until')) ?? 'removed',
        expiresAtMs: expires === null ? null : line.atMs + readMs(expires),
      }
    case 'rem-ack':
      return { kind: 'remove-ack', service: name }
    case 'disable':
      return { kind: 'disable-category', category: name, why: words }
    case 'enable':
      return { kind: 'enable-category', category: name }
    default:
      throw new Error(`not an event: ${line.text}`)
  }
}

function happen(stage: Stage, state: ClusterState, { kind, atMs }: Line): string {
  switch (kind) {
    case 'alarm':
      return keep(stage, passMoment(state, atMs), ['rang', atMs])
    case 'restore':
      return keep(stage, restoreState(throughJson(publish(state)), atMs), ['from KV', atMs])
    default:
      stage.state = throughJson(state)
      return 'read from storage'
  }
}

function ask({ state }: Stage, line: Line): string {
  const gtg = judgeGtg(makeView(state), findNames(line), { nowMs: line.atMs, isCopy: false })
  const { status } = replyGtg('GET', gtg)
  return `${status} ${gtg.reason}, ${gtg.ageSeconds === null ? 'no age' : `${gtg.ageSeconds} s old`}`
}

function show({ state }: Stage, line: Line): string {
  const [name] = findNames(line)
  const status = describeCluster(state, { cluster: 'demo', names: [], nowMs: line.atMs })
  const category = status?.categories.find((one) => one.name === name)
  if (category !== undefined) return tellCategory(category)
  const service = status?.services.find((one) => one.name === name)
  return service === undefined ? 'unknown' : tellService(service)
}

/** Oldest first; without a name that of the cluster itself. */
function tellHistory({ events }: Stage, line: Line): string {
  const [name = ''] = findNames(line)
  const told = events.filter((event) => event.name === name)
  return told.map((event) => tellTransition(event, Infinity)).join('; ')
}
