/** Who asks besides probers: a script with its token, a browser with its session, a form of one of our own pages. */
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { app } from '../../worker/app.ts'
import { OPERATE_TOKEN } from '../support/secrets.ts'
import { ask, ORIGIN } from './edge.ts'

export const BEARER = { authorization: `Bearer ${OPERATE_TOKEN}` }
export const HTML = 'text/html,application/xhtml+xml,*/*;q=0.8'

/** As a script that may operate, by POST, unless `init` says otherwise. */
export function operate(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = { accept: 'application/json', ...BEARER, ...headersOf(init) }
  return ask(path, { method: 'POST', ...init, headers })
}

/** The same, with JSON for a body. */
export function operateJson(path: string, body: unknown): Promise<Response> {
  return operate(path, {
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
  })
}

/** As a browser does that follows a link. */
export function browse(path: string, headers: Record<string, string> = {}): Promise<Response> {
  return ask(path, { headers: { accept: HTML, ...headers } })
}

/** As a browser does with a form of our own pages; `headers` may say otherwise. */
export function submit(
  path: string,
  fields: Record<string, string>,
  headers: Record<string, string> = {},
): Promise<Response> {
  return ask(path, {
    method: 'POST',
    body: new URLSearchParams(fields),
    headers: { accept: HTML, origin: ORIGIN, 'sec-fetch-site': 'same-origin', ...headers },
  })
}

/** The session that a token is exchanged for, as a Cookie header. */
export async function signIn(token = OPERATE_TOKEN): Promise<{ cookie: string }> {
  const response = await submit('/sign-in', { token })
  const [cookie = ''] = (response.headers.get('set-cookie') ?? '').split(';')
  if (cookie === '') throw new Error(`no session: ${response.status}`)
  return { cookie }
}

/** The same app under other vars; `null` takes one away. */
export async function askWith(
  vars: Record<string, string | null>,
  path: string,
  init: RequestInit = {},
): Promise<Response> {
  const context = createExecutionContext()
  const request = new Request(`${ORIGIN}${path}`, { redirect: 'manual', ...init })
  const given = Object.entries({ ...env, ...vars }).filter(([, value]) => value !== null)
  const bindings = { STATE: env.STATE, CLUSTER: env.CLUSTER, ...Object.fromEntries(given) }
  const response = await app.fetch(request, bindings, context)
  await waitOnExecutionContext(context)
  return response
}

function headersOf({ headers }: RequestInit): Record<string, string> {
  return Object.fromEntries(new Headers(headers))
}
