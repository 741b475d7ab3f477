/** Lists: which snapshot the query asks for, selectors, pages and their continue tokens. It shapes no answer. */
import * as v from 'valibot'
import type { KubeObject } from './kube-object.ts'
import type { Resource } from './resources.ts'
import { parseFieldSelector, parseLabelSelector, type Predicate } from './selectors.ts'
import { ApiError } from './status.ts'
import type { Store } from './store.ts'

export interface ListScope {
  store: Store
  resource: Resource
  namespace: string | undefined
  query: URLSearchParams
}

export interface ListPage {
  items: KubeObject[]
  metadata: { continue: string; resourceVersion: string; remainingItemCount?: number }
}

interface ListQuery {
  resourceVersion: number | undefined
  match: string
  limit: number
  token: string
}

const tokenSchema = v.object({
  v: v.literal('meta.k8s.io/v1'),
  rv: v.pipe(v.number(), v.integer()),
  start: v.pipe(v.string(), v.startsWith('/')),
})

type Token = v.InferOutput<typeof tokenSchema>

/** Waits up to tooLargeWaitMs for a revision that is still to come, then 504. */
export async function listPage(scope: ListScope, tooLargeWaitMs: number): Promise<ListPage> {
  const query = parseListQuery(scope.query)
  const matches = selects(scope)
  const { store } = scope
  if (query.token !== '') return continuePage(scope, query, matches)

  const asked = query.resourceVersion ?? 0
  const isExact = query.match === 'Exact' || (query.match === '' && query.limit > 0)
  if (asked > 0 && isExact) {
    if (asked > store.revision) throw ApiError.tooLargeResourceVersion(asked, store.revision)
    return cutPage(scope, { revision: asked, start: '', limit: query.limit, matches })
  }
  if (!(await store.reaches(asked, tooLargeWaitMs))) {
    throw ApiError.tooLargeResourceVersion(asked, store.revision)
  }
  // resourceVersion=0 is answered from the watch cache, which has no pages.
  const limit = query.resourceVersion === 0 ? 0 : query.limit
  return cutPage(scope, { revision: store.revision, start: '', limit, matches })
}

/** Label selector, field selector and namespace in one predicate; undefined when every object passes. */
export function selects(scope: Omit<ListScope, 'store'>): Predicate | undefined {
  const labels = scope.query.get('labelSelector') ?? ''
  const fields = scope.query.get('fieldSelector') ?? ''
  const byLabel = parseLabelSelector(labels)
  const byField = parseFieldSelector(fields, scope.resource)
  if (labels === '' && fields === '') return undefined
  return (object) => byLabel(object) && byField(object)
}

/** A resourceVersion as a number, undefined when absent or empty; the caller says what a bad one is answered. */
export function parseRevision(text: string | null, refuse: (text: string) => ApiError) {
  if (text === null || text === '') return undefined
  if (!/^\d+$/.test(text)) throw refuse(text)
  return Number(text)
}

function parseListQuery(query: URLSearchParams): ListQuery {
  const given = query.get('resourceVersion') ?? ''
  const match = query.get('resourceVersionMatch') ?? ''
  const token = query.get('continue') ?? ''
  checkMatch(match, { given, token })
  if (query.has('sendInitialEvents')) {
    throw ApiError.forbiddenOption('sendInitialEvents', 'sendInitialEvents is forbidden for list')
  }
  if (token !== '' && given !== '' && given !== '0') {
    throw ApiError.badRequest('specifying resource version is not allowed when using continue')
  }
  const limit = query.get('limit') ?? '0'
  if (!/^\d+$/.test(limit)) throw ApiError.badRequest(`strconv.ParseInt: parsing "${limit}"`)
  const resourceVersion = parseRevision(given, (text) =>
    ApiError.badRequest(`resourceVersion: Invalid value: "${text}": invalid syntax`),
  )
  return { resourceVersion, match, limit: Number(limit), token }
}

function checkMatch(match: string, { given, token }: { given: string; token: string }): void {
  if (match === '') return
  if (token !== '') throw refuseMatch('resourceVersionMatch is forbidden when continue is provided')
  if (given === '') {
    throw refuseMatch('resourceVersionMatch is forbidden unless resourceVersion is provided')
  }
  if (match === 'Exact' && given === '0') {
    throw refuseMatch('resourceVersionMatch "exact" is forbidden for resourceVersion "0"')
  }
  if (match !== 'Exact' && match !== 'NotOlderThan') {
    throw refuseMatch(`Unsupported value: "${match}": supported values: "Exact", "NotOlderThan"`)
  }
}

function refuseMatch(why: string): ApiError {
  return ApiError.forbiddenOption('resourceVersionMatch', why)
}

function continuePage(
  scope: ListScope,
  query: ListQuery,
  matches: Predicate | undefined,
): ListPage {
  const token = decodeToken(query.token)
  const { store } = scope
  if (token.rv >= 0 && token.rv < store.compactedRevision) {
    throw new ApiError(
      410,
      'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results.',
      { continue: encodeToken({ ...token, rv: -1 }) },
    )
  }
  const revision = token.rv < 0 ? store.revision : token.rv
  return cutPage(scope, { revision, start: token.start, limit: query.limit, matches })
}

interface Cut {
  revision: number
  start: string
  limit: number
  matches: Predicate | undefined
}

function cutPage(scope: ListScope, { revision, start, limit, matches }: Cut): ListPage {
  const prefix = scope.namespace === undefined ? '' : `${scope.namespace}/`
  const entries = scope.store
    .snapshot(scope.resource, revision)
    .filter(([key]) => key.startsWith(prefix) && `/${key.slice(prefix.length)}` >= start)
  const items: KubeObject[] = []
  let seen = 0
  for (const [, object] of entries) {
    if (limit > 0 && items.length === limit) break
    seen += 1
    if (matches?.(object) ?? true) items.push(object)
  }
  const resourceVersion = String(revision)
  const remaining = entries.length - seen
  const lastKey = entries[seen - 1]?.[0]
  if (remaining === 0 || lastKey === undefined) {
    return { items, metadata: { continue: '', resourceVersion } }
  }
  const next = encodeToken({
    v: 'meta.k8s.io/v1',
    rv: revision,
    start: `/${lastKey.slice(prefix.length)}\u0000`,
  })
  // With a selector nobody knows how many of the remaining keys match.
  const count = matches === undefined ? { remainingItemCount: remaining } : {}
  return { items, metadata: { continue: next, resourceVersion, ...count } }
}

function encodeToken(token: Token): string {
  return Buffer.from(JSON.stringify(token)).toString('base64url')
}

function decodeToken(text: string): Token {
  try {
    return v.parse(tokenSchema, JSON.parse(Buffer.from(text, 'base64url').toString()))
  } catch {
    // Whatever is wrong with it (base64, JSON, shape), the caller made it up.
    throw ApiError.badRequest(`invalid continue token: ${text}`)
  }
}
