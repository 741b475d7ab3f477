/** A state as a shape and a word, never a colour alone. */
import type { NodeCheckStatus, NodeStatus } from '../domain/node-status.ts'
import type { ClusterFreshness, ServiceStatus } from '../domain/status.ts'

export type Tone = 'ok' | 'warning' | 'critical' | 'acked' | 'off' | 'held' | 'unknown'

/** Each tone has a shape of its own. */
const SHAPES: Record<Tone, string> = {
  ok: 'M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1Zm3.9 5.2-4.6 5.3-3-2.8 1-1.2 1.9 1.8L10.7 5Z',
  warning: 'M8 1 .5 14.5h15ZM7.1 6h1.8v4.5H7.1Zm0 5.5h1.8v1.6H7.1Z',
  critical:
    'M5 1h6l4 4v6l-4 4H5l-4-4V5Zm.9 3.7-1.2 1.2L6.8 8l-2.1 2.1 1.2 1.2L8 9.2l2.1 2.1 1.2-1.2L9.2 8l2.1-2.1-1.2-1.2L8 6.8Z',
  acked: 'M1 2h14v9.5H8.5L4.5 15v-3.5H1Zm3 3v1.5h8V5Zm0 3v1.5h5V8Z',
  off: 'M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1ZM4 7.1h8v1.8H4Z',
  held: 'M2 2h12v12H2Zm3 3v6h2V5Zm4 0v6h2V5Z',
  unknown: 'M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1Zm0 1.7a5.3 5.3 0 1 1 0 10.6A5.3 5.3 0 0 1 8 2.7Z',
}

const OF_FRESHNESS: Record<ClusterFreshness, { tone: Tone; word: string }> = {
  fresh: { tone: 'ok', word: 'fresh' },
  late: { tone: 'warning', word: 'late' },
  held: { tone: 'held', word: 'held' },
  dead: { tone: 'critical', word: 'dead' },
  'no-data': { tone: 'unknown', word: 'no data' },
}

/** The shapes, once a page; <Shape> refers to them. */
export function Shapes() {
  return (
    <svg class="shapes" width="0" height="0" aria-hidden="true">
      {Object.entries(SHAPES).map(([tone, path]) => (
        <symbol id={`shape-${tone}`} viewBox="0 0 16 16">
          <path fill-rule="evenodd" d={path} />
        </symbol>
      ))}
    </svg>
  )
}

export function Shape({ tone }: { tone: Tone }) {
  return (
    <svg class="shape" aria-hidden="true">
      <use href={`#shape-${tone}`} />
    </svg>
  )
}

/** `isPast`: nothing newer is known, so it says what was. */
export function Chip({ tone, word, isPast }: { tone: Tone; word: string; isPast?: boolean }) {
  return (
    <span class={isPast === true ? `chip ${tone} past` : `chip ${tone}`}>
      <Shape tone={tone} />
      {isPast === true ? `was ${word}` : word}
    </span>
  )
}

export function FreshnessChip({ freshness }: { freshness: ClusterFreshness }) {
  return <Chip {...OF_FRESHNESS[freshness]} />
}

export function ServiceChip({ service, isPast }: { service: ServiceStatus; isPast: boolean }) {
  const { word, ack, ok } = service
  if (ok === null) return <Chip tone="unknown" word={word} />
  if (ok) return <Chip tone={word === 'ok' ? 'ok' : 'warning'} word={word} isPast={isPast} />
  if (ack !== null) return <Chip tone="acked" word={`${word} acked`} isPast={isPast} />
  return <Chip tone={word === 'critical' ? 'critical' : 'warning'} word={word} isPast={isPast} />
}

const OF_NODE: Record<NodeStatus['state'], Tone> = {
  ok: 'ok',
  failing: 'critical',
  unknown: 'unknown',
}

export function NodeChip({ node: { state }, isPast }: { node: NodeStatus; isPast: boolean }) {
  return <Chip tone={OF_NODE[state]} word={state} isPast={isPast} />
}

/** In a table of many the shape alone is seen, so each has a shape of its own. */
export function CheckMark({ check, isPast }: { check: NodeCheckStatus; isPast: boolean }) {
  const { tone, word } = sayCheck(check)
  return (
    <span class={isPast ? `chip ${tone} past` : `chip ${tone}`} title={word}>
      <Shape tone={tone} />
      <span class="word">{isPast ? `was ${word}` : word}</span>
    </span>
  )
}

function sayCheck({ passed, warning }: NodeCheckStatus): { tone: Tone; word: string } {
  if (passed === null) return { tone: 'unknown', word: 'not known' }
  if (!passed) return { tone: 'critical', word: 'fails' }
  return warning === undefined
    ? { tone: 'ok', word: 'passes' }
    : { tone: 'warning', word: 'passes, warns' }
}
