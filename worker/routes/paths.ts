/** Which paths the Worker answers: the family of `__health` stands under PATH_PREFIX, and under each cluster without it. */
import type { Context } from 'hono'
import { getPath } from 'hono/utils/url'
import { readConfig, type AppEnv, type Env } from '../env.ts'

/** All that carries the prefix. `__gtg` and `/metrics` never do (behaviour, section 5). */
const FAMILY = new Set([
  '/__health',
  '/__health/',
  '/__pods-health',
  '/__pod-individual-health',
  '/add-ack',
  '/add-ack-form',
  '/rem-ack',
  '/enable-category',
  '/disable-category',
  '/categories',
  '/history',
  '/nodes',
  '/hold',
])

function isFamily(path: string): boolean {
  return FAMILY.has(path) || /^\/nodes\/[^/]+$/.test(path)
}

/** The path that routes are written for: without PATH_PREFIX. The bare prefix is the health. */
export function stripPrefix(request: Request, options?: { env?: Env | undefined }): string {
  const path = getPath(request)
  const read = options?.env === undefined ? null : readConfig(options.env)
  const prefix = read?.ok === true ? read.config.PATH_PREFIX : ''
  if (prefix === '') return path
  if (path === prefix || path === `${prefix}/`) return '/__health'
  const rest = path.startsWith(`${prefix}/`) ? path.slice(prefix.length) : null
  if (rest !== null && isFamily(rest)) return rest
  return isFamily(path) ? `/nothing-here${path}` : path
}

/** Both places of one of the family. */
export function placesOf<T extends string>(path: T): [T, `/clusters/:cluster${T}`] {
  return [path, `/clusters/:cluster${path}`]
}

/** What links of a page begin with: the way that whoever asks came in. */
export function baseOf(c: Context<AppEnv>): string {
  const cluster = c.req.param('cluster') ?? c.req.query('cluster')
  return cluster === undefined
    ? c.var.config.PATH_PREFIX
    : `/clusters/${encodeURIComponent(cluster.toWellFormed())}`
}
