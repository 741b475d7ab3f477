/** Namespaces that are being deleted: read by name, and only when a service has just lost its last pod. */
import { describe, expect, it, vi, onTestFinished } from 'vitest'
import { KubeError } from '../../../../node-exporter/discovery/kube-api.ts'
import { Namespaces } from '../../../../node-exporter/discovery/namespaces.ts'
import { aKnownService, aKnownTarget } from '../../../support/exporter/a-discovered.ts'

const ACTIVE = { metadata: {}, status: { phase: 'Active' } }
const TERMINATING = {
  metadata: { deletionTimestamp: '2026-11-30T10:00:00Z' },
  status: { phase: 'Terminating' },
}
const FORBIDDEN = new KubeError('HTTP 403: no', 403)

function aWatch(answer: (namespace: string) => unknown = () => ACTIVE) {
  const read: string[] = []
  const api = {
    send: ({ path }: { path: string }) => {
      const namespace = path.replace('/api/v1/namespaces/', '')
      read.push(namespace)
      const said = answer(namespace)
      return said instanceof Error ? Promise.reject(said) : Promise.resolve(said)
    },
  }
  const namespaces = new Namespaces(api)
  const { signal } = new AbortController()
  const follow = (...services: ReturnType<typeof aKnownService>[]) =>
    namespaces.follow(services, signal)
  return { namespaces, read, follow }
}

function empty(name = 'web', given: Partial<ReturnType<typeof aKnownService>> = {}) {
  return aKnownService({ name, namespace: 'shop', targets: [], ...given })
}

describe('a namespace', () => {
  const leaving = [aKnownTarget({ terminating: true })]

  it.each([
    ['a service without pods', empty(), ['shop']],
    ['only pods that terminate', empty('web', { targets: leaving }), ['shop']],
    ['an unknown number of desired pods', empty('web', { desired: null }), ['shop']],
    ['a daemon without nodes', empty('web', { desired: 0, isDaemon: true }), ['shop']],
    ['a service scaled to zero', empty('web', { desired: 0 }), []],
    ['a service with pods', empty('web', { targets: [aKnownTarget()] }), []],
  ])('is read where its pods may have gone first: %s', async (_, service, expected) => {
    const { read, follow } = aWatch()

    await follow(service)

    expect(read).toEqual(expected)
  })

  it('is read once for the same emptied services, and again for a further one', async () => {
    const { read, follow } = aWatch()
    await follow(empty('web'))
    await follow(empty('web'))
    await follow(empty('web'), empty('api'))

    expect(read).toEqual(['shop', 'shop'])
  })

  it('is read again when a service is emptied a second time', async () => {
    const { read, follow } = aWatch()
    await follow(empty())
    await follow(empty('web', { targets: [aKnownTarget()] }))
    await follow(empty())

    expect(read).toEqual(['shop', 'shop'])
  })

  it.each([
    ['its phase says so', TERMINATING, true],
    ['it is gone already', new KubeError('HTTP 404: no', 404), true],
    ['it is active', ACTIVE, false],
    ['it may not be read', FORBIDDEN, false],
  ])('is being deleted or not: %s', async (_, answer, expected) => {
    const { namespaces, follow } = aWatch(() => answer)

    await follow(empty())

    expect(namespaces.isTerminating('shop')).toBe(expected)
  })

  it('is told of while it is being deleted, until its services are gone', async () => {
    const { namespaces, follow } = aWatch(() => TERMINATING)
    await follow(empty())
    const during = namespaces.warnings()

    await follow(aKnownService())

    expect(during).toEqual([
      { subject: 'Namespace shop', message: 'is being deleted: its services are left out' },
    ])
    expect(namespaces.warnings()).toEqual([])
  })

  it.each([
    ['has pods again', aKnownService({ namespace: 'shop' })],
    ['has none yet', empty()],
  ])('that was made anew under its name is found out when it %s', async (_, service) => {
    vi.useFakeTimers({ toFake: ['performance'] })
    onTestFinished(() => {
      vi.useRealTimers()
    })
    let answer: unknown = TERMINATING
    const { namespaces, follow } = aWatch(() => answer)
    await follow(empty())
    const during = [namespaces.isTerminating('shop'), namespaces.mustReadAgain]

    answer = ACTIVE
    vi.advanceTimersByTime(10_000)
    await follow(service)

    expect(during).toEqual([true, true])
    expect([namespaces.isTerminating('shop'), namespaces.mustReadAgain]).toEqual([false, false])
  })

  it('that may not be read is told of, and tried again only after a while', async () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    onTestFinished(() => {
      vi.useRealTimers()
    })
    const { namespaces, read, follow } = aWatch(() => FORBIDDEN)
    await follow(empty())
    await follow(empty(), empty('api'))
    const soon = read.length
    vi.advanceTimersByTime(10_000)
    await follow(empty(), empty('api'))

    expect([soon, read.length]).toEqual([1, 2])
    expect(namespaces.warnings()[0]?.message).toContain('HTTP 403: no')
  })
})

describe('many namespaces at once', () => {
  const emptied = (count: number, given = {}) =>
    Array.from({ length: count }, (_, i) => empty('web', { namespace: `n-${i}`, ...given }))

  it('are read 16 at a time', async () => {
    let [open, most] = [0, 0]
    const api = {
      send: async () => {
        open += 1
        most = Math.max(most, open)
        await Promise.resolve()
        open -= 1
        return ACTIVE
      },
    }
    const namespaces = new Namespaces(api)

    await namespaces.follow(emptied(100), new AbortController().signal)

    expect(most).toBe(16)
  })

  it('are read in turns beyond a thousand, those never read first', async () => {
    const { namespaces, read, follow } = aWatch()
    await follow(...emptied(1500))
    const first = read.length
    await follow(...emptied(1500), empty('other', { namespace: 'n-0' }))

    expect(first).toBeGreaterThanOrEqual(1000)
    expect(first).toBeLessThan(1500)
    expect(read.slice(first)).not.toContain('n-0')
    expect(namespaces.warnings().at(-1)?.message).toMatch(/too many namespaces lost pods at once/)
    expect(namespaces.mustReadAgain).toBe(true)
  })
})
