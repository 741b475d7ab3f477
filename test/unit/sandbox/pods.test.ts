/** The sandbox's pods: each behaviour is what a prober meets, on systems with one loopback address too. */
import http from 'node:http'
import { describe, expect, it, onTestFinished } from 'vitest'
import { LoopbackPods, type Behaviour } from '../../sandbox/pods.ts'

function aHost(holderAddress?: string): LoopbackPods {
  const pods = new LoopbackPods(holderAddress)
  onTestFinished(() => pods.stop())
  return pods
}

function ask({ address, port }: { address: string; port: number }): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  http
    .get({ host: address, port, agent: false, signal: AbortSignal.timeout(200) }, (response) => {
      let body = ''
      response.on('data', (piece) => (body += String(piece)))
      response.on('end', () => {
        resolve(`${response.statusCode} ${body}`)
      })
    })
    .on('error', (error) => {
      resolve(error.name === 'AbortError' ? 'nothing' : error.message)
    })
  return promise
}

describe('a pod', () => {
  const table: [Behaviour, RegExp][] = [
    [{ kind: 'ok' }, /^200 .*"ok":true/],
    [{ kind: 'failing', severity: 1 }, /^200 .*"severity":1,"ok":false/],
    [{ kind: 'status', status: 500 }, /^500 no$/],
    [{ kind: 'body', body: '<html>' }, /^200 <html>$/],
    [{ kind: 'slow', ms: 20 }, /^200 .*"ok":true/],
    [{ kind: 'hang' }, /^nothing$/],
    [{ kind: 'refuse' }, /ECONNREFUSED/],
  ]

  it.each(table)('behaves as it is told: $kind', async (behaviour, expected) => {
    const pods = aHost()
    const pod = await pods.start('web-1')

    await pods.set('web-1', behaviour)
    const broken = await ask(pod)
    await pods.set('web-1', { kind: 'ok' })

    expect(broken).toMatch(expected)
    expect(await ask(pod)).toMatch(/^200/)
  })

  it('has an address of its own, and shares its port', async () => {
    const pods = aHost()

    const [one, two] = [await pods.start('web-1'), await pods.start('web-2')]

    expect(one.address).not.toBe(two.address)
    expect(one.port).toBe(two.port)
  })

  it('has a port of its own where there is one loopback address only', async () => {
    const pods = aHost('192.0.2.1') // of nobody, RFC 5737: it can't be bound

    const [one, two] = [await pods.start('web-1'), await pods.start('web-2')]

    expect([one.address, two.address]).toEqual(['127.0.0.1', '127.0.0.1'])
    expect(one.port).not.toBe(two.port)
    expect(await ask(two)).toMatch(/^200/)
  })
})
