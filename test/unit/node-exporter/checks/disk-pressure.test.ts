/** What counts as full, who decides while the API server is away, and that a dead file system costs one call. */
import { writeFileSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { runCheck, type NodeFacts } from '../../../../node-exporter/checks/check.ts'
import {
  makeDiskPressure,
  type DiskPressureSettings,
} from '../../../../node-exporter/checks/disk-pressure.ts'
import type { Figures } from '../../../../node-exporter/checks/disk-space.ts'
import { aCondition, aNodeFacts } from '../../../support/exporter/a-node.ts'
import { aFolder } from '../../../support/exporter/a-setup.ts'
import { containing } from '../../../support/like.ts'

const ROOT = '1 0 8:1 / / rw - ext4 /dev/sda1 rw'
const VAR = '2 1 8:2 / /host/var rw - ext4 /dev/sda2 rw'
const IMAGES = '3 2 8:3 / /host/var/lib/containers rw - xfs /dev/sda3 rw'

type Answer = Figures | Error | Promise<Figures>

interface Given extends Pick<DiskPressureSettings, 'leastFree' | 'nodefsPaths' | 'imagefsPaths'> {
  /** By path below `/host`; a path that isn't here is absent. */
  answers?: Record<string, Answer>
  mounts?: string[]
  node?: Partial<NodeFacts>
}

function aCase({ answers = {}, mounts = [ROOT, VAR], node = {}, ...settings }: Given = {}) {
  const mountsFile = `${aFolder()}/mountinfo`
  writeFileSync(mountsFile, mounts.join('\n'))
  const statfs = vi.fn<(path: string) => Promise<Figures>>(async (path) => {
    const answer = answers[path.replace('/host', '')] ?? failWith('ENOENT')
    if (answer instanceof Error) throw answer
    return answer
  })
  const check = makeDiskPressure({ ...settings, statfs, mountsFile })
  const run = async () => {
    const { passed, reason, warning } = await runCheck(
      check,
      aNodeFacts({ hostRoot: '/host', ...node }),
    )
    return { passed, said: reason ?? warning }
  }
  return { answers, statfs, run, asked: () => statfs.mock.calls.map(([path]) => path) }
}

/** Half empty, of 1,000 blocks and 1,000 inodes. */
function aSpace(given: Partial<Figures> = {}): Figures {
  return { blocks: 1000n, bavail: 500n, files: 1000n, ffree: 500n, ...given }
}

function failWith(code: string): Error {
  return Object.assign(new Error(`${code}: statfs`), { code })
}

function aConditionOf(status: string): Partial<NodeFacts> {
  const reason = 'KubeletHasDiskPressure'
  return { conditions: new Map([['DiskPressure', aCondition({ status, reason })]]) }
}

const KUBELET = '/var/lib/kubelet'
const AWAY = { apiProblem: 'the API server does not answer', conditions: new Map() }

it('is named as it is asked for, and passes when it cannot tell', () => {
  expect(makeDiskPressure()).toMatchObject({ name: 'disk_pressure', cannotTell: 'pass' })
})

describe('the figures', () => {
  it.each<[string, string, Partial<Figures>, boolean]>([
    ['10 % free for the kubelet', KUBELET, { bavail: 100n }, true],
    ['less than 10 % for the kubelet', KUBELET, { bavail: 99n }, false],
    ['10 % free for logs', '/var/log', { bavail: 100n }, true],
    ['less than 10 % for logs', '/var/log', { bavail: 99n }, false],
    ['15 % free for containerd', '/var/lib/containerd', { bavail: 150n }, true],
    ['less than 15 % for containerd', '/var/lib/containerd', { bavail: 149n }, false],
    ['15 % free for CRI-O', '/var/lib/containers', { bavail: 150n }, true],
    ['less than 15 % for CRI-O', '/var/lib/containers', { bavail: 149n }, false],
    ['5 % of the inodes', KUBELET, { ffree: 50n }, true],
    ['less than 5 % of the inodes', KUBELET, { ffree: 49n }, false],
    ['less than 5 % of the images’ inodes', '/var/lib/containers', { ffree: 49n }, false],
    ['nothing left at all', KUBELET, { bavail: 0n }, false],
    ['no inodes to count, as on btrfs', KUBELET, { files: 0n, ffree: 0n }, true],
    ['no blocks to count', KUBELET, { blocks: 0n, bavail: 0n }, true],
    [
      'one block too few of 2^53',
      KUBELET,
      { blocks: 10n * 2n ** 53n, bavail: 2n ** 53n - 1n },
      false,
    ],
    ['enough of more than 2^53', KUBELET, { blocks: 10n * 2n ** 53n, bavail: 2n ** 53n }, true],
  ])('decide: %s', async (_what, path, figures, passed) => {
    const { run } = aCase({ answers: { [path]: aSpace(figures) } })

    expect(await run()).toMatchObject({ passed })
  })

  it('say what is short of what, and never round up', async () => {
    const full = aSpace({ blocks: 10_000n, bavail: 999n, ffree: 12n })
    const { run } = aCase({ answers: { [KUBELET]: full, '/var/log': aSpace() } })

    expect(await run()).toEqual({
      passed: false,
      said:
        '/var/lib/kubelet has 9.9 % of its space free, less than 10 %; ' +
        '/var/lib/kubelet has 1.2 % of its inodes free, less than 5 %',
    })
  })

  it.each([
    [2.5, 25n, true],
    [2.5, 24n, false],
    [0, 0n, true],
  ])('keep to a limit that was set: %s %%', async (nodefs, bavail, passed) => {
    const leastFree = { nodefs, imagefs: 15, inodes: 5 }
    const { run } = aCase({ leastFree, answers: { [KUBELET]: aSpace({ bavail }) } })

    expect(await run()).toMatchObject({ passed })
  })

  it('skip paths that are absent', async () => {
    const { run } = aCase({ answers: { '/var/log': aSpace() } })

    expect(await run()).toEqual({ passed: true, said: undefined })
  })

  it.each([
    ['all paths are absent', {}, 'none of the key paths is there'],
    ['a folder is a file', { [KUBELET]: failWith('ENOTDIR') }, 'none of the key paths is there'],
    ['a path is forbidden', { [KUBELET]: failWith('EACCES') }, 'EACCES'],
    ['a disk has an error', { [KUBELET]: failWith('EIO'), '/var/log': aSpace() }, 'EIO'],
  ])('pass with a warning when %s', async (_what, answers, warning) => {
    const { run } = aCase({ answers })

    expect(await run()).toEqual({ passed: true, said: containing(warning) })
  })

  it('still fail when only another path cannot be asked', async () => {
    const answers = { [KUBELET]: failWith('EACCES'), '/var/log': aSpace({ bavail: 1n }) }
    const { run } = aCase({ answers })

    expect(await run()).toEqual({ passed: false, said: containing('/var/log has 0.1 %') })
  })
})

describe('which file system is asked', () => {
  it.each(['nfs4', 'cifs', 'ceph', 'fuse.sshfs', 'autofs'])(
    'is never one of a network: %s',
    async (type) => {
      const mounts = [ROOT, VAR, `3 2 0:9 / /host/var/lib/kubelet rw - ${type} server rw`]
      const { run, asked } = aCase({ mounts, answers: { '/var/log': aSpace() } })

      await run()

      expect(asked()).not.toContain('/host/var/lib/kubelet')
      expect(asked()).toContain('/host/var/log')
    },
  )

  it('is the host’s and not the container’s for the root itself', async () => {
    const mounts = ['1 0 0:9 / / rw - nfs4 server:/ rw', '2 1 8:2 / /host rw - ext4 /dev/sda2 rw']
    const settings = { nodefsPaths: ['/'], imagefsPaths: [] }
    const { run, asked } = aCase({ mounts, ...settings, answers: { '/': aSpace() } })

    expect(await run()).toEqual({ passed: true, said: undefined })
    expect(asked()).toEqual(['/host/'])
  })

  it('is none when all are of a network', async () => {
    const { run, asked } = aCase({ mounts: ['1 0 0:9 / / rw - nfs4 server:/ rw'] })

    expect(await run()).toEqual({ passed: true, said: containing('none of the key paths') })
    expect(asked()).toEqual([])
  })

  it('is none without a mount table', async () => {
    const statfs = vi.fn<(path: string) => Promise<Figures>>()
    const check = makeDiskPressure({ statfs, mountsFile: '/nowhere/mountinfo' })

    const result = await runCheck(check, aNodeFacts())

    expect(result).toMatchObject({ passed: true, warning: containing('no mount table') })
    expect(statfs).not.toHaveBeenCalled()
  })
})

describe('the kubelet’s word', () => {
  const WELL = { answers: { [KUBELET]: aSpace() } }
  const FULL = { answers: { [KUBELET]: aSpace({ bavail: 1n }) } }

  it.each<[string, Given, boolean, string | undefined]>([
    ['False', { ...WELL, node: aConditionOf('False') }, true, undefined],
    ['True fails', { ...WELL, node: aConditionOf('True') }, false, 'KubeletHasDiskPressure'],
    [
      'Unknown leaves it to the figures',
      { ...WELL, node: aConditionOf('Unknown') },
      true,
      undefined,
    ],
    ['absent, figures well', { ...WELL, node: { conditions: new Map() } }, true, 'no DiskPressure'],
    ['absent, figures short', { ...FULL, node: { conditions: new Map() } }, false, 'has 0.1 %'],
    ['False, figures short', { ...FULL, node: aConditionOf('False') }, false, 'has 0.1 %'],
    ['API away, figures well', { ...WELL, node: AWAY }, true, AWAY.apiProblem],
    ['API away, figures short', { ...FULL, node: AWAY }, false, 'has 0.1 %'],
    ['API away, no figures', { node: AWAY }, true, AWAY.apiProblem],
    ['True, no figures', { node: aConditionOf('True') }, false, 'KubeletHasDiskPressure'],
  ])('and the figures: %s', async (_what, given, passed, text) => {
    const { run } = aCase(given)

    const result = await run()

    expect(result).toEqual({ passed, said: text === undefined ? undefined : containing(text) })
  })

  it('stands before the figures when both complain', async () => {
    const { run } = aCase({ ...FULL, node: aConditionOf('True') })

    expect((await run()).said).toMatch(/^KubeletHasDiskPressure; \/var\/lib\/kubelet has 0.1 %/)
  })
})

describe('a file system that hangs', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
  afterEach(() => void vi.useRealTimers())

  const mounts = [ROOT, VAR, IMAGES]
  const HANGS = 'the file system at /host/var does not answer statfs'

  /** A call may wait for its turn, in real time; vi.waitUntil would move the timers. */
  async function untilCalled(statfs: ReturnType<typeof aCase>['statfs'], times: number) {
    // oxlint-disable-next-line no-await-in-loop
    while (statfs.mock.calls.length < times) await setImmediate()
  }

  async function runHanging({ run, statfs }: ReturnType<typeof aCase>) {
    const before = statfs.mock.calls.length
    let isDone = false
    const result = run().finally(() => {
      isDone = true
    })
    await untilCalled(statfs, before + 1)
    await vi.advanceTimersByTimeAsync(1999)
    const isEarly = isDone
    await vi.advanceTimersByTimeAsync(1)
    return { isEarly, result: await result }
  }

  function aHanging(images = aSpace()) {
    const { promise, resolve } = Promise.withResolvers<Figures>()
    const answers = { [KUBELET]: promise, '/var/log': aSpace(), '/var/lib/containers': images }
    return { ...aCase({ mounts, answers }), wake: resolve }
  }

  it('passes after 2 s, with a warning that names the mount', async () => {
    const { isEarly, result } = await runHanging(aHanging())

    expect(isEarly).toBe(false)
    expect(result).toEqual({ passed: true, said: HANGS })
  })

  it('does not hide that another one is full', async () => {
    const { result } = await runHanging(aHanging(aSpace({ bavail: 1n })))

    expect(result).toEqual({ passed: false, said: containing('/var/lib/containers has 0.1 %') })
  })

  it('is told of at once later, without another call', async () => {
    const hanging = aHanging()
    await runHanging(hanging)
    hanging.statfs.mockClear()

    const again = [await hanging.run(), await hanging.run()] // with no timer moved

    expect(again).toEqual([
      { passed: true, said: HANGS },
      { passed: true, said: HANGS },
    ])
    expect(new Set(hanging.asked())).toEqual(new Set(['/host/var/lib/containers']))
  })

  it('is asked again once it has answered', async () => {
    const hanging = aHanging()
    await runHanging(hanging)
    hanging.wake(aSpace())
    await setImmediate()
    hanging.statfs.mockClear()

    expect(await hanging.run()).toEqual({ passed: true, said: undefined })
    expect(hanging.asked()).toContain('/host/var/lib/kubelet')
  })

  it('leaves two of four threads free, however many hang', async () => {
    const log = '4 2 8:4 / /host/var/log rw - ext4 /dev/sda4 rw'
    const { promise: never } = Promise.withResolvers<Figures>()
    const { promise, resolve } = Promise.withResolvers<Figures>()
    const answers = { [KUBELET]: never, '/var/log': promise, '/var/lib/containers': aSpace() }
    const hanging = aCase({ mounts: [...mounts, log], answers })

    const { result } = await runHanging(hanging)

    const waits = 'the file system at /host/var/lib/containers was not asked: others do not answer'
    const logs = 'the file system at /host/var/log does not answer statfs'
    expect(result).toEqual({ passed: true, said: [HANGS, logs, waits].join('; ') })
    expect(hanging.statfs).toHaveBeenCalledTimes(2)
    resolve(aSpace())
    await setImmediate()
    expect(await hanging.run()).toEqual({ passed: true, said: HANGS })
  })

  it('has one call outstanding for two runs side by side', async () => {
    const hanging = aHanging()
    const first = hanging.run()
    await untilCalled(hanging.statfs, 2) // of each mount
    const second = hanging.run()
    await untilCalled(hanging.statfs, 3) // of the one that answers
    hanging.wake(aSpace())

    expect(await Promise.all([first, second])).toEqual([
      { passed: true, said: undefined },
      { passed: true, said: undefined },
    ])
    expect(hanging.asked().filter((path) => path === '/host/var/lib/kubelet')).toHaveLength(1)
  })
})
