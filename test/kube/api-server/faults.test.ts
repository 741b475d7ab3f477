/** What the API server double can be told to do wrong: be away, drop, hang, refuse, expire, delay. */
import { describe, expect, it, vi } from 'vitest'
import { createWidgets, openBench, WIDGETS } from './a-server.ts'

describe('faults', () => {
  it('refuses connections while away and comes back', async () => {
    const { server, client } = await openBench()
    const watch = await client.watch(`${WIDGETS}?watch=true`)
    const broken = watch.next()

    await Promise.all([server.faults.goAway(), expect(broken).rejects.toThrow('aborted')])
    await expect(client.send(WIDGETS)).rejects.toThrow('ECONNREFUSED')
    await server.faults.comeBack()

    expect(await client.send(WIDGETS)).toMatchObject({ status: 200 })
  })

  it('drops open watches in the middle', async () => {
    const { server, client } = await openBench()
    const watch = await client.watch(`${WIDGETS}?watch=true`)
    const broken = watch.next()

    server.faults.dropWatches()

    await expect(broken).rejects.toThrow('aborted')
    expect(server.seen.openWatches).toBe(0)
  })

  it('hangs open watches beyond their deadline', async () => {
    const { server, client } = await openBench()
    const query = 'watch=true&timeoutSeconds=1'
    const hung = (await client.watch(`${WIDGETS}?${query}`)).next()
    server.faults.hangWatches()
    server.faults.expireWatches()
    const later = await client.watch(`${WIDGETS}?${query}`)
    createWidgets(server, ['w1'])

    const events = [await later.next(), await later.next()]

    expect(events).toMatchObject([{ type: 'ADDED' }, undefined])
    expect(await orPending(hung)).toBe('pending')
  })

  it('hangs requests until told otherwise', async () => {
    const { server, client } = await openBench()
    server.faults.hangRequests(true)
    const hung = client.send('/version')
    hung.catch(() => {}) // it breaks when the server stops, after the test
    await vi.waitFor(() => expect(server.seen.requests).toHaveLength(1))
    server.faults.hangRequests(false)

    expect(await client.send(WIDGETS)).toMatchObject({ status: 200 })
    expect(await orPending(hung)).toBe('pending')
  })

  it('answers errors to order, so many times', async () => {
    const { server, client } = await openBench()
    server.faults.answer({ status: 429, path: /configmaps$/, times: 1, retryAfterSeconds: 7 })
    const remove = server.faults.answer({ status: 403, path: /pods/ })

    const first = await client.send(WIDGETS)
    const second = await client.send(WIDGETS)
    const pods = await client.send('/api/v1/pods?limit=1')
    remove()
    const free = await client.send('/api/v1/pods?limit=1')

    expect(first).toMatchObject({
      headers: { 'retry-after': '7' },
      body: { reason: 'TooManyRequests' },
    })
    expect([first, second, pods, free].map(({ status }) => status)).toEqual([429, 200, 403, 200])
  })

  it('expires open watches and every known revision', async () => {
    const { server, client } = await openBench()
    const revision = createWidgets(server, ['w1'])
    const path = `${WIDGETS}?watch=true&resourceVersion=${revision}`
    const open = await client.watch(path)

    server.faults.expireWatches()
    const reopened = await client.watch(path)

    for (const watch of [open, reopened]) {
      expect(await watch.next()).toMatchObject({ type: 'ERROR', object: { code: 410 } })
      expect(await watch.next()).toBeUndefined()
    }
  })

  it('delays every answer', async () => {
    const { server, client } = await openBench()
    server.faults.delay(50)
    const startMs = performance.now()

    await client.send(WIDGETS)

    expect(performance.now() - startMs).toBeGreaterThanOrEqual(49) // timers may fire a fraction early
  })

  it('refuses a token as soon as it is rotated out', async () => {
    const { server, client } = await openBench()
    const [old = ''] = server.tokens
    server.tokens.clear()
    server.tokens.add('new')

    const refused = await client.send(WIDGETS, { token: old })
    const accepted = await client.send(WIDGETS, { token: 'new' })

    expect(refused.body).toMatchObject({ kind: 'Status', code: 401, reason: 'Unauthorized' })
    expect(accepted.status).toBe(200)
    expect(server.seen.requests.map(({ token }) => token)).toEqual([old, 'new'])
  })
})

/** What a promise has come to by now, without waiting for it. */
function orPending(promise: Promise<unknown>): Promise<unknown> {
  return Promise.race([promise, Promise.resolve('pending')])
}
