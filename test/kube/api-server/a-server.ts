/** An API server double for each case, over TLS, and the ConfigMaps that stand in for the observed widgets. */
import { onTestFinished } from 'vitest'
import {
  type ApiServer,
  type ApiServerOptions,
  startApiServer,
} from '../../sandbox/api-server/api-server.ts'
import { PlainClient } from '../../sandbox/api-server/plain-client.ts'
import { aWidget } from '../../sandbox/api-server/sample-objects.ts'

export const WIDGETS = '/api/v1/namespaces/default/configmaps'

export interface Bench {
  server: ApiServer
  client: PlainClient
}

/** A server of its own for each case, gone when the case is over. */
export async function openBench(options: ApiServerOptions = {}): Promise<Bench> {
  const server = await startApiServer({ tooLargeWaitMs: 20, ...options })
  const client = new PlainClient(server)
  onTestFinished(async () => {
    client.close()
    await server.stop()
  })
  return { server, client }
}

/** The revision after the last of them. */
export function createWidgets(
  server: ApiServer,
  names: string[],
  labels: Record<string, string> = {},
): string {
  const created = names.map((name) => server.create(aWidget({ name, labels })))
  return created.at(-1)?.metadata.resourceVersion ?? ''
}
