/** Conditions of others: a bad one counts while its reporter lives, and an absent one never; and how they are configured. */
import { describe, expect, it } from 'vitest'
import {
  DETECTOR_CONDITIONS,
  makeCustomConditions,
  parseConditions,
} from '../../../../node-exporter/checks/custom-conditions.ts'
import { runCheck } from '../../../../node-exporter/checks/check.ts'
import type { Condition, NodeFacts } from '../../../../node-exporter/checks/check.ts'
import { aCondition, aNodeFacts, NODE_NOW } from '../../../support/exporter/a-node.ts'

const MINUTE = 60_000
const PROBLEM = 'no answer in time'
const BAD = { status: 'True', reason: 'DockerHung' }

function aKernel(given: Partial<Condition>): Partial<NodeFacts> {
  return { conditions: new Map([['KernelDeadlock', aCondition(given)]]) }
}

function aKernelHeardAt(lastHeartbeatMs: number | null): Partial<NodeFacts> {
  return aKernel({ ...BAD, lastHeartbeatMs })
}

const FAILED = { passed: false, reason: 'KernelDeadlock is True: DockerHung' }
const SILENT = {
  passed: true,
  warning: 'unknown, without a heartbeat for 15 min: KernelDeadlock',
}

describe("the detector's conditions", () => {
  it.each<[string, Partial<NodeFacts>, object]>([
    ['pass when nobody reports them', {}, { passed: true }],
    ['pass while they are False', aKernel({ reason: 'KernelHasNoDeadlock' }), { passed: true }],
    ['pass while they are Unknown', aKernel({ status: 'Unknown' }), { passed: true }],
    ['fail when one is True', aKernel(BAD), FAILED],
    [
      'fail with the status alone when there is no reason',
      aKernel({ status: 'True', reason: '' }),
      { passed: false, reason: 'KernelDeadlock is True' },
    ],
    ['take a status in another case for no True', aKernel({ status: 'true' }), { passed: true }],
    ['count one millisecond before 15 min', aKernelHeardAt(NODE_NOW - 15 * MINUTE + 1), FAILED],
    ['are unknown from exactly 15 min on', aKernelHeardAt(NODE_NOW - 15 * MINUTE), SILENT],
    ['are unknown without any heartbeat', aKernelHeardAt(null), SILENT],
    ['count when their clock is ahead', aKernelHeardAt(NODE_NOW + 60 * MINUTE), FAILED],
    [
      'are unknown when old, though they were well',
      aKernel({ status: 'False', lastHeartbeatMs: 0 }),
      SILENT,
    ],
    [
      'leave other conditions alone',
      { conditions: new Map([['NetworkUnavailable', aCondition({ status: 'True' })]]) },
      { passed: true },
    ],
    [
      'are all named, bad ones and silent ones',
      {
        conditions: new Map([
          ['KernelDeadlock', aCondition(BAD)],
          ['ReadonlyFilesystem', aCondition({ status: 'True', reason: 'FilesystemIsReadOnly' })],
          ['KubeletUnhealthy', aCondition({ ...BAD, lastHeartbeatMs: 0 })],
          ['NTPProblem', aCondition({ lastHeartbeatMs: null })],
        ]),
      },
      {
        passed: false,
        reason:
          'KernelDeadlock is True: DockerHung, ReadonlyFilesystem is True: FilesystemIsReadOnly',
        warning: 'unknown, without a heartbeat for 15 min: KubeletUnhealthy, NTPProblem',
      },
    ],
    [
      'fail when the Node is gone',
      { isGone: true, conditions: new Map() },
      { passed: false, reason: 'NodeNotFound' },
    ],
    [
      'pass with a warning when the API says nothing',
      { apiProblem: PROBLEM, isGone: true, ...aKernel(BAD) },
      { passed: true, warning: PROBLEM },
    ],
  ])('%s', async (_, given, shown) => {
    const { duration_ms: _ms, ...result } = await runCheck(
      makeCustomConditions(),
      aNodeFacts(given),
    )

    expect(result).toStrictEqual({ name: 'custom_conditions', ...shown })
  })

  it.each(DETECTOR_CONDITIONS)('fail for $type when it is $badStatus', async (watched) => {
    const { type, badStatus } = watched
    const conditions = new Map([[type, aCondition({ status: badStatus })]])

    const result = await runCheck(makeCustomConditions(), aNodeFacts({ conditions }))

    expect(result).toMatchObject({ passed: false, reason: `${type} is True: AllWell` })
  })
})

describe('conditions that somebody names', () => {
  it.each([
    ['fails in the status that is bad', 'False', false],
    ['passes in the other one', 'True', true],
    ['fails in the second that is bad', 'Unknown', false],
  ])('%s', async (_, status, passed) => {
    const check = makeCustomConditions([
      { type: 'example.com/Licensed', badStatus: 'False', hasHeartbeat: true },
      { type: 'example.com/Licensed', badStatus: 'Unknown', hasHeartbeat: true },
    ])
    const conditions = new Map([['example.com/Licensed', aCondition({ status })]])

    const result = await runCheck(check, aNodeFacts({ conditions }))

    expect(result.passed).toBe(passed)
  })

  it('names a silent one once, however often it is watched', async () => {
    const type = 'KernelDeadlock'
    const check = makeCustomConditions([
      { type, badStatus: 'True', hasHeartbeat: true },
      { type, badStatus: 'Unknown', hasHeartbeat: true },
    ])

    const result = await runCheck(check, aNodeFacts(aKernelHeardAt(null)))

    expect(result).toMatchObject(SILENT)
  })

  it('passes when none is watched', async () => {
    const result = await runCheck(makeCustomConditions([]), aNodeFacts(aKernel(BAD)))

    expect(result).toMatchObject({ passed: true })
  })
})

describe('the age of a heartbeat', () => {
  const FRESH = NODE_NOW - 15 * MINUTE + 1
  const OLD = NODE_NOW - 15 * MINUTE

  it.each<[string, string, number | null, 'fails' | 'unknown']>([
    ['NetworkUnavailable=True', 'True', FRESH, 'fails'],
    ['NetworkUnavailable=True', 'True', OLD, 'fails'],
    ['NetworkUnavailable=True', 'True', null, 'fails'],
    ['NetworkUnavailable=True:no-heartbeat', 'True', OLD, 'fails'],
    ['NetworkUnavailable=True:heartbeat', 'True', FRESH, 'fails'],
    ['NetworkUnavailable=True:heartbeat', 'True', OLD, 'unknown'],
    ['example.com/Licensed=False', 'False', OLD, 'fails'],
    ['KernelDeadlock=True', 'True', OLD, 'unknown'],
    ['KernelDeadlock=Unknown', 'Unknown', OLD, 'unknown'],
    ['KernelDeadlock=True:no-heartbeat', 'True', OLD, 'fails'],
    ['Ready=False', 'False', OLD, 'unknown'],
    ['MemoryPressure=True', 'True', OLD, 'unknown'],
    ['DiskPressure=True', 'True', OLD, 'unknown'],
    ['PIDPressure=True', 'True', OLD, 'unknown'],
    // The node lifecycle controller sets it and keeps the heartbeat of the kubelet that went silent.
    ['Ready=Unknown', 'Unknown', OLD, 'fails'],
    ['MemoryPressure=Unknown', 'Unknown', OLD, 'fails'],
  ])('counts where a reporter sends heartbeats: %s', async (text, status, lastHeartbeatMs, is) => {
    const parsed = parseConditions(text)
    const type = text.replace(/=.*/, '')
    const conditions = new Map([[type, aCondition({ status, lastHeartbeatMs })]])

    const check = makeCustomConditions(parsed.ok ? parsed.conditions : [])
    const { passed, warning } = await runCheck(check, aNodeFacts({ conditions }))

    const silent = `unknown, without a heartbeat for 15 min: ${type}`
    expect({ passed, warning }).toEqual(
      is === 'fails' ? { passed: false } : { passed: true, warning: silent },
    )
  })
})

describe('the text that names them', () => {
  const kernel = { type: 'KernelDeadlock', badStatus: 'True', hasHeartbeat: true }
  const licensed = { type: 'example.com/Licensed', badStatus: 'False', hasHeartbeat: false }

  it.each([
    ['one pair', 'KernelDeadlock=True', [kernel]],
    ['two pairs', 'KernelDeadlock=True,example.com/Licensed=False', [kernel, licensed]],
    [
      'blanks, lines and commas',
      ' KernelDeadlock=True,\n example.com/Licensed=False ,',
      [kernel, licensed],
    ],
    ['a pair that repeats', 'KernelDeadlock=True,KernelDeadlock=True', [kernel]],
    [
      'two bad statuses of one type',
      'A=False,A=Unknown',
      [
        { type: 'A', badStatus: 'False', hasHeartbeat: false },
        { type: 'A', badStatus: 'Unknown', hasHeartbeat: false },
      ],
    ],
    [
      'a word on heartbeats',
      'KernelDeadlock=True:no-heartbeat,example.com/Licensed=False:heartbeat',
      [
        { ...kernel, hasHeartbeat: false },
        { ...licensed, hasHeartbeat: true },
      ],
    ],
    ['nothing', '', []],
    ['commas alone', ' ,, ', []],
  ])('is read with %s', (_, text, conditions) => {
    const parsed = parseConditions(text)

    expect(parsed).toEqual({ ok: true, conditions })
  })

  it.each([
    ['no status', 'KernelDeadlock', ['"KernelDeadlock"']],
    ['an empty status', 'KernelDeadlock=', ['"KernelDeadlock="']],
    ['no type', '=True', ['"=True"']],
    ['a status in another case', 'KernelDeadlock=true', ['"KernelDeadlock=true"']],
    ['a status that does not exist', 'KernelDeadlock=Yes', ['"KernelDeadlock=Yes"']],
    ['two signs', 'A==True', ['"A==True"']],
    ['a type that can not be', '-A=True', ['"-A=True"']],
    ['a word that is none', 'A=True:often', ['"A=True:often"']],
    ['an empty word', 'A=True:', ['"A=True:"']],
    ['two words', 'A=True:heartbeat:heartbeat', ['"A=True:heartbeat:heartbeat"']],
    ['a blank before the word', 'A=True :heartbeat', ['":heartbeat"']],
    ['faults among good ones', 'A=True,B,C=False,D=1,B', ['"B"', '"D=1"']],
  ])('names each fault: %s', (_, text, named) => {
    const parsed = parseConditions(text)

    const says =
      'must be a condition and True, False or Unknown, as in KernelDeadlock=True, ' +
      'with :heartbeat or :no-heartbeat after it where the default is not right'
    expect(parsed).toEqual({ ok: false, faults: named.map((pair) => `${pair} ${says}`) })
  })
})
