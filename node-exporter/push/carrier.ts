/** Which way a report takes: the live link while it is open, else HTTPS. */
import type { Deliver } from './deliver.ts'
import type { Link } from './link.ts'

/**
 * ms that a report waits for a link that is just being opened. Over HTTPS it would overtake it, and the edge takes the link
 * of whoever pushes for one that leads nowhere. A verdict may take half a second to the edge.
 */
const PATIENCE_MS = 200

export type Via = 'link' | 'https'

export interface Carrier {
  deliver: Deliver
  /** The way of the last report. */
  via: () => Via
}

export interface CarrierOptions {
  link: Pick<Link, 'deliver' | 'open' | 'settle'>
  /** Over HTTPS. */
  deliver: Deliver
  /** As it came, not read yet. */
  onCommand: (command: unknown) => void
}

export function createCarrier({ link, deliver, onCommand }: CarrierOptions): Carrier {
  let via: Via = 'https'
  return {
    via: () => via,
    deliver: async (body, sequence) => {
      await link.settle(PATIENCE_MS)
      const overLink = link.deliver(body, sequence)
      via = overLink === null ? 'https' : 'link'
      const delivered = await (overLink ?? deliver(body, sequence))
      if (delivered.kind === 'accepted') {
        // Not before: until then another may be the one to speak, and the place of a link would overtake its reports.
        link.open()
        for (const command of delivered.commands) onCommand(command)
      }
      return delivered
    },
  }
}
