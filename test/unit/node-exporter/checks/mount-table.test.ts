/** Lines of mountinfo as kernels write them, and which mount a path sits on. */
import { writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import {
  findMount,
  isRemote,
  parseMountTable,
  readMountTable,
  type Mount,
} from '../../../../node-exporter/checks/mount-table.ts'
import { aFolder } from '../../../support/exporter/a-setup.ts'

const ROOT = '27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard'

function parseOne(line: string): Mount | undefined {
  return [...parseMountTable(line).values()][0]
}

describe('a line', () => {
  it('is read with both kinds of options apart', () => {
    const mount = parseOne(
      '65 44 7:0 /sub /data ro,noatime shared:1 - ext4 /dev/loop0 rw,emergency_ro',
    )

    expect(mount).toEqual({
      point: '/data',
      device: '7:0',
      type: 'ext4',
      source: '/dev/loop0',
      options: new Set(['ro', 'noatime']),
      superOptions: new Set(['rw', 'emergency_ro']),
    })
  })

  it.each([
    ['none', '1 0 8:1 / /a rw - ext4 /dev/sda1 rw'],
    ['one', '1 0 8:1 / /a rw shared:7 - ext4 /dev/sda1 rw'],
    ['several', '1 0 8:1 / /a rw shared:7 master:2 propagate_from:1 - ext4 /dev/sda1 rw'],
    ['a dash as its root', '1 0 8:1 - /a rw unbindable - ext4 /dev/sda1 rw'],
  ])('may have optional fields: %s', (_what, line) => {
    expect(parseOne(line)).toMatchObject({ point: '/a', type: 'ext4', source: '/dev/sda1' })
  })

  it.each([
    ['a space', String.raw`/my\040disk`, '/my disk'],
    ['a tab', String.raw`/my\011disk`, '/my\tdisk'],
    ['a newline', String.raw`/my\012disk`, '/my\ndisk'],
    ['a backslash', String.raw`/my\134disk`, String.raw`/my\disk`],
    ['an escaped escape', String.raw`/my\134040disk`, String.raw`/my\040disk`],
    ['what only looks like one', String.raw`/my\08disk`, String.raw`/my\08disk`],
  ])('gives back what was escaped: %s', (_what, written, point) => {
    expect(parseOne(`1 0 8:1 / ${written} rw - ext4 /dev/sda1 rw`)?.point).toBe(point)
  })

  it('keeps options apart where the source is empty', () => {
    const mount = parseOne('1 0 0:40 / /a rw - tmpfs  rw,size=4k')

    expect(mount).toMatchObject({ source: '', superOptions: new Set(['rw', 'size=4k']) })
  })

  it.each([
    ['an empty one', ''],
    ['one without a separator', '27 1 254:0 / / rw,relatime ext4 /dev/vda rw'],
    ['one that ends early', '27 1 254:0 / / rw -'],
    ['one of /proc/mounts', '/dev/vda / ext4 rw,relatime 0 0'],
    ['a point that is no path', '1 0 0:4 / net:[4026531840] rw - nsfs nsfs rw'],
  ])('is left out when it is none: %s', (_what, line) => {
    expect(parseMountTable(line).size).toBe(0)
  })
})

describe('a file', () => {
  it('is parsed once for as long as it says the same', () => {
    const file = `${aFolder()}/mountinfo`
    writeFileSync(file, ROOT)
    const first = readMountTable(file)

    expect(readMountTable(file)).toBe(first)
    writeFileSync(file, `${ROOT}\n1 0 8:1 / /a rw - ext4 /dev/sda1 rw`)
    expect(readMountTable(file)).toHaveProperty('size', 2)
  })
})

describe('a path', () => {
  const mounts = parseMountTable(
    [
      '30 27 8:2 / /var rw - ext4 /dev/sda2 rw',
      ROOT,
      '31 30 8:3 / /var/lib/kubelet rw - xfs /dev/sda3 rw',
      '32 30 8:4 / /var rw - btrfs /dev/sda4 rw',
    ].join('\n'),
  )

  it.each([
    ['the root itself', '/', '/dev/vda'],
    ['a folder of the root', '/etc', '/dev/vda'],
    ['a mount point, of which the last one counts', '/var', '/dev/sda4'],
    ['a folder below', '/var/log/pods', '/dev/sda4'],
    ['a mount in a mount', '/var/lib/kubelet', '/dev/sda3'],
    ['below a mount in a mount', '/var/lib/kubelet/pods', '/dev/sda3'],
    ['a name that only begins alike', '/var/lib/kubelet2', '/dev/sda4'],
    ['another name that only begins alike', '/variant', '/dev/vda'],
  ])('sits on the nearest mount above: %s', (_what, path, source) => {
    expect(findMount(mounts, path)?.source).toBe(source)
  })

  it('sits on nothing where there is no root', () => {
    expect(findMount(parseMountTable(''), '/var')).toBeUndefined()
  })
})

it.each([
  ['nfs', true],
  ['nfs4', true],
  ['cifs', true],
  ['ceph', true],
  ['9p', true],
  ['autofs', true],
  ['fuse', true],
  ['fuse.glusterfs', true],
  ['fuseblk', false],
  ['fusectl', false],
  ['nfsd', false],
  ['ext4', false],
  ['xfs', false],
  ['overlay', false],
])('knows what may hang on a server: %s, %s', (type, remote) => {
  const mounts = parseMountTable(`1 0 0:1 / / rw - ${type} x rw`)

  expect([...mounts.values()].map(isRemote)).toEqual([remote])
})
