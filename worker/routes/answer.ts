/** How a page and its JSON are answered: what was asked for, the frame around every page, and every problem in both forms. */
import type { Context } from 'hono'
import type { HtmlEscapedString } from 'hono/utils/html'
import { pickType } from '../dialects/pick-type.ts'
import { settingsOf, type AppEnv } from '../env.ts'
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

const PAGE_HEADERS = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': PAGE_POLICY,
  'Referrer-Policy': 'same-origin',
  Vary: 'Accept',
}

export function replyPage(c: Context<AppEnv>, page: Page, status: 200 | ProblemStatus = 200) {
  return c.html(page, status, PAGE_HEADERS)
}

/** An answer before it is given: the same bytes may be given to others. */
export interface Rendered {
  status: 200 | 503
  headers: Record<string, string>
  body: string
}

export async function renderPage(page: Page): Promise<Rendered> {
  const headers = { 'Content-Type': 'text/html; charset=UTF-8', ...PAGE_HEADERS }
  return { status: 200, headers, body: String(await page) }
}

/** Of a cluster: `headers` beside those that all of its JSON has. */
export function renderJson(
  body: unknown,
  { status = 200, headers = {} }: Partial<Pick<Rendered, 'status' | 'headers'>> = {},
): Rendered {
  const own = {
    'Content-Type': 'application/json',
    'Cache-Control': 'no-store',
    Vary: 'Accept',
  }
  return { status, headers: { ...own, ...headers }, body: JSON.stringify(body) }
}

/** A status page's script may read it from anywhere, where no token is needed. */
export function openToAll(c: Context<AppEnv>): Record<string, string> {
  if (c.var.config.HEALTH_ACCESS !== 'public') return {}
  return {
    'Access-Control-Allow-Origin': '*',
    'Access-Control-Expose-Headers': 'X-Health-Age, X-Health-Refreshed, X-Pod-Status',
  }
}

export interface Problem {
  status: ProblemStatus
  code: string
  message: string
  /** 5 with a 503, where it isn't set. */
  retryAfterSeconds?: number
}

/** Readers without a token have used up what an isolate does for them in a second. */
export const BUSY: Problem = {
  status: 503,
  code: 'busy',
  message:
    'Too much is asked without a token at the moment. Try again in a second, or send a token.',
  retryAfterSeconds: 1,
}

/** `{error: {code, message}}` to scripts, a page to people. Neither ever tells more than the message. */
export function replyProblem(
  c: Context<AppEnv>,
  { status, code, message, retryAfterSeconds = 5 }: Problem,
): Response | Promise<Response> {
  if (status === 401) c.header('WWW-Authenticate', 'Bearer')
  if (status === 503) c.header('Retry-After', String(retryAfterSeconds))
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
