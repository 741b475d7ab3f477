/** Clients that were not written for the API server double: node:http2, client-node, and kubectl where there is one. */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { CoreV1Api, KubeConfig, Watch } from '@kubernetes/client-node'
import { describe, expect, it, vi } from 'vitest'
import type { ApiServer } from '../../sandbox/api-server/api-server.ts'
import { aPod, aService } from '../../sandbox/api-server/sample-objects.ts'
import { createWidgets, openBench, WIDGETS } from './a-server.ts'

const HAS_KUBECTL = existsSync('/usr/bin/kubectl')

describe('a client not written for this server', () => {
  it('speaks HTTP/2 when it can: node:http2', async () => {
    const { server } = await openBench()
    const [token] = server.tokens
    const session = connect(server.url, { ca: server.caPem })

    const stream = session.request({ ':path': WIDGETS, authorization: `Bearer ${token}` })
    const response: unknown[] = await once(stream, 'response')
    session.destroy()

    expect(session.alpnProtocol).toBe('h2')
    expect(response[0]).toMatchObject({ ':status': 200 })
  })

  it('pages through a list: client-node', async () => {
    const { server } = await openBench()
    createWidgets(server, ['w1', 'w2', 'w3'])
    const api = clusterOf(server).makeApiClient(CoreV1Api)

    const first = await api.listNamespacedConfigMap({ namespace: 'default', limit: 2 })
    const { _continue = '' } = first.metadata ?? {}
    const second = await api.listNamespacedConfigMap({ namespace: 'default', limit: 2, _continue })

    expect(first.metadata?.remainingItemCount).toBe(1)
    expect([...first.items, ...second.items].map(({ metadata }) => metadata?.name)).toEqual([
      'w1',
      'w2',
      'w3',
    ])
  })

  it('watches until the stream is reset: client-node', async () => {
    const { server } = await openBench()
    const seen: unknown[] = []
    const ended = Promise.withResolvers<unknown>()
    const note = (type: string, object: unknown): void => void seen.push([type, object])
    const query = { labelSelector: 'a=b' }
    await new Watch(clusterOf(server)).watch(WIDGETS, query, note, ended.resolve)

    createWidgets(server, ['w1'], { a: 'b' })
    await vi.waitFor(() => expect(seen).toHaveLength(1))
    server.faults.dropWatches()

    expect(seen).toMatchObject([['ADDED', { kind: 'ConfigMap', metadata: { name: 'w1' } }]])
    expect(await ended.promise).toBeInstanceOf(Error)
  })

  it.skipIf(!HAS_KUBECTL)('prints tables: kubectl, where there is one', async () => {
    const { server } = await openBench()
    server.create(aService({}))
    server.create(aPod({ name: 'p', namespace: 'shop' }))

    const outputs = await runKubectl(server, [
      ['get', 'svc'],
      ['get', 'pods', '-A'],
      ['get', 'ns', '--chunk-size=1', '-o', 'name'],
    ])

    expect(outputs[0]).toMatch(/^NAME +TYPE +CLUSTER-IP +EXTERNAL-IP +PORT\(S\) +AGE\ns +ClusterIP/)
    expect(outputs[1]).toMatch(
      /^NAMESPACE +NAME +READY +STATUS +RESTARTS +AGE\nshop +p +0\/1 +Running/,
    )
    expect(outputs[2]).toBe('namespace/default\nnamespace/kube-system\nnamespace/shop\n')
  })
})

function clusterOf(server: ApiServer): KubeConfig {
  const config = new KubeConfig()
  config.loadFromString(server.kubeconfig())
  return config
}

/** With a home of its own: kubectl caches what it discovers. */
async function runKubectl(server: ApiServer, commands: string[][]): Promise<string[]> {
  const home = await mkdtemp(join(tmpdir(), 'kubectl-'))
  const KUBECONFIG = join(home, 'config')
  await writeFile(KUBECONFIG, server.kubeconfig())
  const run = promisify(execFile)
  try {
    const env = { PATH: process.env['PATH'], HOME: home, KUBECONFIG }
    const outputs = await Promise.all(
      commands.map((command) => run('/usr/bin/kubectl', command, { env })),
    )
    return outputs.map(({ stdout }) => stdout)
  } finally {
    await rm(home, { recursive: true })
  }
}
