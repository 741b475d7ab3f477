/**
 * The way to the API server by KUBECONFIG. What was read is kept for a minute, unless its files change, for what a
 * credential plugin gave is kept with it; one plugin runs at a time, however long it takes.
 */
import { KubeConfig, loadYaml, type Cluster, type User } from '@kubernetes/client-node'
import { readFileSync, statSync } from 'node:fs'
import { Agent, type OutgoingHttpHeaders } from 'node:http'
import type { RequestOptions } from 'node:https'
import { delimiter, dirname, resolve } from 'node:path'
import * as v from 'valibot'
import { AccessFault, codeOf } from './access-fault.ts'
import { isCertificate, type Access, type TlsOptions } from './access.ts'

/** ms. Without an end, a token that the API server takes back before its time would be used for good. */
const KEEP_MS = 60_000

/** What client-go reads of a user and @kubernetes/client-node doesn't. */
const userSchema = v.object({
  name: v.string(),
  user: v.nullish(
    v.object({
      tokenFile: v.optional(v.string(), ''),
      'as-uid': v.optional(v.string()),
      'as-groups': v.optional(v.array(v.string())),
    }),
    {},
  ),
})
const fileSchema = v.object({ users: v.nullish(v.array(userSchema), []) })

interface FurtherUser {
  /** Absolute; '' for none. */
  tokenFile: string
  headers: OutgoingHttpHeaders
}

interface Loaded {
  config: KubeConfig
  /** By the user's name. */
  further: Map<string, FurtherUser>
}

interface Asked {
  /** Of the files as they were. */
  stamp: string
  /** ms by performance.now(). */
  atMs: number
  loaded: Loaded
  /** null: no request waits for it. */
  access: Promise<Access> | null
}

export class Kubeconfig {
  readonly #files: string[]
  #asked: Asked | null = null

  /** One file or several: none has a name that another one has. */
  constructor(kubeconfig: string) {
    this.#files = kubeconfig.split(delimiter).filter((file) => file !== '')
  }

  /** Rejects with AccessFault. Requests that come while it is asked share its answer. */
  async get(): Promise<Access> {
    const asked = this.#read()
    asked.access ??= toAccess(asked.loaded).finally(() => {
      asked.access = null
    })
    return asked.access
  }

  /** Throws AccessFault where it can't ever work. It starts no plugin and reads no token. */
  check(): void {
    const { config } = this.#read().loaded
    readServer(config)
    const { certFile, keyFile } = config.getCurrentUser() ?? {}
    for (const file of [certFile, keyFile]) {
      if (file) readNamed(file, { what: 'client certificate', isForGood: true })
    }
  }

  #read(): Asked {
    const { files, stamp } = findFiles(this.#files)
    const atMs = performance.now()
    const before = this.#asked
    const isKept = before !== null && (before.access !== null || atMs - before.atMs < KEEP_MS)
    if (isKept && before.stamp === stamp) return before
    this.#asked = { stamp, atMs, loaded: loadAll(files), access: null }
    return this.#asked
  }
}

/**
 * Those of the list that exist, and how they are now: as kubectl, a file that isn't there is ignored, unless none is. At
 * once, not by promise: a dead disk may hold every thread that reads files.
 */
function findFiles(list: string[]): { files: string[]; stamp: string } {
  try {
    const found = list
      .map((file) => ({ file, stats: statSync(file, { throwIfNoEntry: false }) }))
      .filter(({ stats }) => stats !== undefined)
    if (found.length === 0) statSync(list[0] ?? '') // throws, with the code that says why
    return {
      files: found.map(({ file }) => file),
      stamp: found
        .map(({ file, stats }) => `${file} ${stats?.mtimeMs} ${stats?.ino} ${stats?.size}`)
        .join(),
    }
  } catch (cause) {
    throw unread(cause, 'it is no file')
  }
}

function loadAll(files: string[]): Loaded {
  const config = new KubeConfig()
  const further = new Map<string, FurtherUser>()
  try {
    for (const [index, file] of files.entries()) {
      const one = index === 0 ? config : new KubeConfig()
      one.loadFromFile(file)
      // As kubectl: the first file that names a context decides.
      if (index > 0) config.mergeConfig(one, Boolean(config.currentContext))
      for (const [name, user] of readFurther(file)) further.set(name, user)
    }
  } catch (cause) {
    throw unread(cause, 'it is no kubeconfig')
  }
  return { config, further }
}

function readFurther(file: string): [string, FurtherUser][] {
  const { users } = v.parse(fileSchema, loadYaml(readFileSync(file, 'utf8')))
  return (users ?? []).map(({ name, user }) => {
    const { tokenFile, 'as-uid': uid, 'as-groups': groups } = user ?? { tokenFile: '' }
    const headers = {
      ...(uid === undefined ? {} : { 'impersonate-uid': uid }),
      ...(groups === undefined ? {} : { 'impersonate-group': groups }),
    }
    return [name, { tokenFile: tokenFile && resolve(dirname(file), tokenFile), headers }]
  })
}

function unread(cause: unknown, otherwise: string): AccessFault {
  const why = codeOf(cause) ?? otherwise
  return new AccessFault(`KUBECONFIG can't be read: ${why}`, { isForGood: true, cause })
}

/** Throws AccessFault where there is none to ask. */
function readServer(config: KubeConfig): { server: URL; tls: TlsOptions; cluster: Cluster } {
  const cluster = config.getCurrentCluster()
  if (cluster === null) throw wrong('names no cluster')
  const server = URL.parse(cluster.server)
  if (server === null || !/^https?:$/.test(server.protocol)) {
    throw wrong('names a server that is neither http nor https')
  }
  if (cluster.proxyUrl && !/^(https?|socks\w*):$/.test(URL.parse(cluster.proxyUrl)?.protocol ?? ''))
    throw wrong('names a proxy that is none of http, https and socks5')
  const { user } = config.getContextObject(config.getCurrentContext()) ?? {}
  if (user && config.getUser(user) === null) throw wrong('names a user that it does not hold')
  return { server, cluster, tls: readTls(cluster) }
}

function readTls({ caFile, caData, skipTLSVerify, tlsServerName }: Cluster): TlsOptions {
  const ca = caFile
    ? readNamed(caFile, { what: 'certificate authority', isForGood: true })
    : caData && Buffer.from(caData, 'base64')
  if (ca && !isCertificate(ca)) throw wrong('names a certificate authority that is no certificate')
  return {
    ...(ca ? { ca } : {}),
    ...(skipTLSVerify ? { rejectUnauthorized: false } : {}),
    ...(tlsServerName ? { servername: tlsServerName } : {}),
  }
}

function wrong(what: string): AccessFault {
  return new AccessFault(`KUBECONFIG ${what}`, { isForGood: true })
}

function readNamed(
  file: string,
  { what, isForGood }: { what: string; isForGood: boolean },
): Buffer {
  try {
    return readFileSync(file)
  } catch (cause) {
    const why = codeOf(cause) ?? 'it is no file'
    const message = `KUBECONFIG names a ${what} that can't be read: ${why}`
    throw new AccessFault(message, { isForGood, cause })
  }
}

async function toAccess({ config, further }: Loaded): Promise<Access> {
  const { server, tls, cluster } = readServer(config)
  const user = config.getCurrentUser()
  const options = await readCredentials(config, server)
  const { cert, key, agent } = options
  return {
    server,
    tls: { ...tls, ...(cert ? { cert } : {}), ...(key ? { key } : {}) },
    headers: toHeaders(options, { user, further: further.get(user?.name ?? '') }),
    agent: cluster.proxyUrl && agent instanceof Agent ? agent : null,
  }
}

/** May start a plugin. */
async function readCredentials(config: KubeConfig, server: URL): Promise<RequestOptions> {
  const options: RequestOptions = {}
  // client-node makes no agent for plain http, as of `kubectl proxy`, unless TLS needn't be verified.
  if (server.protocol === 'http:') {
    config.clusters = config.clusters.map((each) => ({ ...each, skipTLSVerify: true }))
  }
  try {
    await config.applyToHTTPSOptions(options)
    return options
  } catch (cause) {
    const why = codeOf(cause) ?? 'its plugin fails'
    const message = `KUBECONFIG gives no credentials: ${why}`
    throw new AccessFault(message, { isForGood: false, cause })
  }
}

/** A line break at the end of a token, which files and YAML blocks have, is no part of it. */
function toHeaders(
  { headers = {}, auth }: RequestOptions,
  { user, further }: { user: User | null; further: FurtherUser | undefined },
): OutgoingHttpHeaders {
  const given = Object.entries(headers).map(([name, value]): [string, string] => {
    return [name.toLowerCase(), String(value).trim()]
  })
  const basic = auth && { authorization: `Basic ${Buffer.from(auth).toString('base64')}` }
  const own = { ...basic, ...Object.fromEntries(given), ...further?.headers }
  if (!further?.tokenFile) return own
  const token = readTokenFile(further.tokenFile, user?.token ?? '')
  return token === '' ? own : { ...own, authorization: `Bearer ${token}` }
}

/** As client-go: the file wins over the token beside it, which stands in while the file can't be read. */
function readTokenFile(file: string, otherwise: string): string {
  try {
    return readNamed(file, { what: 'tokenFile', isForGood: false }).toString().trim()
  } catch (error) {
    if (otherwise === '') throw error
    return otherwise.trim()
  }
}
