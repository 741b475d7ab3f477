/** What a transcript says of transitions, services and categories, in few words. Times are seconds since the script began. */
import type { Transition } from '../../worker/domain/history.ts'
import type { CategoryStatus, ServiceStatus } from '../../worker/domain/status.ts'
import { T0 } from './apply.ts'

/** `service web ok>failing`; its cause where it is not a report, its moment where it is not this one. */
export function tellTransition(transition: Transition, nowMs: number): string {
  const { subject, name, from, to, atMs } = transition
  const when = atMs === nowMs ? '' : ` @${tellTime(atMs)}`
  const what = [subject, tellName(name)].filter((word) => word !== '').join(' ')
  return `${what} ${from ?? 'none'}>${to ?? 'none'}${when}${tellCause(transition)}`
}

function tellCause({ cause, actor, note }: Transition): string {
  const by = actor === null ? '' : ` by ${tellName(actor.by)}`
  const why = note === '' || cause === 'restored' ? '' : `: ${tellName(note)}`
  const words = `${cause}${by}${why}`
  return words === 'report' ? '' : ` (${words})`
}

export function tellCategory({ reason, sinceMs, failing, acked, ...rest }: CategoryStatus): string {
  const counts = Object.entries(rest.counts).map(([name, failed]) => `${tellName(name)}=${failed}`)
  const { override } = rest
  const facts = [
    ...tellList('failing', failing.map(tellName)),
    ...tellList('acked', acked.map(tellName)),
    ...tellList('missing', rest.missing.map(tellName)),
    ...tellList('counts', counts),
    ...(override === null ? [] : [tellOverride(override)]),
  ]
  return [`${reason} since ${tellTime(sinceMs)}`, ...facts].join(', ')
}

function tellOverride({
  isEnabled,
  cause,
  by,
  isRestored,
}: NonNullable<CategoryStatus['override']>): string {
  const word = isEnabled ? 'enabled' : 'disabled'
  return `${word} by ${by === null ? cause : tellName(by)}${isRestored ? ', restored' : ''}`
}

export function tellService({ word, sinceMs, ack }: ServiceStatus): string {
  const since = sinceMs === null ? '' : ` since ${tellTime(sinceMs)}`
  return `${word}${since}, ${ack === null ? 'no ack' : tellAck(ack)}`
}

function tellAck({ message, given }: NonNullable<ServiceStatus['ack']>): string {
  if (given === null) return `acked by its ConfigMap: ${tellName(message)}`
  const { by, expiresAtMs, until, isRestored } = given
  const end = expiresAtMs === null ? '' : `, expires @${tellTime(expiresAtMs)}`
  const restored = isRestored ? ', restored' : ''
  return `acked by ${tellName(by)} until ${until}${end}${restored}: ${tellName(message)}`
}

function tellList(word: string, names: string[]): string[] {
  return names.length === 0 ? [] : [`${word} ${names.join(' ')}`]
}

export function tellTime(ms: number): string {
  return `${(ms - T0) / 1000}s`
}

/** Odd names and texts stand in JSON's quotes, so each event stays one line. */
function tellName(name: string): string {
  return /^[\w .:#-]*$/.test(name) ? name : JSON.stringify(name)
}
