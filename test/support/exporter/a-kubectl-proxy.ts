/** What `kubectl proxy` does: plain HTTP/1.1 on loopback before the API server, and the token is its own. */
import { writeFileSync } from 'node:fs'
import https from 'node:https'
import { onTestFinished } from 'vitest'
import type { AccessOptions } from '../../../node-exporter/kubernetes/access.ts'
import type { World } from '../../sandbox/world.ts'
import { aFolder } from './a-setup.ts'
import { serve } from './local-server.ts'

/** A kubeconfig for it, as people write one: a server and nothing else. */
export async function aKubectlProxy(world: World): Promise<AccessOptions & { kubeconfig: string }> {
  const agent = new https.Agent({ keepAlive: true })
  onTestFinished(() => {
    agent.destroy()
  })
  const { port } = await serve((request, response) => {
    const [token = ''] = world.api.tokens
    const headers = { ...request.headers, authorization: `Bearer ${token}` }
    const options = { method: request.method, headers, agent, ca: world.api.caPem }
    const asked = https.request(`${world.api.url}${request.url}`, options, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers).flushHeaders()
      answer.pipe(response)
    })
    asked.on('error', () => response.destroy())
    response.on('close', () => asked.destroy())
    request.pipe(asked)
  })
  const kubeconfig = `${aFolder()}/kubeconfig`
  const config = {
    clusters: [{ name: 'c', cluster: { server: `http://127.0.0.1:${port}` } }],
    contexts: [{ name: 'x', context: { cluster: 'c' } }],
    'current-context': 'x',
  }
  writeFileSync(kubeconfig, JSON.stringify(config))
  return { kubeconfig, accountRoot: '/nowhere', env: {} }
}
