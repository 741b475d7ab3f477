/**
 * How the node role reaches the API server: the service account in a pod, else a kubeconfig, else not at all. Read anew
 * for every request, for tokens rotate on disk. The package that reads kubeconfigs is loaded only where there is one.
 */
import { existsSync, readFileSync } from 'node:fs'
import type { RequestOptions } from 'node:https'

/** What a request to the API server needs; without agent, path and signal. */
export type Access = Pick<RequestOptions, 'ca' | 'cert' | 'key' | 'headers'> & { server: URL }

/** Where the kubelet mounts it. */
const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount'

/** Rejects with what to mend where there is nothing to reach it with. */
export async function readAccess(
  env: Record<string, string | undefined>,
  account = ACCOUNT,
): Promise<Access> {
  const host = env['KUBERNETES_SERVICE_HOST']
  if (host !== undefined && existsSync(`${account}/token`)) {
    // At once, not by promise: a dead disk may hold every thread that reads files, and these are memory.
    const token = readFileSync(`${account}/token`, 'utf8')
    const ca = readFileSync(`${account}/ca.crt`)
    const name = host.includes(':') ? `[${host}]` : host
    const server = new URL(`https://${name}:${env['KUBERNETES_SERVICE_PORT'] ?? '443'}`)
    return { server, ca, headers: { authorization: `Bearer ${token.trim()}` } }
  }
  const kubeconfig = env['KUBECONFIG']
  if (kubeconfig === undefined) throw new Error('no service account and no KUBECONFIG')
  const { KubeConfig } = await import('@kubernetes/client-node')
  const config = new KubeConfig()
  config.loadFromFile(kubeconfig)
  const cluster = config.getCurrentCluster()
  if (cluster === null) throw new Error('KUBECONFIG names no cluster')
  const options: RequestOptions = {}
  await config.applyToHTTPSOptions(options)
  const { ca, cert, key, headers } = options
  return {
    server: new URL(cluster.server),
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    headers: headers ?? {},
  }
}
