/** What is told of another operator: replicas to a word, and a line that says what is known and what isn't. */
import { describe, expect, it } from 'vitest'
import type { NodeOperator } from '../../../../node-exporter/discovery/node-operator-objects.ts'
import type { OperatorSeen } from '../../../../node-exporter/discovery/node-operator.ts'
import type { ProbeAnswers } from '../../../../node-exporter/probing/operator-prober.ts'
import { HealthManager } from '../../../../node-exporter/self/health-manager.ts'
import { judgeNodeOperator } from '../../../../node-exporter/self/node-operator.ts'
import { aLog } from '../../../support/exporter/a-log.ts'
import { aNodeOperator, anOperatorSeen } from '../../../support/exporter/a-node-operator.ts'

const ANSWERS: ProbeAnswers = { liveness: 'ok', readiness: 'unknown' }
const PROBES = 'liveness ok, readiness unknown'
const SINCE = 'v1.4.2 since 2026-11-01T08:00:00Z'

function judge(seen: Partial<OperatorSeen>) {
  return judgeNodeOperator(anOperatorSeen(seen), ANSWERS)
}

describe('the replicas of an operator', () => {
  it.each<[string, Partial<NodeOperator>, string, string]>([
    ['all ready', {}, 'healthy', 'controller: 3/3 ready'],
    ['more than all, as in a rollout', { ready: 4 }, 'healthy', 'controller: 4/3 ready'],
    ['all but one', { ready: 2 }, 'degraded', 'controller: 2/3 ready'],
    ['one', { ready: 1 }, 'degraded', 'controller: 1/3 ready'],
    ['none', { ready: 0 }, 'unhealthy', 'controller unhealthy: 0/3 ready'],
    ['none of none', { desired: 0, ready: 0 }, 'healthy', 'controller: 0/0 ready'],
  ])('make it a word: %s', (_, counts, status, standing) => {
    const said = judge({ operator: aNodeOperator(counts) })

    expect(said).toMatchObject({
      status,
      message: `${standing}, ${SINCE}; ${PROBES}`,
      metadata: { status },
    })
  })

  it('stop at degraded in the report, where none is ready, and no exporter is restarted', () => {
    const health = new HealthManager(aLog().log)
    const operator = aNodeOperator({ ready: 0 })

    health.register('node_operator', () => judge({ operator }))

    expect(health.get('node_operator')).toMatchObject({
      status: 'degraded',
      metadata: { status: 'unhealthy' },
    })
    expect(health.liveness()).toEqual({ ok: true, why: null })
  })
})

describe('the metadata of an operator', () => {
  it('has everything that is known, in words', () => {
    const { metadata } = judge({ operator: aNodeOperator({ ready: 2, available: 1 }) })

    expect(metadata).toEqual({
      namespace: 'infra',
      name: 'controller',
      status: 'degraded',
      desired: '3',
      ready: '2',
      available: '1',
      version: 'v1.4.2',
      commit: 'b414fdb',
      since: '2026-11-01T08:00:00Z',
      liveness: 'ok',
      readiness: 'unknown',
    })
  })

  it('says unknown where nothing is said', () => {
    const operator = aNodeOperator({ version: null, commit: null, since: null })

    const { message, metadata } = judge({ operator })

    expect(metadata).toMatchObject({ version: 'unknown', commit: 'unknown', since: 'unknown' })
    expect(message).toBe(`controller: 3/3 ready, version unknown; ${PROBES}`)
  })

  it('has no uptime while it is not available, and the message says since when', () => {
    const { message, metadata } = judge({ operator: aNodeOperator({ isAvailable: false }) })

    expect(metadata).toMatchObject({ since: 'unknown' })
    expect(message).toContain('v1.4.2 not available since 2026-11-01T08:00:00Z')
  })
})

describe('an operator', () => {
  it.each<[string, Partial<OperatorSeen>, string, string]>([
    ['that nothing matches', {}, 'degraded', 'no Deployment matches app=node-operator'],
    ['that was not looked for yet', { isWhole: false }, 'unspecified', 'not listed yet'],
    ['that may not be looked for', { isWhole: false, failing: ['403'] }, 'degraded', '403'],
    ['that was not there, with the API away', { failing: ['no answer'] }, 'degraded', 'no answer'],
  ])('is told of without metadata: %s', (_, seen, status, message) => {
    expect(judge({ operator: null, ...seen })).toEqual({ status, message })
  })

  it.each<[string, Partial<OperatorSeen>, string]>([
    [
      'the others that match',
      { others: ['infra/second', 'shop/first'] },
      '; warning: 3 Deployments match app=node-operator, also infra/second, shop/first',
    ],
    ['an API server that is away', { failing: ['HTTP 500'] }, '; last known, for HTTP 500'],
    ['pods that may not be listed', { podsFailing: 'HTTP 403' }, ' (HTTP 403)'],
    [
      'a controller that has yet to look',
      { operator: aNodeOperator({ isObserved: false }) },
      '; its controller has yet to see its last change',
    ],
  ])('stays what it is, with a remark on %s', (_, seen, remark) => {
    expect(judge(seen)).toMatchObject({
      status: 'healthy',
      message: `controller: 3/3 ready, ${SINCE}; ${PROBES}${remark}`,
    })
  })
})
