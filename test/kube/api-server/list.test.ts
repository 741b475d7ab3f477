/** Lists of the API server double against kubernetes-api-observations.md: pages, snapshots, selectors, refusals. */
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { aPod, aWidget } from '../../sandbox/api-server/sample-objects.ts'
import { createWidgets, openBench, WIDGETS } from './a-server.ts'

describe('a list', () => {
  it('carries the global revision and is sorted by key', async () => {
    const { server, client } = await openBench()
    createWidgets(server, ['w2', 'w1'])
    const pod = server.create(aPod({ name: 'p' }))

    const { body } = await client.send(WIDGETS)

    const { resourceVersion } = pod.metadata
    expect(body).toMatchObject({
      kind: 'ConfigMapList',
      metadata: { continue: '', resourceVersion },
    })
    expect(namesIn(body)).toEqual(['w1', 'w2'])
  })

  it('hands out pages of one revision whatever is written between', async () => {
    const { server, client } = await openBench()
    const revision = createWidgets(server, ['w1', 'w2', 'w3', 'w4', 'w5', 'w6', 'w7'])
    const first = await client.send(`${WIDGETS}?limit=3`)
    const token = continueOf(first.body)
    server.create(aWidget({ name: 'w45' }))
    server.remove({ kind: 'ConfigMap', name: 'w5' })

    const second = await client.send(`${WIDGETS}?limit=3&continue=${token}`)

    expect(first.body).toMatchObject({
      metadata: { resourceVersion: revision, remainingItemCount: 4 },
    })
    expect(Buffer.from(token, 'base64url').toString()).toBe(
      `{"v":"meta.k8s.io/v1","rv":${revision},"start":"/w3\\u0000"}`,
    )
    expect(second.body).toMatchObject({
      metadata: { resourceVersion: revision, remainingItemCount: 1 },
    })
    expect(namesIn(second.body)).toEqual(['w4', 'w5', 'w6'])
  })

  it('does not count the remaining items under a selector', async () => {
    const { server, client } = await openBench()
    createWidgets(server, ['w1', 'w2', 'w3'], { team: 'a' })

    const { body } = await client.send(`${WIDGETS}?limit=2&labelSelector=team=a`)

    expect(namesIn(body)).toEqual(['w1', 'w2'])
    expect(continueOf(body)).not.toBe('')
    expect(body).not.toHaveProperty('metadata.remainingItemCount')
  })

  it('resumes an expired continue token at the newest revision', async () => {
    const { server, client } = await openBench()
    createWidgets(server, ['w1', 'w2', 'w4'])
    const first = await client.send(`${WIDGETS}?limit=2`)
    server.faults.expireWatches()
    const newest = createWidgets(server, ['w3'])

    const expired = await client.send(`${WIDGETS}?limit=2&continue=${continueOf(first.body)}`)
    const resumed = await client.send(`${WIDGETS}?limit=2&continue=${continueOf(expired.body)}`)

    expect(expired.body).toMatchObject({ kind: 'Status', code: 410, reason: 'Expired' })
    expect(Buffer.from(continueOf(expired.body), 'base64url').toString()).toContain('"rv":-1')
    expect(namesIn(resumed.body)).toEqual(['w3', 'w4'])
    expect(resumed.body).toMatchObject({ metadata: { resourceVersion: newest } })
  })

  it.for([
    ['nothing asked', '', ['w1', 'w2', 'w3']],
    ['resourceVersion 0', 'resourceVersion=0', ['w1', 'w2', 'w3']],
    ['resourceVersion 0 ignores limit', 'resourceVersion=0&limit=2', ['w1', 'w2', 'w3']],
    ['Exact', 'resourceVersion=N&resourceVersionMatch=Exact', ['w1', 'w2']],
    ['NotOlderThan', 'resourceVersion=N&resourceVersionMatch=NotOlderThan', ['w1', 'w2', 'w3']],
    ['resourceVersion alone', 'resourceVersion=N', ['w1', 'w2', 'w3']],
    ['resourceVersion with a limit is Exact', 'resourceVersion=N&limit=5', ['w1', 'w2']],
  ] as const)('shows the snapshot asked for: %s', async ([, query, names]) => {
    const { server, client } = await openBench()
    const revision = createWidgets(server, ['w1', 'w2'])
    createWidgets(server, ['w3'])

    const { body } = await client.send(`${WIDGETS}?${query.replace('N', revision)}`)

    expect(namesIn(body)).toEqual(names)
    expect(continueOf(body)).toBe('')
  })

  it('refuses an exact revision that was compacted', async () => {
    const { server, client } = await openBench()
    const revision = createWidgets(server, ['w1'])
    server.faults.expireWatches()

    const { body } = await client.send(
      `${WIDGETS}?resourceVersion=${revision}&resourceVersionMatch=Exact`,
    )

    const message = 'The resourceVersion for the provided list is too old.'
    expect(body).toMatchObject({ code: 410, reason: 'Expired', message })
  })

  it.for([
    ['continue with a revision', 'continue=e30&resourceVersion=1', 400, /not allowed when using/],
    ['a made-up continue token', 'continue=garbage', 400, /^invalid continue token/],
    ['Exact without a revision', 'resourceVersionMatch=Exact', 422, /Forbidden/],
    ['Exact at 0', 'resourceVersion=0&resourceVersionMatch=Exact', 422, /Forbidden/],
    ['initial events', 'sendInitialEvents=true', 422, /forbidden for list/],
    ['a revision that is no number', 'resourceVersion=abc', 400, /abc/],
    ['an unsupported field', 'fieldSelector=spec.n=1', 400, /field label not supported: spec\.n/],
    ['a label selector cut short', 'labelSelector=a in (x', 400, /unable to parse/],
    ['a label selector of two words', 'labelSelector=a b', 400, /unable to parse/],
  ] as const)('refuses %s', async ([, query, status, message]) => {
    const { client } = await openBench()
    const answer = await client.send(`${WIDGETS}?${encodeURI(query)}`)

    const reason = status === 422 ? 'Invalid' : 'BadRequest'
    expect(answer.status).toBe(status)
    expect(answer.body).toMatchObject({ kind: 'Status', status: 'Failure', code: status, reason })
    expect(answer.body).toHaveProperty('message', expect.stringMatching(message))
  })

  it('times out on a revision from the future', async () => {
    const { client } = await openBench()
    const answer = await client.send(`${WIDGETS}?resourceVersion=999999999`)

    const details = { causes: [{ reason: 'ResourceVersionTooLarge' }], retryAfterSeconds: 1 }
    expect(answer.body).toMatchObject({ code: 504, reason: 'Timeout', details })
    expect(answer.headers['retry-after']).toBe('1')
  })

  it.for([
    ['a in (x,y)', ['x', 'y']],
    ['a notin (x)', ['none', 'y']],
    ['!a', ['none']],
    ['a', ['x', 'y']],
    ['a=', []],
    ['a=x', ['x']],
    ['a==x', ['x']],
    ['a!=x', ['none', 'y']],
    ['a,a!=x', ['y']],
    ['a in (x,y),ex.io/b=1', ['y']],
  ] as const)('understands the label selector %s', async ([selector, names]) => {
    const { server, client } = await openBench()
    server.create(aWidget({ name: 'none' }))
    server.create(aWidget({ name: 'x', labels: { a: 'x' } }))
    server.create(aWidget({ name: 'y', labels: { a: 'y', 'ex.io/b': '1' } }))

    const query = `labelSelector=${encodeURIComponent(selector)}`
    const { body } = await client.send(`${WIDGETS}?${query}`)

    expect(namesIn(body)).toEqual(names)
  })

  it.for([
    ['metadata.name=one', ['one']],
    ['metadata.name!=one', ['two']],
    ['metadata.namespace=elsewhere', ['two']],
    ['spec.nodeName=n1', ['one']],
    ['status.phase==Failed,spec.nodeName=n2', ['two']],
  ] as const)('understands the field selector %s', async ([selector, names]) => {
    const { server, client } = await openBench()
    server.create(aPod({ name: 'one', nodeName: 'n1' }))
    server.create(aPod({ name: 'two', namespace: 'elsewhere', nodeName: 'n2', phase: 'Failed' }))

    const { body } = await client.send(`/api/v1/pods?fieldSelector=${selector}`)

    expect(namesIn(body)).toEqual(names)
  })

  it.for([
    ['Table', 'Table', 'rows.0.object.metadata.name'],
    ['PartialObjectMetadataList', 'PartialObjectMetadataList', 'items.0.metadata.name'],
  ] as const)('is paged as %s too', async ([kind, as, name]) => {
    const { server, client } = await openBench()
    createWidgets(server, ['w1', 'w2'])
    const accept = `application/json;as=${as};g=meta.k8s.io;v=v1`

    const first = await client.send(`${WIDGETS}?limit=1`, { accept })
    const token = continueOf(first.body)
    const second = await client.send(`${WIDGETS}?limit=1&continue=${token}`, { accept })

    expect(first.body).toMatchObject({ kind, metadata: { remainingItemCount: 1 } })
    expect(second.body).toHaveProperty(name, 'w2')
  })
})

const listSchema = v.object({
  items: v.array(v.object({ metadata: v.object({ name: v.string() }) })),
})

const continueSchema = v.object({ metadata: v.object({ continue: v.string() }) })

function namesIn(list: unknown): string[] {
  return v.parse(listSchema, list).items.map(({ metadata }) => metadata.name)
}

function continueOf(list: unknown): string {
  return v.parse(continueSchema, list).metadata.continue
}
