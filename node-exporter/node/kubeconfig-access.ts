/**
 * The way to the API server by KUBECONFIG. What was read is kept for a minute, unless its files change, for what a
 * credential plugin gave is kept with it; one plugin runs at a time, however long it takes. It never says what stands in
 * a file or what a plugin has printed: either may be a secret.
 */
import type { KubeConfig } from '@kubernetes/client-node'
import { statSync } from 'node:fs'
import type { RequestOptions } from 'node:https'
import { delimiter } from 'node:path'
import { codeOf, sayNoCredentials, sayUnread } from '../discovery/kubeconfig-faults.ts'
import type { Access } from './api-access.ts'

/** ms. Without an end, a token that the API server takes back before its time would be used for good. */
const KEEP_MS = 60_000

interface Asked {
  /** Of the files as they were. */
  stamp: string
  /** ms by performance.now(). */
  atMs: number
  config: Promise<KubeConfig>
  /** null: nobody waits for it. */
  access: Promise<Access> | null
}

export class KubeconfigAccess {
  readonly #files: string[]
  #asked: Asked | null = null

  /** One file or several, as the cluster role takes them: none has a name that another one has. */
  constructor(kubeconfig: string) {
    this.#files = kubeconfig.split(delimiter).filter((file) => file !== '')
  }

  /** Rejects with what to mend. Whoever comes while it is asked gets that same answer. */
  async get(): Promise<Access> {
    const asked = this.#read()
    asked.access ??= asked.config.then(toAccess).finally(() => {
      asked.access = null
    })
    return asked.access
  }

  #read(): Asked {
    const stamp = readStamp(this.#files)
    const atMs = performance.now()
    const before = this.#asked
    const isKept = before !== null && (before.access !== null || atMs - before.atMs < KEEP_MS)
    if (isKept && before.stamp === stamp) return before
    const asked: Asked = { stamp, atMs, config: loadAll(this.#files), access: null }
    this.#asked = asked
    asked.config.catch(() => {
      if (this.#asked === asked) this.#asked = null // it may be that of a moment: a file half written
    })
    return asked
  }
}

/** At once, not by promise: a dead disk may hold every thread that reads files. */
function readStamp(files: string[]): string {
  try {
    return files
      .map((file) => statSync(file))
      .map(({ mtimeMs, ino, size }) => `${mtimeMs} ${ino} ${size}`)
      .join()
  } catch (error) {
    throw new Error(`KUBECONFIG can't be read: ${codeOf(error) ?? 'it is no file'}`, {
      cause: error,
    })
  }
}

async function loadAll(files: string[]): Promise<KubeConfig> {
  const { KubeConfig } = await import('@kubernetes/client-node')
  const config = new KubeConfig()
  try {
    for (const [index, file] of files.entries()) {
      const one = index === 0 ? config : new KubeConfig()
      one.loadFromFile(file)
      if (index > 0) config.mergeConfig(one)
    }
    return config
  } catch (error) {
    throw new Error(sayUnread('KUBECONFIG', error), { cause: error })
  }
}

async function toAccess(config: KubeConfig): Promise<Access> {
  const cluster = config.getCurrentCluster()
  if (cluster === null) throw new Error('KUBECONFIG names no cluster')
  const server = URL.parse(cluster.server)
  if (server?.protocol !== 'https:') throw new Error('KUBECONFIG names a server that is not https')
  const options: RequestOptions = {}
  try {
    await config.applyToHTTPSOptions(options)
  } catch (error) {
    throw new Error(sayNoCredentials('KUBECONFIG', error), { cause: error })
  }
  const { ca, cert, key, headers, auth, rejectUnauthorized, servername } = options
  const given = { ca, cert, key, auth, rejectUnauthorized, servername }
  const set = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  return { server, ...set, headers: headers ?? {} }
}
