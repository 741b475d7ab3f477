/**
 * One try to open a live link, signed as a push is, and what came of it: a WebSocket, or the edge's refusal with all that
 * its head says. It keeps no state.
 */
import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import * as v from 'valibot'
import { WebSocket } from 'ws'
import { linkBytes, linkTarget } from '../../worker/contract/link.ts'
import { refusedSchema, type Place } from '../../worker/contract/report.ts'
import { signBody, type SigningKey } from '../../worker/contract/signature.ts'
import { readText } from '../kubernetes/read-body.ts'
import { ANSWER_MAX_LENGTH } from './deliver.ts'
import type { EdgeClock } from './edge-clock.ts'

export type Upgraded =
  /** `closed`: with the code, 1006 when the connection just ended. */
  | { isOpen: true; socket: WebSocket; closed: Promise<number> }
  /** `status` null: no answer. `clockMoved`: as of a push. `held`: the later place that the edge holds. */
  | {
      isOpen: false
      status: number | null
      reason: string
      clockMoved: boolean
      held: Place | null
    }

export interface Upgrade {
  /** The edge's address, under which the link's path begins. */
  workerUrl: URL
  cluster: string
  keys: SigningKey[]
  clock: EdgeClock
  place: Place
  timeoutMs: number
  /** Ends it, whatever has become of it. */
  signal: AbortSignal
  /** Each text that comes over the link, from its first moment. */
  onMessage: (text: string) => void
}

/** Never rejects. */
export async function upgrade(options: Upgrade): Promise<Upgraded> {
  const { workerUrl, cluster, keys, clock, place, timeoutMs, signal, onMessage } = options
  const target = linkTarget(cluster, place)
  const id = randomUUID()
  const timestampSeconds = Math.floor(clock.now() / 1000)
  const signature = await signBody({ id, timestampSeconds }, linkBytes(target), keys)
  const upgraded = Promise.withResolvers<Upgraded>()
  const closed = Promise.withResolvers<number>()
  const sentMs = performance.now()
  const socket = new WebSocket(`${workerUrl.href.replace(/\/$/, '')}${target}`, {
    headers: {
      'webhook-id': id,
      'webhook-timestamp': String(timestampSeconds),
      'webhook-signature': signature,
    },
    perMessageDeflate: false, // reports are packed already, and a window for each link is memory
    maxPayload: ANSWER_MAX_LENGTH,
  })
  let fault: string | null = null
  const end = () => {
    socket.terminate()
  }
  const timer = setTimeout(() => {
    fault = 'no answer in time'
    end()
  }, timeoutMs)
  socket
    .on('open', () => {
      clearTimeout(timer)
      upgraded.resolve({ isOpen: true, socket, closed: closed.promise })
    })
    .on('message', (data, isBinary) => {
      if (!isBinary && Buffer.isBuffer(data)) onMessage(data.toString())
    })
    .on('unexpected-response', (_, response) => {
      const clockMoved = clock.adjust(response.headers.date, sentMs, performance.now())
      const status = response.statusCode ?? 0
      void readWhy(response).then(({ why, held }) => {
        upgraded.resolve({
          isOpen: false,
          status,
          reason: `HTTP ${status}${why}`,
          clockMoved: clockMoved && status === 401,
          held,
        })
        end()
      })
    })
    .on('error', (error) => {
      fault ??= error.message || error.name
    })
    .on('close', (code) => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      const reason = fault ?? 'the connection ended'
      upgraded.resolve({ isOpen: false, status: null, reason, clockMoved: false, held: null })
      closed.resolve(code)
    })
  signal.addEventListener('abort', end)
  if (signal.aborted) end()
  return upgraded.promise
}

const NO_WORD = { why: '', held: null }
const whySchema = v.pipe(v.string(), v.parseJson(), refusedSchema)

/** What a refusal says for itself; nothing where it is long, cut off or a page. */
async function readWhy(response: IncomingMessage): Promise<{ why: string; held: Place | null }> {
  const text = await readText(response, ANSWER_MAX_LENGTH).catch(() => '') // its status says enough
  const said = v.safeParse(whySchema, text)
  if (!said.success) return NO_WORD
  const { error, held = null } = said.output
  return { why: `: ${error.message}`, held }
}
