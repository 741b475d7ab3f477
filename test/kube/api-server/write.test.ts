/** Writes to the API server double against kubernetes-api-observations.md: revisions, the status apart, refusals. */
import { describe, expect, it } from 'vitest'
import { aDeployment, aPod, aWidget } from '../../sandbox/api-server/sample-objects.ts'
import { createWidgets, openBench, WIDGETS } from './a-server.ts'

const MERGE = 'application/merge-patch+json'

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

  it.each([
    ['POST', WIDGETS, { metadata: { name: 'w2' } }, 201],
    ['PATCH', `${WIDGETS}/w1`, { data: { a: 'b' } }, 200],
    ['PUT', `${WIDGETS}/w1`, { data: { a: 'b' } }, 200],
    ['DELETE', `${WIDGETS}/w1`, undefined, 200],
    ['POST', WIDGETS, { metadata: { name: 'w1' } }, 409],
  ] as const)('answers a dry %s as if it were done, and stores nothing', async (...row) => {
    const [method, path, body, status] = row
    const { server, client } = await openBench()
    const revision = createWidgets(server, ['w1'])

    const answer = await client.send(`${path}?dryRun=All`, {
      method,
      body,
      type: method === 'PATCH' ? MERGE : 'application/json',
    })

    const list = await client.send(WIDGETS)
    expect(answer.status).toBe(status)
    expect(server.list('ConfigMap')).toMatchObject([{ metadata: { resourceVersion: revision } }])
    expect(list.body).toMatchObject({ metadata: { resourceVersion: revision } })
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

  it.for([
    ['whole', { renewTime: '2026-01-01T00:00:00.123000Z', leaseDurationSeconds: 1 }, 201],
    ['with three digits of a second', { renewTime: '2026-01-01T00:00:00.123Z' }, 400],
    ['without a duration', { leaseDurationSeconds: 0 }, 422],
    ['with half a second', { leaseDurationSeconds: 0.5 }, 400],
    ['with a count below 0', { leaseTransitions: -1 }, 422],
    ['with the count 0, held by nobody', { leaseTransitions: 0, holderIdentity: '' }, 201],
  ] as const)('judges a Lease %s', async ([, spec, code]) => {
    const { client } = await openBench()

    const { status } = await client.send('/apis/coordination.k8s.io/v1/namespaces/default/leases', {
      method: 'POST',
      body: { metadata: { name: 'l' }, spec },
    })

    expect(status).toBe(code)
  })

  it('lists the known paths on an unknown root path', async () => {
    const { client } = await openBench()
    const { status, body } = await client.send('/nowhere')

    expect(status).toBe(404)
    expect(body).toHaveProperty('paths', expect.arrayContaining(['/api/v1', '/version']))
  })
})
