/** Health and severity of one service, from what its probes saw (behaviour, section 1). */
import { describe, expect, it } from 'vitest'
import type { Service, Target } from '../../../../worker/contract/report.ts'
import { isStarting, judgeService, worst } from '../../../../worker/domain/service-health.ts'
import { SERVED, type ServicePast } from '../../../../worker/domain/service-memory.ts'
import {
  aFailingTarget,
  aService,
  aTarget,
  anUnreachableTarget,
} from '../../../support/a-report.ts'

const GOOD = aTarget()
const FAILING = aFailingTarget()

/** Fails by its own word, without a check that says why. */
const FAILING_BY_WORD = aTarget({ id: 'web-4', ok: false, reason: 'status: DOWN' })

const STARTING = anUnreachableTarget({ id: 'web-6', ready: false, starting: true })
const LEAVING = aTarget({ id: 'web-7', ready: false, terminating: true })
const LEAVING_AND_FAILING = anUnreachableTarget({ id: 'web-7', ready: false, terminating: true })
const NEW: ServicePast = { hasServed: false, isOwnedElsewhere: false, isOverdue: false }

function aDaemon(given: Partial<Service>): Service {
  return aService({ isDaemon: true, ...given })
}

describe('a service is ok', () => {
  const table: [string, Service, boolean][] = [
    ['its one target is ok', aService({ targets: [GOOD] }), true],
    ['its one target fails', aService({ targets: [FAILING] }), false],
    ['one of two targets fails', aService({ targets: [GOOD, FAILING] }), false],
    ['one of two is out of reach', aService({ targets: [GOOD, anUnreachableTarget()] }), false],
    ['not ready, but ok', aService({ targets: [aTarget({ ready: false })] }), true],
    ['zero desired, no target', aService({ desired: 0, targets: [] }), true],
    ['one desired, no target', aService({ desired: 1, targets: [] }), false],
    ['unknown desired, no target', aService({ desired: null, targets: [] }), false],
    ['zero desired, one target left that is ok', aService({ desired: 0, targets: [GOOD] }), true],
    ['zero desired, one left that fails', aService({ desired: 0, targets: [FAILING] }), false],
    ['fewer targets than desired: a rollout', aService({ desired: 3, targets: [GOOD] }), true],
    ['more targets than desired', aService({ desired: 1, targets: [GOOD, GOOD] }), true],
    ['a daemon with a target', aDaemon({ targets: [GOOD] }), true],
    ['a daemon without any', aDaemon({ desired: null, targets: [] }), false],
    ['a daemon without any, zero desired', aDaemon({ desired: 0, targets: [] }), false],
  ]

  it.each(table)('when each target is and there is one: %s', (_what, service, expected) => {
    expect(judgeService(service)?.ok).toBe(expected)
  })
})

describe('a rollout', () => {
  /** `null`: the service doesn't count. */
  const table: [string, Partial<Service>, ServicePast, boolean | null][] = [
    ['a new pod starts beside one that serves', { targets: [GOOD, STARTING] }, SERVED, true],
    ['a pod starts while another fails', { targets: [GOOD, FAILING, STARTING] }, SERVED, false],
    ['all pods start, and it has served', { targets: [STARTING, STARTING] }, SERVED, false],
    ['all pods start, and it is new', { targets: [STARTING, STARTING] }, NEW, null],
    ['it is new, one pod starts, one fails', { targets: [STARTING, FAILING] }, NEW, false],
    ['it is new, one pod is ok already', { targets: [STARTING, GOOD] }, NEW, true],
    ['it is new and has no pods yet', { targets: [], starting: true }, NEW, null],
    ['it is new and has had no pods for long', { targets: [] }, NEW, false],
    ['it has served and has no pods', { targets: [], starting: true }, SERVED, false],
    [
      'it is a new daemon without nodes',
      { ...aDaemon({ desired: 0 }), targets: [], starting: true },
      NEW,
      null,
    ],
    ['the only pod is terminating and serves', { targets: [LEAVING] }, SERVED, true],
    ['the only pod is terminating and fails', { targets: [LEAVING_AND_FAILING] }, SERVED, false],
    [
      'one leaves and fails, one leaves and serves',
      both(LEAVING_AND_FAILING, LEAVING),
      SERVED,
      true,
    ],
    ['one leaves and serves, one starts', both(LEAVING, STARTING), SERVED, true],
    ['one leaves and fails, one starts', both(LEAVING_AND_FAILING, STARTING), SERVED, false],
    ['scaled to zero, a failing pod leaves', atZero(LEAVING_AND_FAILING), SERVED, true],
    ['scaled to zero, a serving pod leaves', atZero(LEAVING), SERVED, true],
    ['scaled to zero, one that stays fails', atZero(FAILING), SERVED, false],
  ]

  function both(...targets: Target[]): Partial<Service> {
    return { targets }
  }
  function atZero(...targets: Target[]): Partial<Service> {
    return { desired: 0, targets }
  }

  it.each(table)('is no outage while one target serves: %s', (_what, given, past, expected) => {
    const service = aService(given)

    expect(judgeService(service, past)?.ok ?? null).toBe(expected)
    expect(isStarting(service, past)).toBe(expected === null)
  })

  it('shows starting targets among all', () => {
    const health = judgeService(aService({ desired: 3, targets: [GOOD, GOOD, STARTING] }))

    expect(health).toEqual({ ok: true, severity: null, healthy: 2, total: 3, desired: 3 })
  })

  it('shows no terminating target at zero desired', () => {
    const health = judgeService(aService({ desired: 0, targets: [LEAVING] }))

    expect(health).toMatchObject({ healthy: 0, total: 0 })
  })
})

describe('a workload at zero that does not own the pods', () => {
  const owned = { hasServed: true, isOwnedElsewhere: true, isOverdue: false }

  it.each([
    ['all pods are gone', [], false],
    ['a pod serves', [GOOD], true],
    ['the only pod starts', [STARTING], false],
  ] as const)('decides nothing: %s', (_what, targets, expected) => {
    const health = judgeService(aService({ desired: 0, targets: [...targets] }), owned)

    expect(health).toMatchObject({ ok: expected, desired: null })
  })
})

describe('the severity of a failing service', () => {
  function failingWith(...severities: (1 | 2 | 3)[]): Target {
    const checks = severities.map((severity) => {
      return { id: `check-${severity}`, name: 'check', ok: false, severity }
    })
    return aTarget({ id: 'web-5', ok: false, checks })
  }
  const goodCheckOfSeverity1 = { id: 'disk', name: 'disk', ok: true, severity: 1 as const }

  const table: [string, boolean, Target[], 1 | 2 | 3 | null][] = [
    ['resilient, all well', true, [GOOD], null],
    ['resilient, one pod healthy', true, [GOOD, failingWith(1)], 2],
    ['resilient, one pod healthy, a mild check', true, [GOOD, failingWith(3)], 2],
    ['resilient, none healthy, severity 1', true, [failingWith(1), failingWith(3)], 1],
    ['resilient, none healthy, severity 3', true, [failingWith(3), failingWith(3)], 3],
    ['not resilient, one pod healthy, severity 1', false, [GOOD, failingWith(1)], 1],
    ['not resilient, one pod healthy, severity 3', false, [GOOD, failingWith(3)], 3],
    ['the worst of several checks', false, [failingWith(3, 1, 2)], 1],
    ['the worst of several pods', false, [failingWith(3), failingWith(2)], 2],
    ['a check that names none counts as 2', false, [aFailingTarget()], 2],
    ['a check that names none, beside a 3', false, [aFailingTarget(), failingWith(3)], 2],
    ['a pod that fails by its own word', false, [FAILING_BY_WORD], 2],
    [
      'a severe check that passes',
      false,
      [aFailingTarget({}, { checks: [goodCheckOfSeverity1] })],
      2,
    ],
    ['resilient, nobody could be asked', true, [anUnreachableTarget()], 1],
    ['not resilient, nobody could be asked', false, [anUnreachableTarget()], 1],
    ['no target at all', true, [], 1],
    ['one could be asked, a mild check', false, [failingWith(3), anUnreachableTarget()], 2],
    ['one could be asked and is well', true, [GOOD, anUnreachableTarget()], 2],
  ]

  it.each(table)('is 1 worst to 3: %s', (_what, isResilient, targets, expected) => {
    expect(judgeService(aService({ isResilient, targets }))?.severity).toBe(expected)
  })
})

describe('the health of a service', () => {
  it('goes by what a target says, not by failing checks of one that is ok', () => {
    const checks = [{ id: 'mail', name: 'mail', ok: false, severity: 1 as const }]
    const serving = aTarget({ checks })

    expect(judgeService(aService({ targets: [serving] }))).toMatchObject({
      ok: true,
      severity: null,
    })
    expect(judgeService(aService({ targets: [serving, FAILING] }))).toMatchObject({
      ok: false,
      severity: 2,
      healthy: 1,
    })
  })

  it('counts healthy targets of all that were probed', () => {
    const targets = [GOOD, GOOD, FAILING, anUnreachableTarget()]

    const health = judgeService(aService({ desired: 7, targets }))

    expect(health).toEqual({ ok: false, severity: 2, healthy: 2, total: 4, desired: 7 })
  })

  it('knows no desired replicas when no workload was listed', () => {
    const { desired: _, ...notListed } = aService()

    expect(judgeService(notListed)?.desired).toBeNull()
    expect(judgeService(aService({ desired: null }))?.desired).toBeNull()
  })

  it('does not exist before the first probe', () => {
    expect(judgeService(aService({ targets: null }))).toBeNull()
  })
})

describe('the worst severity', () => {
  it.each([
    [[], null],
    [[3], 3],
    [[3, 2], 2],
    [[2, 1, 3], 1],
  ] as const)('is the lowest number: %j', (severities, expected) => {
    expect(worst([...severities])).toBe(expected)
  })
})
