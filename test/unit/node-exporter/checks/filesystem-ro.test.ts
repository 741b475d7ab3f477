/** Which mount tables a node passes with, and what it remembers from one to the next. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { runCheck } from '../../../../node-exporter/checks/check.ts'
import {
  makeFilesystemRo,
  REQUIRED_WRITABLE,
} from '../../../../node-exporter/checks/filesystem-ro.ts'
import { aNodeFacts } from '../../../support/exporter/a-node.ts'
import { aFolder } from '../../../support/exporter/a-setup.ts'
import { containing } from '../../../support/like.ts'

const ROOT = aMount('/ rw - ext4 /dev/sda1 rw,errors=remount-ro')
const VAR = aMount('/var rw - xfs /dev/sdd1 rw')

/** `point options - type source superOptions`; the device's number follows from the source. */
function aMount(text: string): string {
  const [point = '', options = '', ...rest] = text.split(' ')
  const minor = (rest.at(-2) ?? '').codePointAt(7) ?? 0
  return `30 1 8:${minor} / ${point} ${options} shared:1 ${rest.join(' ')}`
}

/** A host whose mount table can be written, and a check with no memory yet. */
function aCase(required: readonly string[] = REQUIRED_WRITABLE) {
  const hostRoot = aFolder()
  const check = makeFilesystemRo(required)
  mkdirSync(`${hostRoot}/proc/1`, { recursive: true })
  return {
    hostRoot,
    run: async (...mounts: string[]) => {
      writeFileSync(`${hostRoot}/proc/1/mountinfo`, `${mounts.join('\n')}\n`)
      const { passed, reason, warning } = await runCheck(check, aNodeFacts({ hostRoot }))
      return { passed, said: reason ?? warning }
    },
  }
}

it('is named as it is asked for, and passes when it cannot tell', () => {
  expect(makeFilesystemRo()).toMatchObject({ name: 'filesystem_ro', cannotTell: 'pass' })
})

describe('at the first look', () => {
  it.each([
    ['all is writable', ROOT],
    ['an option that only mentions ro', aMount('/ rw - ext4 /dev/sda1 rw,errors=remount-ro')],
    ['a read-only bind', aMount('/srv ro - ext4 /dev/sda1 rw')],
    ['a read-only disk that nothing needs', aMount('/data ro - ext4 /dev/sdb1 ro')],
    ['/usr of an immutable system', aMount('/usr ro - ext4 /dev/sdb1 ro')],
    ['/boot of an immutable system', aMount('/boot ro - ext4 /dev/sdb1 ro')],
    ['a root of squashfs, as on Talos', `${aMount('/ ro - squashfs /dev/loop0 ro')}\n${VAR}`],
    ['a root of composefs', `${aMount('/ ro - overlay composefs ro')}\n${VAR}`],
    ['logs in memory', aMount('/var/log ro - tmpfs tmpfs ro')],
    ['a folder on NFS', aMount('/var/lib/containers ro - nfs4 server:/x ro')],
    ['a pod’s read-only volume', aMount('/var/lib/kubelet/pods/x ro - ext4 /dev/sdb1 ro')],
  ])('passes without a word: %s', async (_what, line) => {
    const { run } = aCase()

    expect(await run(ROOT, line)).toEqual({ passed: true, said: undefined })
  })

  it.each([
    ['/', '/ is read-only (ro, ext4 on /dev/sdb1)'],
    ['/var', '/var is read-only'],
    ['/var/lib', '/var/lib is read-only'],
    ['/var/lib/kubelet', '/var/lib/kubelet is read-only'],
    ['/var/lib/containerd', '/var/lib/containerd is read-only'],
    ['/var/lib/containers', '/var/lib/containers is read-only'],
    ['/var/log', '/var/log is read-only'],
  ])('fails when what has to be written on is ro: %s', async (point, reason) => {
    const { run } = aCase()

    const result = await run(ROOT, aMount(`${point} ro - ext4 /dev/sdb1 ro`))

    expect(result).toEqual({ passed: false, said: containing(reason) })
  })

  it.each([
    ['emergency_ro', 'after an error'],
    ['shutdown', 'after a shutdown'],
  ])('fails on %s, %s, though the mount says rw', async (word) => {
    const { run } = aCase()

    const result = await run(ROOT, aMount(`/var rw - ext4 /dev/sdb1 rw,${word}`))

    const reason = `/var is read-only (${word}, ext4 on /dev/sdb1)`
    expect(result).toEqual({ passed: false, said: reason })
  })

  it('names each file system once, whatever sits on it', async () => {
    const { run } = aCase()

    const result = await run(
      aMount('/ ro - ext4 /dev/sda1 ro'),
      aMount('/var ro - ext4 /dev/sda1 ro'),
    )

    expect(result).toEqual({ passed: false, said: '/ is read-only (ro, ext4 on /dev/sda1)' })
  })

  it('goes by the last mount on a point', async () => {
    const { run } = aCase()
    const dead = aMount('/var ro - ext4 /dev/sdb1 ro')
    const well = aMount('/var rw - ext4 /dev/sdc1 rw')

    expect(await run(ROOT, dead, well)).toMatchObject({ passed: true })
    expect(await run(ROOT, well, dead)).toMatchObject({ passed: false })
  })

  it('leaves a root alone that is not required', async () => {
    const { run } = aCase(['/var'])
    const root = aMount('/ ro - ext4 /dev/dm-0 ro')

    expect(await run(root, aMount('/var rw - ext4 /dev/sda1 rw'))).toMatchObject({ passed: true })
    expect(await run(root, aMount('/var rw - ext4 /dev/sda1 ro'))).toMatchObject({ passed: false })
  })

  it.each([
    ['a needed mount is ro alone', '/var ro - ext4 /dev/sdb1 rw', '/var is mounted read-only'],
    ['another disk is dead already', '/data rw - ext4 /dev/sdb1 rw,emergency_ro', '/data was'],
    ['another disk is shut down already', '/data rw - ext4 /dev/sdb1 rw,shutdown', '/data was'],
  ])('passes and warns when %s', async (_what, mount, warning) => {
    const { run } = aCase()

    expect(await run(ROOT, aMount(mount))).toEqual({ passed: true, said: containing(warning) })
  })
})

describe('from one look to the next', () => {
  it.each([
    ['ro', 'rw', 'ro'],
    ['emergency_ro', 'rw', 'rw,emergency_ro'],
    ['shutdown', 'rw', 'rw,shutdown'],
  ])('fails when a disk turns %s, for as long as it is', async (word, before, after) => {
    const { run } = aCase()
    const writable = aMount(`/data rw - ext4 /dev/sdb1 ${before}`)
    const dead = aMount(`/data rw - ext4 /dev/sdb1 ${after}`)
    const turned = `/data has turned read-only (${word}, ext4 on /dev/sdb1)`

    expect(await run(ROOT, writable)).toEqual({ passed: true, said: undefined })
    expect(await run(ROOT, dead)).toEqual({ passed: false, said: turned })
    expect(await run(ROOT, dead)).toEqual({ passed: false, said: turned })
    expect(await run(ROOT, writable)).toEqual({ passed: true, said: undefined })
  })

  it.each([
    ['a mount that turns ro alone', '/data rw - ext4 /dev/sdb1 rw', '/data ro - ext4 /dev/sdb1 rw'],
    ['memory', '/data rw - tmpfs tmpfs rw', '/data ro - tmpfs tmpfs ro'],
    ['NFS', '/data rw - nfs4 server:/x rw', '/data ro - nfs4 server:/x ro'],
    ['what is no device', '/data rw - zfs tank/data rw', '/data ro - zfs tank/data ro'],
    ['/boot after an update', '/boot rw - ext4 /dev/sdb1 rw', '/boot ro - ext4 /dev/sdb1 ro'],
    [
      'the state partition of Elemental after an update',
      '/run/initramfs/cos-state rw - ext4 /dev/sdb1 rw',
      '/run/initramfs/cos-state ro - ext4 /dev/sdb1 ro',
    ],
    [
      'the boot partition of Ubuntu Core after an update',
      '/run/mnt/ubuntu-boot rw - ext4 /dev/sdb1 rw',
      '/run/mnt/ubuntu-boot ro - ext4 /dev/sdb1 ro',
    ],
    [
      'a volume',
      '/var/lib/kubelet/plugins/x rw - ext4 /dev/sdb1 rw',
      '/var/lib/kubelet/plugins/x ro - ext4 /dev/sdb1 ro',
    ],
    [
      'a volume of k0s',
      '/var/lib/k0s/kubelet/pods/x/volumes/y/mount rw - ext4 /dev/sdb1 rw',
      '/var/lib/k0s/kubelet/pods/x/volumes/y/mount ro - ext4 /dev/sdb1 ro',
    ],
    [
      'a volume of MicroK8s',
      '/var/snap/microk8s/common/var/lib/kubelet/plugins/x rw - ext4 /dev/sdb1 rw',
      '/var/snap/microk8s/common/var/lib/kubelet/plugins/x ro - ext4 /dev/sdb1 ro',
    ],
    ['another disk in its place', '/data rw - ext4 /dev/sdb1 rw', '/data ro - ext4 /dev/sdc1 ro'],
  ])('passes with %s', async (_what, before, after) => {
    const { run } = aCase()
    await run(ROOT, aMount(before))

    expect(await run(ROOT, aMount(after))).toEqual({ passed: true, said: undefined })
  })

  it.each(['/oem', '/mnt/boot', '/.snapshots', '/var/lib/rpm-state'])(
    'passes when an update ends that made a read-only disk writable: %s',
    async (point) => {
      const { run } = aCase()
      const kept = aMount(`${point} ro - ext4 /dev/sdb1 ro`)
      const updated = aMount(`${point} rw - ext4 /dev/sdb1 rw`)

      const looks = [await run(ROOT, kept), await run(ROOT, updated), await run(ROOT, kept)]

      expect(looks).toEqual(looks.map(() => ({ passed: true, said: undefined })))
    },
  )

  it.each(['emergency_ro', 'shutdown'])(
    'fails when a disk turns ro that was repaired of %s',
    async (word) => {
      const { run } = aCase()
      await run(ROOT, aMount(`/data rw - ext4 /dev/sdb1 rw,${word}`))
      await run(ROOT, aMount('/data rw - ext4 /dev/sdb1 rw'))

      const result = await run(ROOT, aMount('/data ro - ext4 /dev/sdb1 ro'))

      expect(result).toEqual({ passed: false, said: containing('/data has turned') })
    },
  )

  it('fails when a disk that only an update made writable has an error', async () => {
    const { run } = aCase()
    await run(ROOT, aMount('/oem ro - ext4 /dev/sdb1 ro'))
    await run(ROOT, aMount('/oem rw - ext4 /dev/sdb1 rw'))

    const result = await run(ROOT, aMount('/oem rw - ext4 /dev/sdb1 rw,emergency_ro'))

    expect(result).toEqual({ passed: false, said: containing('/oem has turned') })
  })

  it('fails when a required path turns ro, though it was so before', async () => {
    const { run } = aCase()
    const kept = aMount('/var ro - ext4 /dev/sdb1 ro')
    await run(ROOT, kept)
    await run(ROOT, aMount('/var rw - ext4 /dev/sdb1 rw'))

    expect(await run(ROOT, kept)).toMatchObject({ passed: false })
  })

  it('forgets a disk that was away in between', async () => {
    const { run } = aCase()

    await run(ROOT, aMount('/data rw - ext4 /dev/sdb1 rw'))
    await run(ROOT)

    expect(await run(ROOT, aMount('/data ro - ext4 /dev/sdb1 ro'))).toMatchObject({ passed: true })
  })

  it('judges a disk by where it is mounted for the system too', async () => {
    const { run } = aCase()
    const bind = (option: string) => aMount(`/boot rw - xfs /dev/sdb1 ${option}`)
    await run(ROOT, bind('rw'), aMount('/data rw - xfs /dev/sdb1 rw'))

    const result = await run(ROOT, bind('ro'), aMount('/data rw - xfs /dev/sdb1 ro'))

    expect(result).toEqual({ passed: false, said: containing('/data has turned') })
  })

  it('shares no memory with another check', async () => {
    const [first, second] = [aCase(), aCase()]

    await first.run(ROOT, aMount('/data rw - ext4 /dev/sdb1 rw'))

    const dead = aMount('/data ro - ext4 /dev/sdb1 ro')
    expect(await second.run(ROOT, dead)).toMatchObject({ passed: true })
    expect(await first.run(ROOT, dead)).toMatchObject({ passed: false })
  })
})

describe('with nothing to judge', () => {
  it.each([
    ['a container’s own root', aMount('/ rw - overlay overlay rw')],
    ['a root in memory', aMount('/ rw - tmpfs tmpfs rw')],
    ['a root on NFS', aMount('/ rw - nfs4 server:/x rw')],
  ])('passes, and warns that it may not see the host: %s', async (_what, root) => {
    const { run } = aCase()

    const said = 'nothing to judge: no path that must be writable is on a disk; is HOST_ROOT set?'
    expect(await run(root)).toEqual({ passed: true, said })
  })

  it('still fails when a disk is seen to turn read-only', async () => {
    const { run } = aCase()
    const root = aMount('/ rw - tmpfs tmpfs rw')
    await run(root, aMount('/data rw - ext4 /dev/sdb1 rw'))

    const result = await run(root, aMount('/data ro - ext4 /dev/sdb1 ro'))

    expect(result).toEqual({ passed: false, said: containing('/data has turned') })
  })
})

describe('without a mount table', () => {
  it('passes and warns when there is no file', async () => {
    const result = await runCheck(makeFilesystemRo(), aNodeFacts({ hostRoot: aFolder() }))

    expect(result).toMatchObject({ passed: true, warning: containing('no mount table: ENOENT') })
  })

  it.each([
    ['nothing', ''],
    ['something else', 'rubbish\n- - -'],
    ['no root', aMount('/data rw - ext4 /dev/sdb1 rw')],
  ])('passes and warns when the file holds %s', async (_what, text) => {
    const { run } = aCase()

    expect(await run(text)).toEqual({ passed: true, said: containing('no mount of / in ') })
  })
})
