/** Watches of the API server double against kubernetes-api-observations.md: events, bookmarks, starts and ends. */
import { describe, expect, it } from 'vitest'
import type { ApiServer } from '../../sandbox/api-server/api-server.ts'
import { aWidget } from '../../sandbox/api-server/sample-objects.ts'
import { createWidgets, openBench, WIDGETS } from './a-server.ts'

describe('a watch', () => {
  it.for(['', 'resourceVersion=0'])(
    'shows every object first, then what happens: %s',
    async (query) => {
      const { server, client } = await openBench()
      createWidgets(server, ['w1'])

      const watch = await client.watch(`${WIDGETS}?watch=true&${query}`)
      const first = await watch.next()
      createWidgets(server, ['w2'])

      expect(first).toMatchObject({
        type: 'ADDED',
        object: { kind: 'ConfigMap', metadata: { name: 'w1' } },
      })
      expect(await watch.next()).toMatchObject({
        type: 'ADDED',
        object: { metadata: { name: 'w2' } },
      })
    },
  )

  it('replays every change strictly after its revision', async () => {
    const { server, client } = await openBench()
    const revision = createWidgets(server, ['w1'])
    const versions = ['a', 'b'].map((key) => changeWidget(server, { data: { key } }))
    server.create(aWidget({ name: 'w1', namespace: 'elsewhere' }))
    server.remove({ kind: 'ConfigMap', name: 'w1' })

    const watch = await client.watch(`${WIDGETS}?watch=true&resourceVersion=${revision}`)
    const events = [await watch.next(), await watch.next(), await watch.next()]

    const last = String(Number(versions[1]) + 3) // the other namespace, its object, the deletion
    expect(events).toMatchObject([
      {
        type: 'MODIFIED',
        object: { data: { key: 'a' }, metadata: { resourceVersion: versions[0] } },
      },
      {
        type: 'MODIFIED',
        object: { data: { key: 'b' }, metadata: { resourceVersion: versions[1] } },
      },
      { type: 'DELETED', object: { data: { key: 'b' }, metadata: { resourceVersion: last } } },
    ])
  })

  it('turns selector transitions into ADDED and DELETED', async () => {
    const { server, client } = await openBench()
    createWidgets(server, ['w1'], { a: 'in' })
    const watch = await client.watch(`${WIDGETS}?watch=true&labelSelector=a=in`)
    await watch.next()

    const left = changeWidget(server, { metadata: { labels: { a: 'out' } } })
    changeWidget(server, { data: { key: 'unseen' } })
    const back = changeWidget(server, { metadata: { labels: { a: 'in' } } })

    expect(await watch.next()).toMatchObject({
      type: 'DELETED',
      object: { metadata: { resourceVersion: left, labels: { a: 'in' } } },
    })
    expect(await watch.next()).toMatchObject({
      type: 'ADDED',
      object: { metadata: { resourceVersion: back }, data: { key: 'unseen' } },
    })
  })

  it('gets bookmarks of the newest revision when allowed', async () => {
    const { server, client } = await openBench({ bookmarkMs: 10 })
    const revision = createWidgets(server, ['w1'])
    const query = `watch=true&resourceVersion=${revision}&allowWatchBookmarks=true`

    const watch = await client.watch(`${WIDGETS}?${query}`)

    const object = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { resourceVersion: revision },
    }
    expect(await watch.next()).toEqual({ type: 'BOOKMARK', object })
    expect(await watch.next()).toEqual({ type: 'BOOKMARK', object })
  })

  it('gets that bookmark, then a clean end', async () => {
    const { client } = await openBench({ deadlineBookmark: { beforeMs: 900, minTimeoutMs: 1_000 } })
    const watch = await client.watch(
      '/api/v1/pods?watch=true&timeoutSeconds=1&allowWatchBookmarks=true',
    )

    expect(await watch.next()).toMatchObject({ type: 'BOOKMARK' })
    expect(await watch.next()).toBeUndefined()
  })

  it('ends without a bookmark when it is short', async () => {
    const { client } = await openBench()
    const watch = await client.watch(
      '/api/v1/pods?watch=true&timeoutSeconds=1&allowWatchBookmarks=true',
    )

    expect(await watch.next()).toBeUndefined()
  })

  it('marks where its initial events end', async () => {
    const { server, client } = await openBench()
    const revision = createWidgets(server, ['w1'])
    const query =
      'sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan'

    const watch = await client.watch(`${WIDGETS}?watch=true&${query}`)

    const annotations = { 'k8s.io/initial-events-end': 'true' }
    expect(await watch.next()).toMatchObject({ type: 'ADDED' })
    expect(await watch.next()).toMatchObject({
      type: 'BOOKMARK',
      object: { metadata: { resourceVersion: revision, annotations } },
    })
  })

  it.for([
    ['initial events without a match', 'sendInitialEvents=true', 422],
    ['an exact match', 'resourceVersion=1&resourceVersionMatch=Exact', 422],
    ['a revision that is no number', 'resourceVersion=abc', 500],
    ['an unsupported field', 'fieldSelector=spec.n=1', 400],
  ] as const)('refuses %s before it starts', async ([, query, code]) => {
    const { client } = await openBench()
    const { status, body } = await client.send(`${WIDGETS}?watch=true&${query}`)

    expect(status).toBe(code)
    expect(body).toMatchObject({ kind: 'Status', code })
  })

  it('learns inside a 200 that its revision is too old', async () => {
    const { server, client } = await openBench()
    server.faults.expireWatches()
    const revision = createWidgets(server, ['w1'])
    const compacted = Number(revision) - 1

    const watch = await client.watch(`${WIDGETS}?watch=true&resourceVersion=1`)

    const message = `too old resource version: 1 (${compacted})`
    expect(watch.status).toBe(200)
    expect(await watch.next()).toMatchObject({
      type: 'ERROR',
      object: { kind: 'Status', code: 410, reason: 'Expired', message },
    })
    expect(await watch.next()).toBeUndefined()
  })

  it('stays silent from a future revision until it times out', async () => {
    const { server, client } = await openBench()
    const watch = await client.watch(
      `${WIDGETS}?watch=true&resourceVersion=999999999&timeoutSeconds=1`,
    )
    createWidgets(server, ['w1'])

    expect(watch.status).toBe(200)
    expect(await watch.next()).toBeUndefined()
  })

  it('follows one object by its name', async () => {
    const { server, client } = await openBench()
    const query = 'watch=true&fieldSelector=metadata.name=w2'
    const watch = await client.watch(`${WIDGETS}?${query}`)

    createWidgets(server, ['w1', 'w2'])

    expect(await watch.next()).toMatchObject({ object: { metadata: { name: 'w2' } } })
  })

  it('streams Tables and describes their columns once', async () => {
    const { server, client } = await openBench()
    const accept = 'application/json;as=Table;g=meta.k8s.io;v=v1'

    const watch = await client.watch(`${WIDGETS}?watch=true`, { accept })
    createWidgets(server, ['w1', 'w2'])

    const columnDefinitions = [{ name: 'Name' }, { name: 'Data' }, { name: 'Age' }]
    const first = await watch.next()
    expect(first).toMatchObject({ type: 'ADDED', object: { kind: 'Table', columnDefinitions } })
    expect(first).toHaveProperty('object.rows.0.cells.0', 'w1')
    expect(await watch.next()).toMatchObject({ object: { columnDefinitions: null } })
  })

  it('cannot start before the newest ten thousand changes', async () => {
    const { server, client } = await openBench()
    const revision = createWidgets(server, ['w1'])
    for (let n = 0; n < 11_001; n++) changeWidget(server, { data: { n: String(n) } })

    const watch = await client.watch(`${WIDGETS}?watch=true&resourceVersion=${revision}`)

    expect(await watch.next()).toMatchObject({ type: 'ERROR', object: { code: 410 } })
  })

  it('is a plain GET on one object', async () => {
    const { server, client } = await openBench()
    createWidgets(server, ['w1'])

    const { body } = await client.send(`${WIDGETS}/w1?watch=true`)

    expect(body).toMatchObject({ kind: 'ConfigMap', metadata: { name: 'w1' } })
  })
})

function changeWidget(server: ApiServer, change: Record<string, unknown>): string {
  return server.patch({ kind: 'ConfigMap', name: 'w1' }, change).metadata.resourceVersion ?? ''
}
