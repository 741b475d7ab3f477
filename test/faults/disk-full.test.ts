/** File systems that are really full: of bytes, of inodes, as root and the kubelet count them. */
import { describe, expect, it } from 'vitest'
import { runCheck } from '../../node-exporter/checks/check.ts'
import { makeDiskPressure } from '../../node-exporter/checks/disk-pressure.ts'
import { aNodeFacts } from '../support/exporter/a-node.ts'
import { aMountingHost, canMount, mountExt4 } from '../support/exporter/a-mounting-host.ts'
import { matching } from '../support/like.ts'

const KUBELET = '/var/lib/kubelet'
const IMAGES = '/var/lib/containerd'

const canMountMemory = canMount()
const canLoop = canMount(mountExt4('/var/probe'))

async function aHost() {
  const { hostRoot, run } = await aMountingHost()
  const look = async () => {
    const { passed, reason, warning } = await runCheck(makeDiskPressure(), aNodeFacts({ hostRoot }))
    return { passed, said: reason ?? warning }
  }
  return { run, look }
}

function mountMemory(point: string, options: string): string {
  return `mkdir -p ${point} && mount -t tmpfs -o ${options} test ${point}`
}

function fill(point: string, megabytes: number): string {
  return `dd if=/dev/zero of=${point}/filled bs=1M count=${megabytes} status=none`
}

describe('a small disk (root only)', () => {
  it.skipIf(!canMountMemory)('fails below 10 %, and passes again when emptied', async () => {
    const { run, look } = await aHost()
    await run(mountMemory(KUBELET, 'size=10m'))

    await run(fill(KUBELET, 9))
    expect(await look()).toEqual({ passed: true, said: undefined })

    await run(`echo one more > ${KUBELET}/drop`)
    const reason = '/var/lib/kubelet has 9.9 % of its space free, less than 10 %'
    expect(await look()).toEqual({ passed: false, said: reason })

    await run(`rm ${KUBELET}/filled`)
    expect(await look()).toEqual({ passed: true, said: undefined })
  })

  it.skipIf(!canMountMemory)('fails with room but without inodes', async () => {
    const { run, look } = await aHost()
    await run(mountMemory(KUBELET, 'size=10m,nr_inodes=100'))
    expect(await look()).toEqual({ passed: true, said: undefined })

    await run(`cd ${KUBELET} && seq 96 | xargs touch`) // and its root folder

    const reason = '/var/lib/kubelet has 3 % of its inodes free, less than 5 %'
    expect(await look()).toEqual({ passed: false, said: reason })
  })

  it.skipIf(!canMountMemory)('fails for images at 12 %, for logs it would do', async () => {
    const { run, look } = await aHost()
    await run(mountMemory('/var/log', 'size=100m'))
    await run(fill('/var/log', 88))
    expect(await look()).toEqual({ passed: true, said: undefined })

    await run(mountMemory(IMAGES, 'size=100m'))
    await run(fill(IMAGES, 88))

    const reason = '/var/lib/containerd has 12 % of its space free, less than 15 %'
    expect(await look()).toEqual({ passed: false, said: reason })
  })

  it.skipIf(!canLoop)('counts what root has reserved as not free', async () => {
    const { run, look } = await aHost()
    await run(`${mountExt4(KUBELET)} && tune2fs -m 50 $(findmnt -no SOURCE ${KUBELET})`)
    await run(fill(KUBELET, 6))
    const [blocks = 0, free = 0, available = 0] = (await run(`stat -fc '%b %f %a' ${KUBELET}`))
      .split(' ')
      .map(Number)

    expect(free / blocks).toBeGreaterThan(0.1)
    expect(available / blocks).toBeLessThan(0.1)
    const reason = matching(/^\/var\/lib\/kubelet has [\d.]+ % of its space free/)
    expect(await look()).toEqual({ passed: false, said: reason })
  })

  it.skipIf(!canMountMemory)('passes with a warning where no path is there', async () => {
    const { run, look } = await aHost()

    await run('rmdir /var/log')

    const warning = 'none of the key paths is there on a local file system'
    expect(await look()).toEqual({ passed: true, said: warning })
  })
})
