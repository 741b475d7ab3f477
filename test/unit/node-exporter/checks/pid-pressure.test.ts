/** The kubelet's PIDPressure decides; how many tasks there are, and what waits for a CPU, is shown beside it. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { tmpdir } from 'node:os'
import { describe, expect, it, onTestFinished } from 'vitest'
import { runCheck, type NodeFacts } from '../../../../node-exporter/checks/check.ts'
import { pidPressure } from '../../../../node-exporter/checks/pid-pressure.ts'
import { aCondition, aNodeFacts } from '../../../support/exporter/a-node.ts'

const PROBLEM = 'no answer in time'
const BAD = { status: 'True', reason: 'KubeletHasInsufficientPID' }

/** Files under /proc by their names; without one: not there. */
type Machine = Record<string, string>

const WELL: Machine = {
  loadavg: '0.55 1.28 1.34 1/100 24165\n',
  'sys/kernel/pid_max': '1000\n',
  'sys/kernel/threads-max': '5000\n',
}

/** A host's root with the files that the figures come from. */
function aHost(files: Machine): string {
  const root = mkdtempSync(`${tmpdir()}/pilotlight-test-`)
  onTestFinished(() => {
    rmSync(root, { recursive: true, force: true })
  })
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(`${root}/proc/${name}`), { recursive: true })
    writeFileSync(`${root}/proc/${name}`, text)
  }
  return root
}

function aLoad(tasks: number): Machine {
  return { loadavg: `0.55 1.28 1.34 1/${tasks} 24165\n` }
}

function aWait(avg60: string): Machine {
  const full = 'full avg10=0.00 avg60=0.00 avg300=0.00 total=0'
  return { 'pressure/cpu': `some avg10=99.00 avg60=${avg60} avg300=99.00 total=1\n${full}\n` }
}

function aPid(given: Parameters<typeof aCondition>[0]): Partial<NodeFacts> {
  return { conditions: new Map([['PIDPressure', aCondition(given)]]) }
}

async function show(given: Partial<NodeFacts>, machine: Machine = WELL): Promise<object> {
  const node = aNodeFacts({ hostRoot: aHost(machine), ...given })
  const { duration_ms: _, ...result } = await runCheck(pidPressure, node)
  return result
}

describe("the kubelet's word", () => {
  const few = '100 tasks of 1000 at most'

  it.each<[string, Partial<NodeFacts>, object]>([
    ['passes while it is False', {}, { passed: true }],
    [
      'fails when it is True, with the figures',
      aPid(BAD),
      { passed: false, reason: `KubeletHasInsufficientPID, ${few}` },
    ],
    [
      'fails without a reason too',
      aPid({ ...BAD, reason: '' }),
      { passed: false, reason: `PIDPressure is True, ${few}` },
    ],
    [
      'can not tell while it is Unknown',
      aPid({ status: 'Unknown' }),
      { passed: true, warning: 'PIDPressure is Unknown' },
    ],
    [
      'can not tell when it is absent',
      { conditions: new Map() },
      { passed: true, warning: 'no PIDPressure from the kubelet' },
    ],
    [
      'can not tell when the Node is gone',
      { isGone: true, conditions: new Map() },
      { passed: true, warning: 'NodeNotFound' },
    ],
    [
      'can not tell when the API says nothing',
      { apiProblem: PROBLEM, ...aPid(BAD) },
      { passed: true, warning: PROBLEM },
    ],
  ])('%s', async (_, given, shown) => {
    const result = await show(given)

    expect(result).toStrictEqual({ name: 'pid_pressure', ...shown })
  })
})

describe('the figures', () => {
  const waited = 'something waited for a CPU in'

  it.each<[string, Machine, string | undefined]>([
    ['one task less than 90 %', aLoad(899), undefined],
    ['exactly 90 %', aLoad(900), '900 tasks of 1000 at most'],
    [
      'the lower of two limits',
      { 'sys/kernel/pid_max': '4194304\n', 'sys/kernel/threads-max': '110\n' },
      '100 tasks of 110 at most',
    ],
    ['waiting for a CPU a little less than 90 %', aWait('89.99'), undefined],
    ['waiting 90 %', aWait('90.00'), `${waited} 90 % of the last minute`],
    [
      'both',
      { ...aLoad(1000), ...aWait('95.50') },
      `1000 tasks of 1000 at most, ${waited} 95 % of the last minute`,
    ],
  ])('warn when they are remarkable: %s', async (_, machine, warning) => {
    const result = await show({}, { ...WELL, ...machine })

    const warned = warning === undefined ? {} : { warning }
    expect(result).toStrictEqual({ name: 'pid_pressure', passed: true, ...warned })
  })

  it('are all told on failure, remarkable or not', async () => {
    const result = await show(aPid(BAD), { ...WELL, ...aWait('0.00') })

    const told = `100 tasks of 1000 at most, ${waited} 0 % of the last minute`
    expect(result).toHaveProperty('reason', `KubeletHasInsufficientPID, ${told}`)
  })

  it.each<[string, Machine, string]>([
    ['no files', {}, ''],
    ['no limit', aLoad(100), ''],
    ['one limit of two', { ...aLoad(9), 'sys/kernel/pid_max': '10\n' }, ', 9 tasks of 10 at most'],
    ['no load', { 'sys/kernel/pid_max': '10\n' }, ''],
    ['no number', { loadavg: 'a b c 1/x 2\n', 'sys/kernel/pid_max': 'max\n' }, ''],
    ['a pressure without its last minute', { 'pressure/cpu': 'some avg10=1.00\n' }, ''],
  ])('are left out where they can not be read: %s', async (_, machine, told) => {
    const result = await show(aPid(BAD), machine)

    expect(result).toHaveProperty('reason', `KubeletHasInsufficientPID${told}`)
  })

  it('are left out where a folder stands instead', async () => {
    const result = await show(aPid(BAD), { 'pressure/cpu/x': '', 'loadavg/x': '' })

    expect(result).toHaveProperty('reason', 'KubeletHasInsufficientPID')
  })

  it.runIf(process.platform === 'linux')(
    'are read from the machine that this runs on',
    async () => {
      const result = await show({ ...aPid(BAD), hostRoot: '' })

      expect(result).toHaveProperty('reason', expect.stringMatching(/, \d+ tasks of \d+ at most/))
    },
  )
})
