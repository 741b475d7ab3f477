/** TLS before a server of plain HTTP, as the edge's network has it, under a certificate of its own authority. */
import { writeFileSync } from 'node:fs'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { createServer } from 'node:tls'
import { generate } from 'selfsigned'
import { onTestFinished } from 'vitest'
import { aFolder } from './a-setup.ts'

export interface TlsFront {
  port: number
  /** A file with the authority that vouches for it. */
  caFile: string
  /** The names that clients asked for, one per connection; false: none. */
  serverNames: (string | false | null)[]
}

/** Passes bytes on until the test ends. */
export async function aTlsFront(host: string, targetUrl: string): Promise<TlsFront> {
  const { cert, private: key } = await generate([{ name: 'commonName', value: host }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: host }] }],
  })
  const { hostname, port } = new URL(targetUrl)
  const serverNames: TlsFront['serverNames'] = []
  const sockets = new Set<Socket>()
  const server = createServer({ key, cert, ALPNProtocols: ['http/1.1'] }, (client) => {
    serverNames.push(client.servername)
    const target = connect(Number(port), hostname)
    for (const socket of [client, target]) {
      sockets.add(socket)
      socket.on('error', () => undefined) // a prober resets its connection when it has read enough
      socket.on('close', () => {
        client.destroy()
        target.destroy()
      })
    }
    client.pipe(target).pipe(client)
  })
  server.on('tlsClientError', () => undefined) // who doesn't trust us says so himself
  onTestFinished(() => {
    const { promise, resolve } = Promise.withResolvers<void>()
    server.close(() => {
      resolve()
    })
    for (const socket of sockets) socket.destroy()
    return promise
  })
  const caFile = `${aFolder()}/ca.pem`
  writeFileSync(caFile, cert)
  return { port: await listen(server), caFile, serverNames }
}

function listen(server: ReturnType<typeof createServer>): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>()
  server.listen(0, '127.0.0.1', () => {
    const address: AddressInfo | string | null = server.address()
    resolve(address === null || typeof address === 'string' ? 0 : address.port)
  })
  return promise
}
