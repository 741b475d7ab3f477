/** No address is asked that the exporter never asks, whoever names it: a slice, a Pod's status, another operator's probe. */
import type { Ask } from './ask.ts'

/** `refuse`: what is wrong with asking an address at all; null: nothing. Through the API server's pod proxy, too. */
export function askAllowed(ask: Ask, refuse: (address: string) => string | null): Ask {
  return (place, timeoutMs) => {
    const refused = refuse(place.address)
    if (refused === null) return ask(place, timeoutMs)
    const reason = `its address is ${place.address}, ${refused}: it is never asked`
    return Promise.resolve({ isAnswer: false, reason, mayRetry: false })
  }
}
