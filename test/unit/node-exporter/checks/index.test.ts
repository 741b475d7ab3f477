/** The list of checks: it leaves none out, and hands each one what an operator sets of it. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import {
  runCheck,
  type CheckResult,
  type NodeFacts,
} from '../../../../node-exporter/checks/check.ts'
import {
  CHECK_NAMES,
  makeChecks,
  type CheckSettings,
} from '../../../../node-exporter/checks/index.ts'
import { aCondition, aNodeFacts } from '../../../support/exporter/a-node.ts'
import { aFolder } from '../../../support/exporter/a-setup.ts'
import { serve } from '../../../support/exporter/local-server.ts'

const FOLDER = new URL('../../../../node-exporter/checks/', import.meta.url)

async function run(
  name: string,
  settings: CheckSettings,
  node: Partial<NodeFacts> = {},
): Promise<CheckResult | undefined> {
  const check = makeChecks(settings).find((one) => one.name === name)
  return check === undefined ? undefined : runCheck(check, aNodeFacts(node))
}

describe('the list', () => {
  it('holds every check that there is a file of', () => {
    const texts = readdirSync(FOLDER).map((file) => readFileSync(new URL(file, FOLDER), 'utf8'))
    const names = texts.flatMap((text) => /^ +(?:return \{ )?name: '(\w+)',/m.exec(text)?.[1] ?? [])

    expect(names.toSorted()).toEqual([...CHECK_NAMES].toSorted())
  })

  it('is made anew each time, with memories of its own', () => {
    const [first, second] = [makeChecks(), makeChecks()]

    expect(first.map(({ name }) => name)).toEqual(second.map(({ name }) => name))
    expect(first.find(({ name }) => name === 'disk_pressure')).not.toBe(
      second.find(({ name }) => name === 'disk_pressure'),
    )
  })
})

describe('a setting', () => {
  it('names the conditions that count', async () => {
    const settings = { conditions: [{ type: 'Calico', badStatus: 'False', hasHeartbeat: false }] }
    const conditions = new Map([
      ['Calico', aCondition({ status: 'False' })],
      ['KernelDeadlock', aCondition({ status: 'True' })],
    ])

    const result = await run('custom_conditions', settings, { conditions })

    expect(result).toMatchObject({ passed: false, reason: 'Calico is False: AllWell' })
  })

  it('names the port of the kubelet', async () => {
    const { port } = await serve((_, response) => response.end('ok'))

    expect(await run('kubelet', { kubeletPort: port })).toMatchObject({ passed: true })
  })

  it('names the address of the kubelet', async () => {
    const { port } = await serve((_, response) => response.end('ok'), '127.0.0.2')
    const settings = { kubeletAddress: '127.0.0.2', kubeletPort: port }

    expect(await run('kubelet', settings)).toMatchObject({ passed: true })
  })

  it('names the socket of the runtime', async () => {
    const result = await run('container_runtime', { criSocket: 'unix:///proc/none.sock' })

    const reason = '/proc/none.sock: its folder is there, the socket is not'
    expect(result).toMatchObject({ passed: false, reason })
  })

  it.each([
    [{ nodefsPaths: ['/'], leastNodefs: 99.99 }, 'space free, less than 99.99 %'],
    [{ nodefsPaths: ['/none'], imagefsPaths: ['/'], leastImagefs: 99.98 }, 'less than 99.98 %'],
  ])('says what must be free, and where', async (settings, words) => {
    const result = await run('disk_pressure', settings)

    expect(result?.passed).toBe(false)
    expect(result?.reason).toMatch(/^\/ has /)
    expect(result?.reason).toContain(words)
  })

  it('names what must be writable', async () => {
    const hostRoot = aFolder()
    mkdirSync(`${hostRoot}/proc/1`, { recursive: true })
    const mounts = ['1 0 8:1 / / rw - ext4 /dev/a rw', '2 1 8:2 / /data rw - ext4 /dev/b ro']
    writeFileSync(`${hostRoot}/proc/1/mountinfo`, mounts.join('\n'))

    const result = await run('filesystem_ro', { writablePaths: ['/data'] }, { hostRoot })

    expect(result).toMatchObject({
      passed: false,
      reason: '/data is read-only (ro, ext4 on /dev/b)',
    })
  })

  it('is what DNS is asked for', async () => {
    const result = await run('network', { dnsName: 'a..b.' }) // which c-ares refuses to ask for

    expect(result?.warning).toContain('DNS: a..b. was not asked for')
  })
})
