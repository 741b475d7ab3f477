/** How a page and its JSON are answered: what was asked for, the frame around every page, and every problem in both forms. */
import type { Context } from 'hono'
import type { HtmlEscapedString } from 'hono/utils/html'
import { hashOf } from '../auth/token.ts'
import { pickType } from '../dialects/pick-type.ts'
import { settingsOf, type AppEnv } from '../env.ts'
import { ASSETS_VERSION } from '../views/assets.ts'
import type { Frame } from '../views/layout.tsx'
import { ProblemPage, type ProblemStatus } from '../views/problem.tsx'
import { baseOf } from './paths.ts'

const FORMATS = ['text/html', 'application/json', 'application/health+json'] as const
export type Format = (typeof FORMATS)[number]

/** HTML, unless something else is asked for: a browser's bookmark and a bare curl get the page. */
export function findFormat(c: Context<AppEnv>): Format {
  return pickType(c.req.header('Accept'), FORMATS)
}

export function frameOf(c: Context<AppEnv>): Frame {
  return {
    nowMs: Date.now(),
    base: baseOf(c),
    viewer: c.get('viewer') ?? null,
    canSignIn: c.var.config.SESSION_SECRET !== null,
    refreshed: c.get('refreshed') ?? null,
  }
}

/** A cluster's name, as people know it. */
export function titleOf(c: Context<AppEnv>, cluster: string): string {
  return settingsOf(c.var.config, cluster).title
}

/** All of it is the Worker's own, and nothing is ever framed (behaviour, section 5). */
const PAGE_POLICY = [
  "default-src 'none'",
  "style-src 'self'",
  "script-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

type Page = HtmlEscapedString | Promise<HtmlEscapedString>

export function replyPage(c: Context<AppEnv>, page: Page, status: 200 | ProblemStatus = 200) {
  return c.html(page, status, {
    'Cache-Control': 'no-store',
    'Content-Security-Policy': PAGE_POLICY,
    'Referrer-Policy': 'same-origin',
    Vary: 'Accept',
  })
}

export interface Problem {
  status: ProblemStatus
  code: string
  message: string
}

/** `{error: {code, message}}` to scripts, a page to people. Neither ever tells more than the message. */
export function replyProblem(
  c: Context<AppEnv>,
  { status, code, message }: Problem,
): Response | Promise<Response> {
  if (status === 401) c.header('WWW-Authenticate', 'Bearer')
  if (status === 503) c.header('Retry-After', '5')
  c.header('Date', new Date().toUTCString()) // an exporter takes its time from every reply
  if (!isPerson(c)) {
    c.header('Cache-Control', 'no-store')
    return c.json({ error: { code, message } }, status)
  }
  const frame = frameOf(c)
  const { pathname, search } = new URL(c.req.url)
  const path = c.req.method === 'GET' ? pathname + search : `${frame.base}/__health`
  return replyPage(c, ProblemPage({ frame, status, message, path, cluster: null }), status)
}

/** A browser says that it takes HTML; a client that doesn't is a script, and reads JSON. */
export function isPerson(c: Context<AppEnv>): boolean {
  return pickType(c.req.header('Accept'), ['application/json', 'text/html']) === 'text/html'
}

/**
 * A page that keeps itself current: who asks again for the same `shown` gets a 304. The page's own age counts on in the
 * browser, so the time of the answer is no part of it.
 */
export async function replyLive(c: Context<AppEnv>, shown: unknown, page: () => Page) {
  const viewer = c.get('viewer') ?? null
  const etag = `W/"${(await hashOf(JSON.stringify([shown, viewer, ASSETS_VERSION]))).slice(0, 32)}"`
  c.header('ETag', etag)
  if (c.req.header('If-None-Match') === etag) {
    return c.body(null, 304, { 'Cache-Control': 'no-store', Vary: 'Accept' })
  }
  return replyPage(c, page())
}
