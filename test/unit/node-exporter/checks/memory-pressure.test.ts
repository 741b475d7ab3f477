/** The kubelet's MemoryPressure decides; the machine's own figures are shown beside it, and never do. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { describe, expect, it, onTestFinished } from 'vitest'
import { runCheck, type NodeFacts } from '../../../../node-exporter/checks/check.ts'
import { memoryPressure } from '../../../../node-exporter/checks/memory-pressure.ts'
import { aCondition, aNodeFacts } from '../../../support/exporter/a-node.ts'

const TOTAL_KIB = 10 * 1024 ** 2 // meminfo says kB to it
const PROBLEM = 'no answer in time'
const BAD = { status: 'True', reason: 'KubeletHasInsufficientMemory' }
const LITTLE = { availableKiB: TOTAL_KIB / 32 }

interface Machine {
  availableKiB?: number
  /** The whole of the file in place of `availableKiB`. */
  meminfo?: string
  /** Not there: a kernel without PSI. */
  stalledPercent?: string
}

/** A host's root with the files that the figures come from. */
function aHost({ availableKiB = TOTAL_KIB / 2, meminfo, stalledPercent }: Machine = {}): string {
  const root = mkdtempSync(`${tmpdir()}/pilotlight-test-`)
  onTestFinished(() => {
    rmSync(root, { recursive: true, force: true })
  })
  mkdirSync(`${root}/proc/pressure`, { recursive: true })
  const lines = [
    `MemTotal:       ${TOTAL_KIB} kB`,
    'MemFree:  1 kB',
    `MemAvailable:   ${availableKiB} kB`,
  ]
  writeFileSync(`${root}/proc/meminfo`, meminfo ?? `${lines.join('\n')}\n`)
  if (stalledPercent !== undefined) {
    const rest = `avg60=${stalledPercent} avg300=0.00 total=42`
    writeFileSync(
      `${root}/proc/pressure/memory`,
      `some avg10=99.00 avg60=99.00 avg300=99.00 total=99\nfull avg10=88.00 ${rest}\n`,
    )
  }
  return root
}

function aMemory(given: Parameters<typeof aCondition>[0]): Partial<NodeFacts> {
  return { conditions: new Map([['MemoryPressure', aCondition(given)]]) }
}

async function show(given: Partial<NodeFacts>, machine: Machine = {}): Promise<object> {
  const node = aNodeFacts({ hostRoot: aHost(machine), ...given })
  const { duration_ms: _, ...result } = await runCheck(memoryPressure, node)
  return result
}

describe("the kubelet's word", () => {
  const half = '50 % of 10.0 GiB available'

  it.each<[string, Partial<NodeFacts>, object]>([
    ['passes while it is False', {}, { passed: true }],
    [
      'fails when it is True, with the figures',
      aMemory(BAD),
      { passed: false, reason: `KubeletHasInsufficientMemory, ${half}` },
    ],
    [
      'fails without a reason too',
      aMemory({ ...BAD, reason: '' }),
      { passed: false, reason: `MemoryPressure is True, ${half}` },
    ],
    [
      'can not tell while it is Unknown',
      aMemory({ status: 'Unknown' }),
      { passed: true, warning: 'MemoryPressure is Unknown' },
    ],
    [
      'can not tell by a status in another case',
      aMemory({ status: 'true' }),
      { passed: true, warning: 'MemoryPressure is true' },
    ],
    [
      'can not tell when it is absent',
      { conditions: new Map() },
      { passed: true, warning: 'no MemoryPressure from the kubelet' },
    ],
    [
      'can not tell when the Node is gone',
      { isGone: true, conditions: new Map() },
      { passed: true, warning: 'NodeNotFound' },
    ],
    [
      'can not tell when the API says nothing',
      { apiProblem: PROBLEM, ...aMemory(BAD) },
      { passed: true, warning: PROBLEM },
    ],
  ])('%s', async (_, given, shown) => {
    const result = await show(given)

    expect(result).toStrictEqual({ name: 'memory_pressure', ...shown })
  })
})

describe('the figures', () => {
  const stalled = 'nothing but waiting for memory in'

  it.each<[string, Machine, string | undefined]>([
    ['exactly 5 % of the memory', { availableKiB: TOTAL_KIB / 20 }, undefined],
    ['one KiB less', { availableKiB: TOTAL_KIB / 20 - 1 }, '4 % of 10.0 GiB available'],
    ['no memory', { availableKiB: 0 }, '0 % of 10.0 GiB available'],
    ['just under a tenth of a minute stalled', { stalledPercent: '9.99' }, undefined],
    ['a tenth of it', { stalledPercent: '10.00' }, `${stalled} 10 % of the last minute`],
    [
      'both',
      { ...LITTLE, stalledPercent: '100.00' },
      `3 % of 10.0 GiB available, ${stalled} 100 % of the last minute`,
    ],
  ])('warn when they are remarkable: %s', async (_, machine, warning) => {
    const result = await show({}, machine)

    const warned = warning === undefined ? {} : { warning }
    expect(result).toStrictEqual({ name: 'memory_pressure', passed: true, ...warned })
  })

  it('are all told on failure, remarkable or not', async () => {
    const result = await show(aMemory(BAD), { stalledPercent: '0.00' })

    const told = `50 % of 10.0 GiB available, ${stalled} 0 % of the last minute`
    expect(result).toHaveProperty('reason', `KubeletHasInsufficientMemory, ${told}`)
  })

  it('are told beside an API server that says nothing', async () => {
    const result = await show({ apiProblem: PROBLEM }, LITTLE)

    expect(result).toHaveProperty('warning', `${PROBLEM}, 3 % of 10.0 GiB available`)
  })

  it.each<[string, Machine]>([
    ['an empty file', { meminfo: '' }],
    ['a kernel that does not say what is available', { meminfo: 'MemTotal: 100 kB\n' }],
    ['no memory at all', { meminfo: 'MemTotal: 0 kB\nMemAvailable: 0 kB\n' }],
    ['no number', { meminfo: 'MemTotal: x kB\nMemAvailable: y kB\n', stalledPercent: '1.2.3' }],
  ])('are left out where they can not be read: %s', async (_, machine) => {
    const result = await show(aMemory(BAD), machine)

    expect(result).toHaveProperty('reason', 'KubeletHasInsufficientMemory')
  })

  it('are left out where there is no such file', async () => {
    const result = await show({ ...aMemory(BAD), hostRoot: '/no/such/folder' })

    expect(result).toHaveProperty('reason', 'KubeletHasInsufficientMemory')
  })

  it.runIf(process.platform === 'linux')(
    'are read from the machine that this runs on',
    async () => {
      const result = await show({ ...aMemory(BAD), hostRoot: '' })

      expect(result).toHaveProperty(
        'reason',
        expect.stringMatching(/, \d+ % of [\d.]+ GiB available/),
      )
    },
  )
})
