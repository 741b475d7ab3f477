/** What turns the digest of a content and what leaves it: exactly what verdicts read, and nothing else. */
import { describe, expect, it } from 'vitest'
import { digestContent } from '../../../../worker/contract/digest.ts'
import type { Content, PodCheck, Service, Target } from '../../../../worker/contract/report.ts'
import {
  aCategory,
  aContent,
  aFailingTarget,
  aNode,
  aService,
  aTarget,
} from '../../../support/a-report.ts'

const NODE = aNode({ checks: [{ name: 'kubelet', passed: true, reason: 'ok' }] })

/** One of everything, so that each part can be changed alone. */
const BASE = aContent({
  categories: [aCategory({ name: 'read', services: ['web', 'api'] }), aCategory({ name: 'all' })],
  services: [
    aService({ name: 'web', targets: [aTarget({ id: 'web-1' }), aFailingTarget()] }),
    aService({ name: 'api' }),
  ],
  nodes: [NODE, aNode({ name: 'node-2', schedulable: false })],
  acks: [{ service: 'web', message: 'known' }],
})

function withService(service: Partial<Service>): Content {
  return { ...BASE, services: [aService({ ...BASE.services?.[0], ...service }), aService()] }
}

function withTarget(target: Partial<Target>): Content {
  return withService({ targets: [aTarget(target)] })
}

function withCheck(check: Partial<PodCheck>): Content {
  return withService({ targets: [aFailingTarget(check)] })
}

function withCategory(category: Parameters<typeof aCategory>[0]): Content {
  return { ...BASE, categories: [aCategory(category)] }
}

function withNode(node: Parameters<typeof aNode>[0]): Content {
  return { ...BASE, nodes: [{ ...NODE, ...node }] }
}

async function areEqual(one: Content, other: Content): Promise<boolean> {
  return (await digestContent(one)) === (await digestContent(other))
}

describe('the digest changes with', () => {
  const passing = { id: 'database', name: 'database', ok: true }
  const table: [string, Content, Content][] = [
    ['the environment', BASE, { ...BASE, environment: 'other' }],
    ['a category that is incomplete', BASE, { ...BASE, incomplete: ['read'] }],
    ['a service more', BASE, { ...BASE, services: [...(BASE.services ?? []), aService()] }],
    ['a service less', BASE, { ...BASE, services: (BASE.services ?? []).slice(1) }],
    ['the name of a service', withService({ name: 'web' }), withService({ name: 'web2' })],
    ['resilience', withService({}), withService({ isResilient: false })],
    ['being a daemon', withService({}), withService({ isDaemon: true })],
    ['desired replicas', withService({ desired: 1 }), withService({ desired: 2 })],
    ['a service probed at last', withService({ targets: null }), withService({ targets: [] })],
    ['a service that is overdue', withService({}), withService({ overdueSince: 1 })],
    [
      'since when it is overdue',
      withService({ overdueSince: 1 }),
      withService({ overdueSince: 2 }),
    ],
    ['a pod that turns bad', withTarget({ ok: true }), withTarget({ ok: false })],
    ['a pod that stops to answer', withTarget({}), withTarget({ answered: false })],
    ['a pod more', withTarget({}), withService({ targets: [aTarget(), aTarget({ id: 'web-9' })] })],
    ['a check that fails', withTarget({ checks: [passing] }), withCheck({})],
    ['which check fails', withCheck({ id: 'database' }), withCheck({ id: 'queue' })],
    ['the severity of a failing check', withCheck({ severity: 2 }), withCheck({ severity: 1 })],
    ['the name of a category', withCategory({ name: 'a' }), withCategory({ name: 'b' })],
    ['a service of a category', withCategory({}), withCategory({ services: ['web', 'new'] })],
    ['stickiness', withCategory({}), withCategory({ isSticky: true })],
    ['a threshold', withCategory({}), withCategory({ failureThreshold: 4 })],
    ['a rule for missing ones', withCategory({}), withCategory({ onMissing: 'fail' })],
    ['disabling', withCategory({ enabled: true }), withCategory({ enabled: false })],
    ['enabled said or not said', withCategory({}), withCategory({ enabled: true })],
    ['which node it is about', withNode({}), withNode({ name: 'node-9' })],
    ['a cordon', withNode({}), withNode({ schedulable: false })],
    ['readiness of a node', withNode({}), withNode({ ready: false })],
    ['readiness of a node unknown', withNode({ ready: false }), withNode({ ready: null })],
    ['a node that stops to answer', withNode({}), withNode({ answered: false })],
    [
      'a node check that fails',
      withNode({}),
      withNode({ checks: [{ name: 'kubelet', passed: false }] }),
    ],
    ['the text of an ack', BASE, { ...BASE, acks: [{ service: 'web', message: 'still' }] }],
    ['the service of an ack', BASE, { ...BASE, acks: [{ service: 'api', message: 'known' }] }],
    ['an ack that went', BASE, { ...BASE, acks: [] }],
  ]

  it.each(table)('what verdicts read: %s', async (_what, before, after) => {
    expect(await areEqual(before, after)).toBe(false)
  })

  it.each(['categories', 'services', 'nodes', 'acks'])(
    'a section that could not be read, for null is not empty: %s',
    async (section) => {
      const unread = { ...BASE, [section]: null }
      const empty = { ...BASE, [section]: [] }

      expect(await areEqual(unread, empty)).toBe(false)
      expect(await areEqual(unread, BASE)).toBe(false)
    },
  )

  it('a workload that was not listed, for absent is not none', async () => {
    const { desired: _, ...notListed } = aService()
    const digests = [notListed, aService({ desired: null }), aService({ desired: 0 })].map(
      (service) => digestContent({ ...BASE, services: [service] }),
    )

    expect(new Set(await Promise.all(digests)).size).toBe(3)
  })
})

describe('the digest stays with', () => {
  const texts = {
    name: 'The database',
    businessImpact: 'none',
    technicalSummary: 'the disk is full',
    panicGuide: 'call',
    checkOutput: '7 of 9',
    lastUpdated: '2026-01-01T00:00:00Z',
  }
  const passing = { id: 'database', name: 'database', ok: true }
  const table: [string, Content, Content][] = [
    ['a warning', BASE, { ...BASE, warnings: [{ subject: 'web', message: 'no app port' }] }],
    ['the time of a probe', withTarget({}), withTarget({ checkedAt: 1 })],
    ['the name of a pod', withTarget({ id: 'web-1' }), withTarget({ id: 'web-7' })],
    ['the node of a pod', withTarget({ node: 'node-1' }), withTarget({ node: 'node-2' })],
    ['readiness of a pod', withTarget({ ready: true }), withTarget({ ready: false })],
    ['the reason of a pod', withTarget({ reason: 'refused' }), withTarget({ reason: 'reset' })],
    ['the texts of a failing check', withCheck({}), withCheck(texts)],
    ['a check that passes', withTarget({}), withTarget({ checks: [passing] })],
    ['texts of a service', withService({}), withService({ businessImpact: 'x', panicGuide: 'y' })],
    ['how often a category is asked', withCategory({}), withCategory({ refreshSeconds: 60 })],
    [
      'the texts of a node check',
      withNode({}),
      withNode({ checks: [{ name: 'kubelet', passed: true, reason: 'slow', warning: 'swap' }] }),
    ],
    [
      'the order of everything',
      BASE,
      {
        ...BASE,
        categories: [aCategory({ name: 'all' }), aCategory({ services: ['api', 'web'] })],
        services: (BASE.services ?? [])
          .toReversed()
          .map((service) => ({ ...service, targets: service.targets?.toReversed() ?? null })),
        nodes: (BASE.nodes ?? []).toReversed(),
      },
    ],
  ]

  it.each(table)('what no verdict reads: %s', async (_what, before, after) => {
    expect(await areEqual(before, after)).toBe(true)
  })
})

describe('a digest', () => {
  it('is 22 characters that need no escape anywhere', async () => {
    const environments = Array.from({ length: 50 }, (_, i) => `environment ${i}`)

    const digests = await Promise.all(
      environments.map((environment) => digestContent({ ...BASE, environment })),
    )

    expect(digests.filter((digest) => !/^[\w-]{22}$/.test(digest))).toEqual([])
    expect(new Set(digests).size).toBe(50)
  })

  it('tells two pods in trouble from one', async () => {
    const one = withService({ targets: [aFailingTarget()] })
    const two = withService({ targets: [aFailingTarget(), aFailingTarget({}, { id: 'web-4' })] })

    expect(await areEqual(one, two)).toBe(false)
  })
})
