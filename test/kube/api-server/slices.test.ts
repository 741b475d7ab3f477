/** EndpointSlices, which the API server double keeps as the controller of a real cluster would. */
import { describe, expect, it } from 'vitest'
import { aHandMadeSlice, aPod, aService } from '../../sandbox/api-server/sample-objects.ts'
import { openBench } from './a-server.ts'

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

function endpointAt(address: string): unknown {
  return expect.objectContaining({ addresses: [address] })
}
