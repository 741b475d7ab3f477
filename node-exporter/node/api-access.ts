/**
 * How the node role reaches the API server: the service account in a pod, else a kubeconfig, else not at all. The account
 * is read anew for every request, for tokens rotate on disk. What reads kubeconfigs is loaded only where there is one.
 */
import { existsSync, readFileSync } from 'node:fs'
import type { RequestOptions } from 'node:https'
import { KubeconfigAccess } from './kubeconfig-access.ts'

/** What a request to the API server needs; without agent, path and signal. `server` may have a path of its own. */
export type Access = Pick<
  RequestOptions,
  'ca' | 'cert' | 'key' | 'auth' | 'headers' | 'rejectUnauthorized' | 'servername'
> & { server: URL }

/** Where the kubelet mounts it. */
const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount'

/** To be asked for every request. Rejects with what to mend where there is nothing to reach it with. */
export function makeAccess(
  env: Record<string, string | undefined>,
  account = ACCOUNT,
): () => Promise<Access> {
  const kubeconfig = env['KUBECONFIG']
  const otherwise = kubeconfig ? new KubeconfigAccess(kubeconfig) : null
  return async () => {
    const access = readAccount(env, account) ?? (await otherwise?.get())
    if (access === undefined) throw new Error('no service account and no KUBECONFIG')
    return access
  }
}

/** null outside a pod, and in one without. */
function readAccount(env: Record<string, string | undefined>, account: string): Access | null {
  const host = env['KUBERNETES_SERVICE_HOST']
  if (host === undefined || !existsSync(`${account}/token`)) return null
  // At once, not by promise: a dead disk may hold every thread that reads files, and these are memory.
  const token = readFileSync(`${account}/token`, 'utf8')
  const ca = readFileSync(`${account}/ca.crt`)
  const name = host.includes(':') ? `[${host}]` : host
  const server = new URL(`https://${name}:${env['KUBERNETES_SERVICE_PORT'] ?? '443'}`)
  return { server, ca, headers: { authorization: `Bearer ${token.trim()}` } }
}
