/**
 * Standard Webhooks 1.0.0 over WebCrypto, symmetric scheme `v1`: HMAC-SHA256 of `id.timestamp.` and the bytes on
 * the wire. Signs for the exporter and verifies for the edge; it never says which part of a signature was wrong.
 */
import { SECRET_MAX_BYTES, SECRET_MIN_BYTES, SIGNATURE_TOLERANCE_MS } from './limits.ts'

const PREFIX = 'whsec_'
const SCHEME = 'v1,'

export interface SignedHeaders {
  id: string
  timestampSeconds: number
  signature: string
}

/** The runtime's own CryptoKey, under whichever name its types know it. */
export type SigningKey = Awaited<ReturnType<typeof crypto.subtle.importKey>>

/** The bytes of a `whsec_…` secret, or null when it isn't one (base64 of 24 to 64 bytes behind the prefix). */
export function decodeSecret(secret: string): Uint8Array<ArrayBuffer> | null {
  if (!secret.startsWith(PREFIX)) return null
  const bytes = decodeBase64(secret.slice(PREFIX.length))
  if (bytes === null || bytes.length < SECRET_MIN_BYTES || bytes.length > SECRET_MAX_BYTES) {
    return null
  }
  return bytes
}

/** A key for both directions. Throws on a malformed secret, without repeating it. */
export async function importSecret(secret: string): Promise<SigningKey> {
  const bytes = decodeSecret(secret)
  if (bytes === null) throw new Error('malformed signing secret')
  return crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, [
    'sign',
    'verify',
  ])
}

/** `v1,…` for each key, separated by blanks: two while rotating. `id` must not contain a dot. */
export async function signBody(
  { id, timestampSeconds }: Pick<SignedHeaders, 'id' | 'timestampSeconds'>,
  body: Uint8Array,
  keys: SigningKey[],
): Promise<string> {
  const content = signedContent(id, timestampSeconds, body)
  const signatures = await Promise.all(
    keys.map(async (key) => {
      const mac = await crypto.subtle.sign('HMAC', key, content)
      return SCHEME + btoa(String.fromCharCode(...new Uint8Array(mac)))
    }),
  )
  return signatures.join(' ')
}

/** True when any signature fits any key and the timestamp is within ±300 s of `nowMs`. Constant time per comparison. */
export async function verifyBody(
  headers: SignedHeaders,
  body: Uint8Array,
  { keys, nowMs }: { keys: SigningKey[]; nowMs: number },
): Promise<boolean> {
  if (Math.abs(nowMs - headers.timestampSeconds * 1000) > SIGNATURE_TOLERANCE_MS) return false
  const content = signedContent(headers.id, headers.timestampSeconds, body)
  const candidates = headers.signature
    .split(' ')
    .slice(0, 8) // two secrets on each side make four; more is somebody buying CPU time
    .filter((part) => part.startsWith(SCHEME))
    .map((part) => decodeBase64(part.slice(SCHEME.length)))
    .filter((mac) => mac !== null)
  const results = await Promise.all(
    candidates.flatMap((mac) => keys.map((key) => crypto.subtle.verify('HMAC', key, mac, content))),
  )
  return results.includes(true)
}

function signedContent(id: string, timestampSeconds: number, body: Uint8Array) {
  const head = new TextEncoder().encode(`${id}.${timestampSeconds}.`)
  const content = new Uint8Array(head.length + body.length)
  content.set(head)
  content.set(body, head.length)
  return content
}

function decodeBase64(text: string): Uint8Array<ArrayBuffer> | null {
  try {
    return Uint8Array.from(atob(text), (char) => char.charCodeAt(0))
  } catch {
    return null // not base64: the caller refuses it like any other wrong signature
  }
}
