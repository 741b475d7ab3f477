/** Random requests: from the routing table, beside it, and rubbish. None of them carries what may change something. */
import { gzipSync } from 'node:zlib'
import { pick, whole, type Dice } from '../support/hour-dice.ts'
import { READ_TOKEN } from '../support/secrets.ts'
import type { Sent } from './send.ts'

export interface Surroundings {
  routes: string[]
  /** Routes that take POST. */
  acts: string[]
  /** Cookie of a session that may read. */
  readSession: string
  /** Cookie of a session that may operate: sent only as another site's page would send it. */
  operateSession: string
}

const METHODS = [
  ...Array<string>(12).fill('GET'),
  'POST',
  'POST',
  'POST',
  'POST',
  'HEAD',
  'OPTIONS',
  'PUT',
  'DELETE',
  'PATCH',
]
const CLUSTERS = [
  'kept',
  'kept',
  'kept',
  'kept',
  'kept',
  'empty',
  'nowhere',
  'constructor',
  '__proto__',
  'KEPT',
  '%00',
]
const WORDS = [
  'web',
  'ledger',
  'money',
  'web',
  'read',
  'default',
  'node-1',
  'web-1',
  '__proto__',
  'toString',
  'a,b,,c',
  '%ff',
  '%00',
  '..%2f..',
  'ü%F0%9F%92%A5',
  '<script>alert(1)</script>',
  '1e999',
  '-1',
  'x'.repeat(300),
]
const NAMES = [
  'categories',
  'cluster',
  'service-name',
  'category-name',
  'node-name',
  'pod-name',
  'check',
  'cache',
  'why',
  'for',
  'until',
  'expires-in',
  'ack-msg',
  'confirm',
  'next',
  'categorys',
  'checkId',
  '__proto__',
  'x[]',
]
const ACCEPTS = [
  '*/*',
  'application/json',
  'text/html',
  'application/health+json',
  'application/openmetrics-text',
  'text/plain;q=0',
  ';;,,q=',
  'application/json;q=0.5, text/html;q=0.4, */*;q=0.1',
]
const TYPES = [
  'application/json',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'multipart/form-data',
  'text/plain',
  'application/json; charset=utf-16',
] as const
const SITES = ['cross-site', 'same-site', 'none']
const JUNK_HEADERS = [
  ['webhook-id', 'msg_1'],
  ['webhook-timestamp', '99999999999'],
  ['webhook-signature', 'v1,AAAA'],
  ['content-encoding', 'gzip'],
  ['content-encoding', 'br'],
  ['if-none-match', '*'],
  ['range', 'bytes=0-1'],
  ['x-forwarded-host', 'evil.example'],
  ['x-http-method-override', 'POST'],
] as const

/** All that any act asks for. */
const ACT = {
  'service-name': 'ledger',
  'category-name': 'money',
  'ack-msg': 'x',
  for: '1h',
  why: 'x',
  confirm: 'kept',
}

/** The same seed makes the same request. */
export function makeRequest(dice: Dice, around: Surroundings): Sent & { isProbe: boolean } {
  return dice() < 0.25 ? makeAct(dice, around) : makeAny(dice, around)
}

/** Right in everything but who sends it. */
function makeAct(dice: Dice, around: Surroundings): Sent & { isProbe: boolean } {
  const path = pick(dice, around.acts)
    .replace(':cluster', 'kept')
    .replaceAll(/:\w+|\*/g, 'x')
  const method = pick(dice, ['POST', 'POST', 'POST', 'GET', 'HEAD'])
  const query = `?${new URLSearchParams({ ...ACT, cluster: 'kept' }).toString()}`
  const isJson = dice() < 0.5
  const hasBody = method === 'POST'
  return {
    method,
    path: path + (hasBody && dice() < 0.5 && path.includes('/kept/') ? '' : query),
    headers: {
      ...makeHeaders(dice, { around, method }),
      ...(hasBody ? { 'content-type': isJson ? TYPES[0] : TYPES[1] } : {}),
    },
    body: hasBody
      ? Buffer.from(isJson ? JSON.stringify(ACT) : new URLSearchParams(ACT).toString())
      : null,
    isProbe: false,
  }
}

function makeAny(dice: Dice, around: Surroundings): Sent & { isProbe: boolean } {
  const method = pick(dice, METHODS)
  const route = pick(dice, around.routes)
  const way = dice()
  const path =
    way < 0.7 ? fill(dice, route) : way < 0.85 ? bend(dice, fill(dice, route)) : junk(dice)
  const hasBody = method !== 'GET' && method !== 'HEAD' && dice() < 0.8
  return {
    method,
    path: path + makeQuery(dice),
    headers: {
      ...makeHeaders(dice, { around, method }),
      ...(hasBody ? { 'content-type': pick(dice, TYPES) } : {}),
    },
    body: hasBody ? makeBody(dice) : null,
    isProbe: way < 0.7 && /\/__gtg(\/|$)/.test(path),
  }
}

function fill(dice: Dice, route: string): string {
  return route
    .replace(':cluster', pick(dice, CLUSTERS))
    .replaceAll(/:\w+|\*/g, () => encode(dice, pick(dice, WORDS)))
}

/** A path that a route nearly takes. It begins with a slash, or the runtime answers in the Worker's place. */
function bend(dice: Dice, path: string): string {
  const at = whole(dice, 1, path.length + 1)
  switch (whole(dice, 0, 6)) {
    case 0:
      return `/${path}`
    case 1:
      return `${path}/`
    case 2:
      return path.toUpperCase()
    case 3:
      return `${path.slice(0, at)}%2F${path.slice(at)}`
    case 4:
      return `${path}/../${pick(dice, ['__gtg', 'metrics', 'v1'])}`
    default:
      return `${path.slice(0, at)}${path.slice(at + 1)}` || '/'
  }
}

function junk(dice: Dice): string {
  const characters = 'ab/._-%25~!$&()*+,;=:@'
  const length = whole(dice, 0, 40)
  return `/${Array.from({ length }, () => characters[whole(dice, 0, characters.length)]).join('')}`
}

function makeQuery(dice: Dice): string {
  const count = pick(dice, [0, 0, 1, 1, 2, 4])
  const pairs = Array.from({ length: count }, () => {
    // A fresh round takes ten seconds where no exporter answers, so it is asked for now and then only.
    const value =
      dice() < 0.003 ? 'false' : encode(dice, pick(dice, [...WORDS, ...CLUSTERS, '4h', '']))
    return `${encode(dice, pick(dice, NAMES))}=${value}`
  })
  return count === 0 ? '' : `?${pairs.join('&')}`
}

/** What a socket doesn't take is encoded; the rest only now and then. */
function encode(dice: Dice, word: string): string {
  const safe = word.replaceAll(/[^\x21-\x7e]|[#?<>/]/g, (one) => encodeURIComponent(one))
  return dice() < 0.3 ? encodeURIComponent(word) : safe
}

function makeHeaders(
  dice: Dice,
  { around, method }: { around: Surroundings; method: string },
): Record<string, string> {
  const junkHeaders = JUNK_HEADERS.filter(() => dice() < 0.05)
  return {
    // Of many networks, or a few wrong tokens would slow all tries to sign in.
    'cf-connecting-ip': `198.51.${whole(dice, 0, 256)}.${whole(dice, 0, 256)}`,
    ...(dice() < 0.8 ? { accept: pick(dice, ACCEPTS) } : {}),
    ...Object.fromEntries(junkHeaders),
    // Only with GET: the runtime hands any other upgrade over as a GET.
    ...(method === 'GET' && dice() < 0.05 ? { upgrade: 'websocket', connection: 'upgrade' } : {}),
    ...makeIdentity(dice, around),
  }
}

/** Nobody, somebody who may only read, or somebody who may operate and whose browser another site makes ask. */
function makeIdentity(dice: Dice, around: Surroundings): Record<string, string> {
  switch (whole(dice, 0, 10)) {
    case 0:
      return { authorization: pick(dice, ['Bearer wrong', 'Bearer ', 'Basic eDp5', 'bearer a b']) }
    case 1:
      return { authorization: `Bearer ${READ_TOKEN}` }
    case 2:
      return { cookie: around.readSession, 'sec-fetch-site': 'same-origin' }
    case 3:
      return { cookie: around.operateSession, 'sec-fetch-site': pick(dice, SITES) }
    case 4:
      return { cookie: around.operateSession, origin: 'https://evil.example' }
    case 5:
      return { cookie: forge(dice, around.operateSession), 'sec-fetch-site': 'same-origin' }
    default:
      return dice() < 0.3 ? { 'sec-fetch-site': 'same-origin' } : {}
  }
}

/** One character of it is another. */
function forge(dice: Dice, cookie: string): string {
  const from = cookie.indexOf('=') + 1
  const at = whole(dice, from, cookie.length - 4) // the last ones may be padding that says nothing
  return `${cookie.slice(0, at)}${cookie[at] === 'A' ? 'B' : 'A'}${cookie.slice(at + 1)}`
}

function makeBody(dice: Dice): Uint8Array {
  const fields = { 'ack-msg': 'x', for: '1h', confirm: 'kept', token: 'wrong', why: 'x' }
  switch (whole(dice, 0, 7)) {
    case 0:
      return Buffer.from(JSON.stringify(fields))
    case 1:
      return Buffer.from(new URLSearchParams(fields).toString())
    case 2:
      return Buffer.from(`--x\r\ncontent-disposition: form-data; name="for"\r\n\r\n1h\r\n--x--\r\n`)
    case 3:
      return Buffer.from(
        pick(dice, ['', '{', '[]', 'null', '{"__proto__":{"a":1}}', '%', '=&=', '--x']),
      )
    case 4:
      return gzipSync(Buffer.alloc(pick(dice, [10, 100_000, 5_000_000])))
    case 5:
      return Buffer.alloc(dice() < 0.05 ? 400_000 : 20_000, 'x')
    default:
      return Uint8Array.from({ length: whole(dice, 0, 200) }, () => whole(dice, 0, 256))
  }
}
