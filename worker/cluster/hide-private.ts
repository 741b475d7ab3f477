/** What of a cluster's state is for token holders alone: names of tokens, and addresses (behaviour, section 5). */
import * as v from 'valibot'
import { makeAddressHider } from '../domain/hide-addresses.ts'
import type { Transition } from '../domain/history.ts'
import { decisionsSchema } from '../store/state-schemas.ts'
import { eventSchema } from './event-log.ts'
import { pulseSchema, type StoredState } from './storage.ts'

/** Without either. Its texts stay as they are stored: unread. */
export function hidePrivate(stored: StoredState): StoredState {
  const hide = makeAddressHider()
  const { content, report, frame, services, nodes } = stored
  const { acks, hold, overrides, ...decisions } = stored.decisions
  return {
    ...stored,
    content: content && hide(content),
    report: report && hide(report),
    frame: frame && hide(frame),
    services: services && hide(services),
    nodes: nodes && hide(nodes),
    pulse: v.parse(hidden(pulseSchema, hide), stored.pulse),
    decisions: v.parse(hidden(decisionsSchema, hide), {
      ...decisions,
      acks: acks.map((ack) => ({ ...ack, by: '' })),
      overrides: overrides.map((override) => ({ ...override, by: null })),
      hold: hold && { ...hold, by: '' },
    }),
  }
}

export function hidePrivateEvents(events: Transition[]): Transition[] {
  const anonymous = events.map((event) => ({ ...event, actor: null }))
  return v.parse(hidden(v.array(eventSchema), makeAddressHider()), anonymous)
}

function hidden<T>(schema: v.GenericSchema<unknown, T>, hide: (text: string) => string) {
  const json = v.transform((value: unknown) => hide(JSON.stringify(value)))
  return v.pipe(v.unknown(), json, v.parseJson(), schema)
}
