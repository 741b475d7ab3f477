/** Real reports, bent: structure, types, numbers at their bounds, names, sizes, bytes and gzip. Signed, nearly always. */
import { gzipSync } from 'node:zlib'
import { compactContent } from '../../worker/contract/compact.ts'
import type { Place } from '../../worker/contract/report.ts'
import { importSecret, signBody } from '../../worker/contract/signature.ts'
import { contentOf } from '../bench/reports-like-real.ts'
import { aBlind, aHeartbeat, aNode, aSnapshot } from '../support/a-report.ts'
import { pick, whole, type Dice } from '../support/hour-dice.ts'
import { OTHER_SECRET, PUSH_SECRET } from '../support/secrets.ts'
import type { Sent } from './send.ts'

/** Values to put in place of another. */
const VALUES: (() => unknown)[] = [
  () => null,
  () => true,
  () => '',
  () => [],
  () => ({}),
  () => 0,
  () => -1,
  () => 0.5,
  () => 2 ** 31 - 1,
  () => 2 ** 31,
  () => Number.MAX_SAFE_INTEGER,
  () => 2 ** 53,
  () => 1e308,
  () => 8_640_000_000_000_000,
  () => '__proto__',
  () => 'constructor',
  () => 'default',
  () => 'nodes',
  () => '\u0000\u001b[31m',
  () => '\ud800',
  () => '𝕏‮‏ﷺ'.repeat(20),
  () => '<script>alert(1)</script>&"\'',
  () => 'gtg=pass',
  () => 'x'.repeat(253),
  () => 'x'.repeat(254),
  () => 'ü'.repeat(512),
  () => 'x'.repeat(1025),
  () => Array.from({ length: 600 }, () => 'web'),
  () => Array.from({ length: 300 }, () => ({})),
  () => Array.from({ length: 100 }).reduce<unknown>((inner) => [inner], 1),
]
const KEYS = ['__proto__', 'constructor', 'toString', '', 'name', 'id', 'checks', 'kind', 'x']

export interface MadeReport {
  sent: Sent
  /** What was bent, in words. */
  how: string
}

/** The same seed, cluster and place make the same report. */
export async function makeReport(
  dice: Dice,
  { cluster, place, nowMs }: { cluster: string; place: Place; nowMs: number },
): Promise<MadeReport> {
  const whole0: unknown = JSON.parse(JSON.stringify(aReport(dice, { cluster, place, nowMs })))
  const bends = pick(dice, [0, 1, 1, 2, 3, 8])
  const bent = Array.from({ length: bends }).reduce<unknown>((tree) => bend(dice, tree), whole0)
  const text = Buffer.from(JSON.stringify(bent) ?? 'null')
  const bytes = dice() < 0.1 ? bendBytes(dice, text) : text
  const packed = dice() < 0.3 ? pack(dice, bytes) : { body: bytes, encoding: null, how: 'plain' }
  const headers = await sign(dice, packed.body, nowMs)
  return {
    sent: {
      method: 'POST',
      path: `/v1/clusters/${cluster}/reports`,
      headers: {
        'content-type': dice() < 0.02 ? 'text/plain' : 'application/json',
        ...(packed.encoding === null ? {} : { 'content-encoding': packed.encoding }),
        ...headers,
      },
      body: packed.body,
    },
    how: `${bends} bends, ${packed.how}: ${bytes.toString('utf8').slice(0, 300)}`,
  }
}

function aReport(
  dice: Dice,
  { cluster, place, nowMs }: { cluster: string; place: Place; nowMs: number },
): object {
  const envelope = { cluster, ...place, observedAt: nowMs, intervalSeconds: 60 }
  const kind = dice()
  if (kind < 0.1) return aBlind(envelope)
  if (kind < 0.2) return aHeartbeat(envelope)
  const size = { services: whole(dice, 1, 6), replicas: whole(dice, 1, 4) }
  const content = {
    ...contentOf(size, ['service-0-7c9d4b8f6d-xxxxx']),
    nodes: [aNode(), aNode({ name: 'node-2', checks: [{ name: 'kubelet', passed: false }] })],
    acks: [{ service: 'service-0', message: 'known' }],
    warnings: [{ subject: 'service-0', message: 'odd' }],
  }
  const snapshot = aSnapshot({ ...envelope, streaks: { 'service-0': 3 }, content })
  return dice() < 0.5 ? snapshot : { ...snapshot, content: compactContent(content) }
}

type Tree = unknown[] | Record<string, unknown>

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null
}

/** A copy in which one place is another. */
function bend(dice: Dice, tree: unknown): unknown {
  if (!isTree(tree)) return pick(dice, VALUES)()
  const keys = Object.keys(tree)
  const key = keys.length === 0 ? null : pick(dice, keys)
  const value: unknown = key === null ? undefined : Reflect.get(tree, key)
  const isDeeper = isTree(value) && Object.keys(value).length > 0 && dice() < 0.85
  return Array.isArray(tree)
    ? bendList(dice, tree, isDeeper ? Number(key) : null)
    : bendObject(dice, tree, isDeeper ? key : null)
}

/** `deeper`: what is bent within it; null: the list itself. */
function bendList(dice: Dice, list: unknown[], deeper: number | null): unknown {
  const at = whole(dice, 0, list.length + 1)
  if (deeper !== null) return list.map((one, i) => (i === deeper ? bend(dice, one) : one))
  switch (whole(dice, 0, 4)) {
    case 0:
      return list.toSpliced(at, 1)
    case 1:
      return [...list, ...list]
    case 2:
      return list.toSpliced(at, 1, pick(dice, VALUES)())
    default:
      return Object.fromEntries(list.map((one, i) => [String(i), one]))
  }
}

function bendObject(dice: Dice, object: object, deeper: string | null): unknown {
  const entries: [string, unknown][] = Object.entries(object)
  const at = whole(dice, 0, entries.length + 1)
  if (deeper !== null) {
    return ownObject(entries.map(([key, one]) => [key, key === deeper ? bend(dice, one) : one]))
  }
  const [key = 'x', value] = entries[at] ?? []
  switch (whole(dice, 0, 5)) {
    case 0:
      return ownObject(entries.toSpliced(at, 1))
    case 1:
      return ownObject(entries.toSpliced(at, 1, [pick(dice, KEYS), value]))
    case 2:
      return ownObject([...entries, [pick(dice, KEYS), pick(dice, VALUES)()]])
    case 3:
      return [object]
    default:
      return ownObject(entries.toSpliced(at, 1, [key, pick(dice, VALUES)()]))
  }
}

/** `__proto__` too is a key like any other. */
function ownObject(entries: [string, unknown][]): object {
  return Object.fromEntries(entries)
}

function bendBytes(dice: Dice, bytes: Buffer): Buffer {
  const at = whole(dice, 0, bytes.length)
  switch (whole(dice, 0, 4)) {
    case 0:
      return bytes.subarray(0, at)
    case 1:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.max(0, at - 30))])
    case 2:
      return Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), bytes])
    default: {
      const flipped = Buffer.from(bytes)
      flipped.writeUInt8((bytes[at] ?? 0) ^ (1 << whole(dice, 0, 8)), at)
      return flipped
    }
  }
}

function pack(dice: Dice, bytes: Buffer): { body: Buffer; encoding: string; how: string } {
  const packed = gzipSync(bytes)
  switch (whole(dice, 0, 8)) {
    case 0:
      return {
        body: packed.subarray(0, whole(dice, 0, packed.length)),
        encoding: 'gzip',
        how: 'cut',
      }
    case 1:
      return { body: bendBytes(dice, packed), encoding: 'gzip', how: 'bent gzip' }
    case 2: {
      const lying = Buffer.from(packed)
      lying.writeUInt32LE(whole(dice, 0, 2 ** 32), lying.length - 4)
      return { body: lying, encoding: 'gzip', how: 'a trailer that lies' }
    }
    case 3:
      return { body: gzipSync(packed), encoding: 'gzip', how: 'packed twice' }
    case 4:
      return { body: Buffer.concat([packed, packed]), encoding: 'gzip', how: 'two members' }
    case 5:
      return { body: packed, encoding: pick(dice, ['br', 'GZIP', 'gzip, gzip', '']), how: 'odd' }
    default:
      return { body: packed, encoding: 'gzip', how: 'gzip' }
  }
}

async function sign(dice: Dice, body: Uint8Array, nowMs: number): Promise<Record<string, string>> {
  const isOdd = dice() < 0.03
  const key = await importSecret(isOdd ? OTHER_SECRET : PUSH_SECRET)
  const parts = { id: 'msg_fuzz', timestampSeconds: Math.floor(nowMs / 1000) }
  return {
    'webhook-id': parts.id,
    'webhook-timestamp': String(parts.timestampSeconds + (dice() < 0.01 ? 301 : 0)),
    'webhook-signature': await signBody(parts, body, [key]),
  }
}
