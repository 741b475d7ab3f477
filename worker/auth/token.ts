/** Tokens of people and scripts. Only hashes are configured; a token is compared in constant time. */
import type { Context } from 'hono'
import type { AppEnv, Token } from '../env.ts'

/** The token that a text is; null: none that is known, or one that has expired. */
export async function findToken(c: Context<AppEnv>, text: string): Promise<Token | null> {
  const hash = await digest(text)
  // Every one is compared, so the time tells nothing of which.
  const matching = c.var.config.TOKENS.filter(({ sha256 }) =>
    crypto.subtle.timingSafeEqual(hash, bytesOf(sha256)),
  )
  return keepIfCurrent(c, matching)
}

/** The first of one's own tokens that has not expired. Where all have, only the owner is told: they alone have sent it. */
export function keepIfCurrent(c: Context<AppEnv>, own: Token[]): Token | null {
  const nowMs = Date.now()
  const current = own.find(({ expiresAtMs }) => expiresAtMs === null || nowMs < expiresAtMs)
  if (current === undefined && own.length > 0) c.set('notKnown', 'token-expired')
  return current ?? null
}

/** SHA-256 in hex: names a token's hash without telling it. */
export async function hashOf(text: string): Promise<string> {
  const bytes = new Uint8Array(await digest(text))
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}

function digest(text: string): Promise<ArrayBuffer> {
  return crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
}

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from({ length: hex.length / 2 }, (_, i) =>
    Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16),
  )
}
