/**
 * The API server double against kubernetes-api-observations.md, row by row, over TLS; then what it adds (slices, proxy,
 * faults) and the clients that were not written for it. ConfigMaps stand in for the observed widgets.
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { CoreV1Api, KubeConfig, Watch } from '@kubernetes/client-node'
import * as v from 'valibot'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import {
  type ApiServer,
  type ApiServerOptions,
  startApiServer,
} from '../sandbox/api-server/api-server.ts'
import { PlainClient } from '../sandbox/api-server/plain-client.ts'
import {
  aDeployment,
  aHandMadeSlice,
  aPod,
  aService,
  aWidget,
} from '../sandbox/api-server/sample-objects.ts'

const WIDGETS = '/api/v1/namespaces/default/configmaps'
const HAS_KUBECTL = existsSync('/usr/bin/kubectl')

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

describe('a write', () => {
  it('moves revision and generation only when something changed', async () => {
    const { server, client } = await openBench()
    const { metadata } = server.create(aDeployment({ replicas: 1 }))
    const path = '/apis/apps/v1/namespaces/default/deployments/d'
    const patch = (replicas: number) =>
      client.send(path, { method: 'PATCH', body: { spec: { replicas } }, type: MERGE })

    const same = await patch(1)
    const changed = await patch(2)

    const { uid, resourceVersion } = metadata
    expect(same.body).toMatchObject({ metadata: { uid, resourceVersion, generation: 1 } })
    expect(changed.body).toMatchObject({ metadata: { uid, generation: 2 } })
    expect(changed.body).not.toHaveProperty('metadata.resourceVersion', resourceVersion)
  })

  it('to /status changes nothing but the status', async () => {
    const { server, client } = await openBench()
    server.create(aDeployment({ replicas: 1 }))
    const body = { spec: { replicas: 9 }, status: { readyReplicas: 1 } }

    const answer = await client.send('/apis/apps/v1/namespaces/default/deployments/d/status', {
      method: 'PATCH',
      body,
      type: MERGE,
    })

    expect(answer.body).toMatchObject({
      metadata: { generation: 1 },
      spec: { replicas: 1 },
      status: { readyReplicas: 1 },
    })
  })

  it('keeps the status out of a client’s reach elsewhere', async () => {
    const { client } = await openBench()
    const pod = aPod({ name: 'p', phase: 'Running' })

    const created = await client.send('/api/v1/namespaces/default/pods', {
      method: 'POST',
      body: pod,
    })

    expect(created.status).toBe(201)
    expect(created.body).toMatchObject({ status: { phase: 'Pending' } })
  })

  it.for([
    [
      'a stale PUT',
      'PUT',
      `${WIDGETS}/w1`,
      { metadata: { resourceVersion: '1' } },
      409,
      'Conflict',
    ],
    ['a PUT of nothing known', 'PUT', `${WIDGETS}/none`, {}, 404, 'NotFound'],
    ['a second POST', 'POST', WIDGETS, { metadata: { name: 'w1' } }, 409, 'AlreadyExists'],
    ['a bad name', 'POST', WIDGETS, { metadata: { name: 'W_1' } }, 422, 'Invalid'],
    [
      'a boolean label',
      'POST',
      WIDGETS,
      { metadata: { name: 'w', labels: { a: true } } },
      400,
      'BadRequest',
    ],
    ['another kind', 'POST', WIDGETS, { kind: 'Pod', metadata: { name: 'w' } }, 400, 'BadRequest'],
    [
      'a missing namespace',
      'POST',
      '/api/v1/namespaces/none/pods',
      { metadata: { name: 'p' } },
      404,
      'NotFound',
    ],
    ['a DELETE of nothing known', 'DELETE', `${WIDGETS}/none`, undefined, 404, 'NotFound'],
    ['a POST without namespace', 'POST', '/api/v1/configmaps', {}, 405, 'MethodNotAllowed'],
  ] as const)('refuses %s', async ([, method, path, body, code, reason]) => {
    const { server, client } = await openBench()
    createWidgets(server, ['w1'])

    const answer = await client.send(path, { method, body })

    expect(answer.status).toBe(code)
    expect(answer.body).toMatchObject({ kind: 'Status', status: 'Failure', code, reason })
  })

  it('names the patch types it knows in a 415', async () => {
    const { server, client } = await openBench()
    createWidgets(server, ['w1'])

    const { status, body } = await client.send(`${WIDGETS}/w1`, { method: 'PATCH', body: {} })

    expect(status).toBe(415)
    for (const type of ['json-patch+json', 'merge-patch+json', 'apply-patch+yaml']) {
      expect(body).toHaveProperty('message', expect.stringContaining(type))
    }
  })

  it('answers a DELETE with a Status that has the uid', async () => {
    const { server, client } = await openBench()
    const { uid } = server.create(aWidget({ name: 'w1' })).metadata

    const { status, body } = await client.send(`${WIDGETS}/w1`, { method: 'DELETE' })

    const details = { name: 'w1', kind: 'configmaps', uid }
    expect(status).toBe(200)
    expect(body).toMatchObject({ kind: 'Status', status: 'Success', details })
  })

  it('refuses to update a Lease nobody read', async () => {
    const { server, client } = await openBench()
    const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'l' } }
    const path = '/apis/coordination.k8s.io/v1/namespaces/default/leases/l'
    const { resourceVersion } = server.create(lease).metadata

    const blind = await client.send(path, { method: 'PUT', body: { ...lease, spec: {} } })
    const read = { ...lease, metadata: { ...lease.metadata, resourceVersion }, spec: {} }
    const informed = await client.send(path, { method: 'PUT', body: read })

    expect([blind.status, informed.status]).toEqual([422, 200])
  })

  it('lists the known paths on an unknown root path', async () => {
    const { client } = await openBench()
    const { status, body } = await client.send('/nowhere')

    expect(status).toBe(404)
    expect(body).toHaveProperty('paths', expect.arrayContaining(['/api/v1', '/version']))
  })
})

describe('EndpointSlices', () => {
  it('list a Service’s pods with labels and resolved ports', async () => {
    const { server } = await openBench()
    server.create(aService({ labels: { hasHealthcheck: 'true' }, targetPort: 'web' }))
    const labels = { app: 's' }
    const pod = server.create(
      aPod({ name: 'a', labels, podIP: '10.0.0.1', nodeName: 'n1', ports: { web: 8080 } }),
    )
    server.create(
      aPod({ name: 'b', labels, podIP: '10.0.0.2', isReady: false, ports: { web: 9090 } }),
    )
    server.create(aPod({ name: 'done', labels, podIP: '10.0.0.3', phase: 'Succeeded' }))
    server.create(aPod({ name: 'pending', labels, podIP: '' }))
    server.create(aPod({ name: 'other', podIP: '10.0.0.4' }))

    const slices = server.list('EndpointSlice')

    const conditions = { ready: true, serving: true, terminating: false }
    const targetRef = { kind: 'Pod', namespace: 'default', name: 'a', uid: pod.metadata.uid }
    expect(slices).toHaveLength(2)
    expect(slices[0]).toMatchObject({
      addressType: 'IPv4',
      metadata: { labels: { hasHealthcheck: 'true', 'kubernetes.io/service-name': 's' } },
      ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
      endpoints: [{ addresses: ['10.0.0.1'], conditions, targetRef, nodeName: 'n1' }],
    })
    expect(slices[1]).toMatchObject({
      ports: [{ port: 9090 }],
      endpoints: [{ conditions: { ready: false, serving: false } }],
    })
  })

  it('follow a pod through termination and deletion', async () => {
    const { server } = await openBench()
    server.create(aService({}))
    server.create(aPod({ name: 'a', labels: { app: 's' }, podIP: '10.0.0.1' }))

    const deletionTimestamp = '2026-11-21T00:00:00Z'
    server.patch({ kind: 'Pod', name: 'a' }, { metadata: { deletionTimestamp } })
    const terminating = server.list('EndpointSlice')
    server.remove({ kind: 'Pod', name: 'a' })
    const empty = server.list('EndpointSlice')

    const conditions = { ready: false, serving: true, terminating: true }
    expect(terminating).toMatchObject([{ endpoints: [{ conditions }] }])
    expect(empty).toMatchObject([{ endpoints: null, ports: null }])
  })

  it('follow the Service’s ports, labels and selector', async () => {
    const { server } = await openBench()
    server.create(aService({ targetPort: 8080 }))
    server.create(aPod({ name: 'a', labels: { app: 's' }, podIP: '10.0.0.1' }))

    server.apply(aService({ targetPort: 9090, labels: { team: 'x' } }))
    const moved = server.list('EndpointSlice')
    server.apply(aService({ selector: { app: 'nobody' } }))
    const empty = server.list('EndpointSlice')

    const endpoints = [{ addresses: ['10.0.0.1'] }]
    expect(moved).toMatchObject([
      { ports: [{ port: 9090 }], endpoints, metadata: { labels: { team: 'x' } } },
    ])
    expect(empty).toMatchObject([{ endpoints: null }])
  })

  it('hold at most a hundred endpoints each', async () => {
    const { server } = await openBench()
    server.create(aService({}))
    for (let n = 1; n <= 101; n++) {
      server.create(aPod({ name: `p${n}`, labels: { app: 's' }, podIP: `10.0.0.${n}` }))
    }

    const sizes = server.list('EndpointSlice').map(({ endpoints }) => endpoints)

    expect(sizes).toMatchObject([{ length: 100 }, { length: 1 }])
  })

  it('come in both families where the Service wants both', async () => {
    const { server } = await openBench()
    server.create(aService({ ipFamilies: ['IPv6', 'IPv4'] }))
    const podIPs = [{ ip: '10.0.0.1' }, { ip: 'fd00::1' }]
    server.create(aPod({ name: 'a', labels: { app: 's' }, podIP: '10.0.0.1', podIPs }))

    const slices = server.list('EndpointSlice')

    const found = slices.map(({ addressType, endpoints }) => ({ addressType, endpoints }))
    expect(found).toContainEqual({ addressType: 'IPv4', endpoints: [endpointAt('10.0.0.1')] })
    expect(found).toContainEqual({ addressType: 'IPv6', endpoints: [endpointAt('fd00::1')] })
  })

  it('go with the Service, but never those made by hand', async () => {
    const { server } = await openBench()
    server.create(aService({}))
    server.create(aService({ name: 'selectorless', selector: {} }))
    server.create(aHandMadeSlice('selectorless'))

    server.remove({ kind: 'Service', name: 's' })

    expect(server.list('EndpointSlice').map(({ metadata }) => metadata.name)).toEqual(['by-hand'])
  })

  it('of 500 Services and 2,000 pods are kept in seconds', async () => {
    const { server } = await openBench()
    const startMs = performance.now()

    for (let n = 0; n < 500; n++) {
      server.create(aService({ name: `s${n}`, selector: { app: `s${n}` } }))
    }
    for (let n = 0; n < 2_000; n++) {
      const labels = { app: `s${n % 500}` }
      server.create(aPod({ name: `p${n}`, labels, podIP: `10.1.${n >> 8}.${n & 255}` }))
    }

    expect(server.list('EndpointSlice')).toHaveLength(500)
    expect(performance.now() - startMs).toBeLessThan(10_000)
  })
})

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

interface Bench {
  server: ApiServer
  client: PlainClient
}

/** A server of its own for each case, gone when the case is over. */
async function openBench(options: ApiServerOptions = {}): Promise<Bench> {
  const server = await startApiServer({ tooLargeWaitMs: 20, ...options })
  const client = new PlainClient(server)
  onTestFinished(async () => {
    client.close()
    await server.stop()
  })
  return { server, client }
}

const MERGE = 'application/merge-patch+json'

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

/** The revision after the last of them. */
function createWidgets(
  server: ApiServer,
  names: string[],
  labels: Record<string, string> = {},
): string {
  const created = names.map((name) => server.create(aWidget({ name, labels })))
  return created.at(-1)?.metadata.resourceVersion ?? ''
}

function changeWidget(server: ApiServer, change: Record<string, unknown>): string {
  return server.patch({ kind: 'ConfigMap', name: 'w1' }, change).metadata.resourceVersion ?? ''
}

function endpointAt(address: string): unknown {
  return expect.objectContaining({ addresses: [address] })
}

function clusterOf(server: ApiServer): KubeConfig {
  const config = new KubeConfig()
  config.loadFromString(server.kubeconfig())
  return config
}

/** What a promise has come to by now, without waiting for it. */
function orPending(promise: Promise<unknown>): Promise<unknown> {
  return Promise.race([promise, Promise.resolve('pending')])
}

function listen(server: ReturnType<typeof createServer>): Promise<string> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve(String(typeof address === 'object' ? address?.port : address))
    })
  })
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
