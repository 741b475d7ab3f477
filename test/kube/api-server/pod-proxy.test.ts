/** The way through the API server double to a pod, which is an HTTP server on loopback. */
import { createServer } from 'node:http'
import { describe, expect, it } from 'vitest'
import { aPod } from '../../sandbox/api-server/sample-objects.ts'
import { openBench } from './a-server.ts'

describe('the pod proxy', () => {
  it.for(['p:PORT', 'http:p:PORT'])('passes on what the pod answers: %s', async (name) => {
    const { server, client } = await openBench()
    const pod = createServer((request, response) => {
      response.writeHead(418, {
        'x-path': request.url,
        'x-auth': String(request.headers.authorization),
      })
      response.end('teapot')
    })
    const port = await listen(pod)
    server.create(aPod({ name: 'p', podIP: '127.0.0.1' }))

    const path = `/api/v1/namespaces/default/pods/${name.replace('PORT', port)}/proxy/__health?a=1`
    const answer = await client.send(path)
    pod.close()

    expect(answer).toMatchObject({
      status: 418,
      body: 'teapot',
      headers: { 'x-path': '/__health?a=1', 'x-auth': 'undefined' },
    })
  })

  it('answers 503 when the pod cannot be reached', async () => {
    const { server, client } = await openBench()
    server.create(aPod({ name: 'p', podIP: '127.0.0.1' }))

    const { body } = await client.send('/api/v1/namespaces/default/pods/p:1/proxy/')

    expect(body).toMatchObject({ code: 503, reason: 'ServiceUnavailable' })
    expect(body).toHaveProperty(
      'message',
      expect.stringMatching(/^error trying to reach service: /),
    )
  })
})

function listen(server: ReturnType<typeof createServer>): Promise<string> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve(String(typeof address === 'object' ? address?.port : address))
    })
  })
}
