/**
 * How either role reaches the API server: the service account in a pod, else KUBECONFIG. Both are read anew for every
 * request, because tokens rotate on disk. What reads a kubeconfig is large: it is loaded only where there is one.
 */
import { X509Certificate } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import type { Agent, OutgoingHttpHeaders } from 'node:http'
import { basename } from 'node:path'
import type { SecureContextOptions } from 'node:tls'
import { AccessFault, codeOf } from './access-fault.ts'

/** Of the connection; `rejectUnauthorized` false: whoever answers is trusted. */
export type TlsOptions = Pick<SecureContextOptions, 'ca' | 'cert' | 'key'> & {
  rejectUnauthorized?: boolean
  servername?: string
}

/** What a request to the API server needs. `server` may have a path of its own. */
export interface Access {
  server: URL
  tls: TlsOptions
  /** Credentials, and whom to impersonate. */
  headers: OutgoingHttpHeaders
  /** Through a proxy; null: directly. */
  agent: Agent | null
}

export type GetAccess = () => Promise<Access>

export interface AccessOptions {
  /** Paths of kubeconfig files, used where there is no service account. */
  kubeconfig: string | undefined
  /** Where the service account's folders are mounted; '' in a pod. */
  accountRoot: string
  /** Of the process, unless it is said. */
  env?: Record<string, string | undefined>
}

/** Where the kubelet mounts it. */
const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount'

/** The namespace of this very pod. null: outside of one. */
export function readOwnNamespace(accountRoot: string): string | null {
  const file = `${accountRoot}${ACCOUNT}/namespace`
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : null
}

/** To be asked for every request. Rejects with AccessFault, in words that hold nothing of what was read. */
export function makeAccess(options: AccessOptions): GetAccess {
  let files: Promise<GetAccess> | null = null
  return async () => {
    const source = chooseSource(options)
    if ('account' in source) return readAccount(source.account, source)
    files ??= import('./kubeconfig.ts').then(({ Kubeconfig }) => {
      const read = new Kubeconfig(source.kubeconfig)
      return () => read.get()
    })
    return (await files)()
  }
}

/**
 * What keeps this access from ever working, as the setting and what is wrong with it; null: nothing. Neither an API server
 * that is out of reach nor a credential that can't be had right now is such a fault, and no plugin is started.
 */
export async function findAccessFault(options: AccessOptions): Promise<string | null> {
  try {
    const source = chooseSource(options)
    if ('account' in source) {
      readAuthority(`${source.account}/ca.crt`)
      return null
    }
    const { Kubeconfig } = await import('./kubeconfig.ts')
    new Kubeconfig(source.kubeconfig).check()
    return null
  } catch (error) {
    if (error instanceof AccessFault) return error.isForGood ? error.message : null
    throw error
  }
}

type Env = Record<string, string | undefined>

/** The service account where this is a pod, else the kubeconfig. Throws AccessFault where there is neither. */
function chooseSource({
  accountRoot,
  kubeconfig,
  env = process.env,
}: AccessOptions): { account: string; host: string; env: Env } | { kubeconfig: string } {
  const account = `${accountRoot}${ACCOUNT}`
  const host = env['KUBERNETES_SERVICE_HOST']
  // The folder, not the token: one that is missing for a moment doesn't make this pod another user.
  if (host && existsSync(account)) return { account, host, env }
  const files = kubeconfig?.trim() ?? '' // blank, as templates leave it: not set
  if (files !== '') return { kubeconfig: files }
  throw new AccessFault(NO_ACCESS, { isForGood: true })
}

const NO_ACCESS =
  'KUBECONFIG is not set, and there is no service account: write the path of a kubeconfig file, or mount the token (automountServiceAccountToken)'

function readAccount(account: string, { host, env }: { host: string; env: Env }): Access {
  const ca = readAuthority(`${account}/ca.crt`)
  const token = readAccountFile(`${account}/token`, { isForGood: false }).toString().trim()
  const name = host.includes(':') ? `[${host}]` : host
  const server = new URL(`https://${name}:${env['KUBERNETES_SERVICE_PORT'] || '443'}`)
  return { server, tls: { ca }, headers: { authorization: `Bearer ${token}` }, agent: null }
}

function readAuthority(file: string): Buffer {
  const ca = readAccountFile(file, { isForGood: true })
  if (isCertificate(ca)) return ca
  throw new AccessFault("the service account's ca.crt is no certificate", { isForGood: true })
}

/** At once, not by promise: a dead disk may hold every thread that reads files, and these are memory. */
function readAccountFile(file: string, { isForGood }: { isForGood: boolean }): Buffer {
  try {
    return readFileSync(file)
  } catch (cause) {
    const what = `the service account's ${basename(file)} can't be read`
    throw new AccessFault(`${what}: ${codeOf(cause) ?? 'it is no file'}`, { isForGood, cause })
  }
}

/** The first of a bundle, in PEM. */
export function isCertificate(pem: Buffer): boolean {
  try {
    return new X509Certificate(pem).subject !== undefined
  } catch {
    return false // its words may hold a piece of what was read
  }
}
