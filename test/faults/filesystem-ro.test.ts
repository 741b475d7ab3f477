/** File systems that really turn read-only, in the two ways that kernels do it, and mounts that only look like it. */
import { describe, expect, it } from 'vitest'
import { runCheck } from '../../node-exporter/checks/check.ts'
import { makeFilesystemRo } from '../../node-exporter/checks/filesystem-ro.ts'
import { aNodeFacts } from '../support/exporter/a-node.ts'
import { aMountingHost, canMount, mountExt4 } from '../support/exporter/a-mounting-host.ts'
import { containing, matching } from '../support/like.ts'

const KUBELET = '/var/lib/kubelet'

/** Tells the kernel's ext4 of an error, as a bad disk does. */
function breakExt4(point: string): string {
  return `echo 1 > /sys/fs/ext4/$(basename $(findmnt -no SOURCE ${point}))/trigger_fs_error`
}

/** Shuts the ext4 down, as an operator's or the kernel's `EXT4_IOC_SHUTDOWN` without a flush. */
function shutExt4(point: string): string {
  const call = 'fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587D, bytes([2, 0, 0, 0]))'
  return `python3 -c 'import fcntl, os, sys; ${call}' ${point} && grep -q ',shutdown' /proc/self/mountinfo`
}

const canLoop = canMount(mountExt4('/var/probe'))
const canShut = canMount(mountExt4('/var/probe'), shutExt4('/var/probe'))
const canBreak = canMount(mountExt4('/var/probe'), breakExt4('/var/probe'))

async function aHost() {
  const { hostRoot, run } = await aMountingHost()
  const check = makeFilesystemRo()
  const look = async () => {
    const { passed, reason, warning } = await runCheck(check, aNodeFacts({ hostRoot }))
    return { passed, said: reason ?? warning }
  }
  const isWritable = (point: string) =>
    run(`touch ${point}/try`).then(
      () => true,
      () => false,
    )
  return { run, look, isWritable }
}

describe('a disk that the kubelet needs (root and loop devices only)', () => {
  it.skipIf(!canLoop)('fails when remounted read-only, and passes again after', async () => {
    const { run, look, isWritable } = await aHost()
    await run(mountExt4(KUBELET))
    expect(await look()).toEqual({ passed: true, said: undefined })

    await run(`mount -o remount,ro ${KUBELET}`)

    expect(await isWritable(KUBELET)).toBe(false)
    const reason = matching(/^\/var\/lib\/kubelet is read-only \(ro, ext4 on \/dev\/loop\d+\)$/)
    expect(await look()).toEqual({ passed: false, said: reason })
    await run(`mount -o remount,rw ${KUBELET}`)
    expect(await look()).toEqual({ passed: true, said: undefined })
  })

  it.skipIf(!canBreak)('fails when the kernel gives it up after an error', async () => {
    const { run, look, isWritable } = await aHost()
    await run(mountExt4(KUBELET))
    expect(await look()).toEqual({ passed: true, said: undefined })

    await run(breakExt4(KUBELET))

    expect(await isWritable(KUBELET)).toBe(false)
    // `ro` on older kernels; newer ones leave the mount at rw and say emergency_ro.
    const reason = matching(/^\/var\/lib\/kubelet is read-only \((emergency_)?ro, ext4/)
    expect(await look()).toEqual({ passed: false, said: reason })
  })
})

describe('a disk that was shut down (root, loop devices and a kernel that says so only)', () => {
  it.skipIf(!canShut)('fails, though its mount says rw', async () => {
    const { run, look, isWritable } = await aHost()
    await run(mountExt4(KUBELET))
    expect(await look()).toEqual({ passed: true, said: undefined })

    await run(shutExt4(KUBELET))

    expect(await isWritable(KUBELET)).toBe(false)
    const reason = matching(/^\/var\/lib\/kubelet is read-only \(shutdown, ext4/)
    expect(await look()).toEqual({ passed: false, said: reason })
  })
})

describe('a disk that nothing is known to need (root and loop devices only)', () => {
  it.skipIf(!canBreak)('fails when it is seen to break', async () => {
    const { run, look } = await aHost()
    await run(mountExt4('/var/data'))
    await look()

    await run(breakExt4('/var/data'))

    const reason = matching(/^\/var\/data has turned read-only \((emergency_)?ro/)
    expect(await look()).toEqual({ passed: false, said: reason })
  })

  it.skipIf(!canLoop)('passes when it was mounted read-only on purpose', async () => {
    const { run, look } = await aHost()
    await run(`${mountExt4('/var/data')} && umount /var/data`)

    await run('mount -o loop,ro /var/-var-data.img /var/data')

    expect(await look()).toEqual({ passed: true, said: undefined })
  })

  it.skipIf(!canLoop)('passes when an update makes it writable and read-only again', async () => {
    const { run, look, isWritable } = await aHost()
    await run(`${mountExt4('/var/oem')} && mount -o remount,ro /var/oem`)
    const looks = [await look()]

    await run('mount -o remount,rw /var/oem')
    looks.push(await look())
    await run('mount -o remount,ro /var/oem')
    looks.push(await look())

    expect(await isWritable('/var/oem')).toBe(false)
    expect(looks).toEqual(looks.map(() => ({ passed: true, said: undefined })))
  })
})

describe('a read-only bind (root and loop devices only)', () => {
  it.skipIf(!canLoop)('passes elsewhere, though nothing can be written there', async () => {
    const { run, look, isWritable } = await aHost()
    await run(`${mountExt4(KUBELET)} && mkdir /var/bound`)
    await look()

    await run(`mount --bind ${KUBELET} /var/bound && mount -o remount,bind,ro /var/bound`)

    expect(await isWritable('/var/bound')).toBe(false)
    expect(await look()).toEqual({ passed: true, said: undefined })
  })

  it.skipIf(!canLoop)('passes with a warning on what is needed', async () => {
    const { run, look } = await aHost()
    await run(mountExt4(KUBELET))

    await run(`mount -o remount,bind,ro ${KUBELET}`)

    const warning = '/var/lib/kubelet is mounted read-only; its file system is writable'
    expect(await look()).toEqual({ passed: true, said: warning })
  })

  it.skipIf(!canLoop)('is found at a point with a space in its name', async () => {
    const { run, look } = await aHost()
    await run(`${mountExt4('/var/data')} && mkdir '/var/my data'`)
    await run(`mount --move /var/data '/var/my data'`)
    await look()

    await run(`mount -o remount,ro '/var/my data'`)

    const reason = containing('/var/my data has turned read-only (ro,')
    expect(await look()).toEqual({ passed: false, said: reason })
  })
})
