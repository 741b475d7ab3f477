/**
 * Whether a file system that the node has to write on became read-only, from the host's own mount table: its super
 * options, for a read-only mount of a writable file system is a harmless bind. It touches no disk.
 */
import type { Check, NodeFacts, Outcome } from './check.ts'
import { findMount, isRemote, readMountTable, type Mount, type MountTable } from './mount-table.ts'

/**
 * What the kubelet, the container runtimes (containerd, CRI-O) and logs write on (reference, kubernetes 2.2). Never
 * /usr, /boot, /sysroot or /efi: Flatcar and RHCOS mount them read-only by design. Where `/` itself is a read-only
 * ext4 (Bottlerocket, Google's COS) it has to be left out; Talos' squashfs is not judged at all.
 */
export const REQUIRED_WRITABLE: readonly string[] = [
  '/',
  '/var',
  '/var/lib/kubelet',
  '/var/lib/containerd',
  '/var/lib/containers',
  '/var/log',
]

/**
 * `errors=remount-ro` sets `ro`; on ext4 of newer kernels, 6.12 and on, `emergency_ro` (prometheus/node_exporter#3717). An
 * ext4 that was shut down fails every write and stays `rw,shutdown`; xfs says nothing of it in the table.
 */
const READ_ONLY = ['emergency_ro', 'shutdown', 'ro']

/** node_exporter's defaults, and memory: no disk of the node's, or read-only by design. */
const IGNORED_TYPES =
  /^(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|erofs|fusectl|hugetlbfs|iso9660|mqueue|nsfs|overlay|proc|procfs|pstore|ramfs|rpc_pipefs|securityfs|selinuxfs|squashfs|sysfs|tmpfs|tracefs)$/

/** node_exporter's defaults, and volumes, which are mounted as their pods ask, wherever the kubelet's folder is (k0s, MicroK8s). */
const IGNORED_POINTS =
  /^\/((dev|proc|sys)(\/|$)|(var\/lib\/docker|var\/lib\/containers\/storage)\/)|\/kubelet\/(pods|plugins)\//

/**
 * What a system is booted from. An update of an immutable system turns them writable, and back; where this process starts
 * during an update, only their place tells. Below /run: Elemental and Kairos (/run/initramfs/cos-state), Ubuntu Core
 * (/run/mnt/ubuntu-boot). Such a system mounts what it writes on elsewhere as well, and it is judged there.
 */
const BOOT_POINTS = /^\/(usr|boot|sysroot|efi|run)(\/|$)/

/** What earlier looks saw of one file system. */
interface Seen {
  /** `ro` at the first look: it is kept so, and only an update makes it writable for a while. */
  isKeptReadOnly: boolean
  wasWritable: boolean
}

/** By `keyOf`. */
type Memory = ReadonlyMap<string, Seen>

/** With a memory of its own; it starts empty, so what was dead before is only seen on a required path. */
export function makeFilesystemRo(required: readonly string[] = REQUIRED_WRITABLE): Check {
  let seen: Memory = new Map()
  return { name: 'filesystem_ro', timeoutMs: 1000, cannotTell: 'pass', run }

  function run({ hostRoot }: NodeFacts): Outcome {
    // Of pid 1 and not our own: in a container's namespace each mount of the host's may be a read-only bind.
    const mounts = readMounts(`${hostRoot}/proc/1/mountinfo`)
    if (typeof mounts === 'string') return { passed: 'unknown', reason: mounts }
    const needed = findNeeded(mounts, required)
    const disks = [...mounts.values()].filter(isDisk)
    const turned = disks.filter((mount) => hasTurned(mount, seen.get(keyOf(mount))))
    seen = remember(disks, seen)
    return judge({ needed, turned, disks })
  }
}

/** Or why there is none: hidepid, or `/proc` of the host is not mounted here. */
function readMounts(file: string): MountTable | string {
  const mounts = readMountTable(file)
  return typeof mounts === 'string' || mounts.has('/') ? mounts : `no mount of / in ${file}`
}

/** Each mount once, however many of the required paths sit on it. */
function findNeeded(mounts: MountTable, required: readonly string[]): Mount[] {
  const found = required.flatMap((path) => findMount(mounts, path) ?? [])
  return [...new Set(found)].filter((mount) => !isRemote(mount) && !IGNORED_TYPES.test(mount.type))
}

function isDisk(mount: Mount): boolean {
  return (
    mount.source.startsWith('/dev/') &&
    !isRemote(mount) &&
    !IGNORED_TYPES.test(mount.type) &&
    !IGNORED_POINTS.test(mount.point) &&
    !BOOT_POINTS.test(mount.point)
  )
}

/** A plain `ro` on a file system that is kept read-only is the end of an update; the other words tell of an error. */
function hasTurned(mount: Mount, seen: Seen | undefined): boolean {
  const word = readOnlyWord(mount)
  if (word === undefined || seen === undefined || !seen.wasWritable) return false
  return word !== 'ro' || !seen.isKeptReadOnly
}

/** What left the table is forgotten: its number may come back as another disk's. */
function remember(disks: Mount[], before: Memory): Memory {
  return new Map(
    disks.map((mount) => {
      const word = readOnlyWord(mount)
      const known = before.get(keyOf(mount))
      const isKeptReadOnly = known?.isKeptReadOnly ?? word === 'ro'
      const wasWritable = word === undefined || known?.wasWritable === true
      return [keyOf(mount), { isKeptReadOnly, wasWritable }]
    }),
  )
}

function keyOf({ device, type, source }: Mount): string {
  return `${device} ${type} ${source}`
}

function isReadOnly(mount: Mount): boolean {
  return readOnlyWord(mount) !== undefined
}

function readOnlyWord({ superOptions }: Mount): string | undefined {
  return READ_ONLY.find((word) => superOptions.has(word))
}

function judge(found: { needed: Mount[]; turned: Mount[]; disks: Mount[] }): Outcome {
  const needed = onePerFileSystem(found.needed.filter(isReadOnly), [])
  const turned = onePerFileSystem(found.turned, needed)
  const reasons = [
    ...needed.map((mount) => `${mount.point} is read-only ${describe(mount)}`),
    ...turned.map((mount) => `${mount.point} has turned read-only ${describe(mount)}`),
  ]
  if (reasons.length > 0) return { passed: false, reason: reasons.join('; ') }
  const warning = warn(found.needed, found.disks)
  if (found.needed.length === 0) {
    const reason = 'nothing to judge: no path that must be writable is on a disk; is HOST_ROOT set?'
    return { passed: 'unknown', reason, ...(warning === '' ? {} : { warning }) }
  }
  return warning === '' ? { passed: true } : { passed: true, warning }
}

/** Those of file systems that were not told of yet. */
function onePerFileSystem(mounts: Mount[], told: Mount[]): Mount[] {
  const known = new Set(told.map(keyOf))
  const first = new Map(mounts.toReversed().map((mount) => [keyOf(mount), mount]))
  return mounts.filter((mount) => first.get(keyOf(mount)) === mount && !known.has(keyOf(mount)))
}

/** What is odd, but no proof that the node can't write where it must. */
function warn(needed: Mount[], disks: Mount[]): string {
  const bound = needed.filter(({ options }) => options.has('ro'))
  const dead = disks.filter((disk) => isReadOnly(disk) && readOnlyWord(disk) !== 'ro')
  return [
    ...bound.map(({ point }) => `${point} is mounted read-only; its file system is writable`),
    ...onePerFileSystem(dead, []).map(
      (mount) => `${mount.point} was read-only before the first look ${describe(mount)}`,
    ),
  ].join('; ')
}

function describe(mount: Mount): string {
  return `(${readOnlyWord(mount)}, ${mount.type} on ${mount.source})`
}
