/** Bearer tokens of people and scripts. Only hashes are configured; a token is compared in constant time. */
import type { Context } from 'hono'
import type { AppEnv, Token } from '../env.ts'

/** True when the request carries a token with one of the roles. */
export async function isTokenValid(c: Context<AppEnv>, roles: Token['roles']): Promise<boolean> {
  const [scheme, token] = (c.req.header('Authorization') ?? '').split(' ')
  if (scheme?.toLowerCase() !== 'bearer' || !token) return false
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(token))
  const matching = c.var.config.TOKENS.filter((known) =>
    crypto.subtle.timingSafeEqual(hash, bytesOf(known.sha256)),
  )
  return matching.some((known) => known.roles.some((role) => roles.includes(role)))
}

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from({ length: hex.length / 2 }, (_, i) =>
    Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16),
  )
}
