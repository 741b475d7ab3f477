/**
 * Whether the disks are as full as the kubelet evicts pods for: its own word, and the figures, for its word comes late
 * and not at all while the API server is away. Never asks a network file system.
 */
import { posix } from 'node:path'
import type { Check, NodeFacts, Outcome } from './check.ts'
import { DiskSpace, type Figures, type Silent, type Space, type StatFs } from './disk-space.ts'
import { findMount, isRemote, readMountTable, type MountTable } from './mount-table.ts'

/** Percent that has to be free. */
export interface LeastFree {
  nodefs: number
  imagefs: number
  inodes: number
}

/** The kubelet's own `evictionHard`: nodefs.available, imagefs.available, inodesFree (reference, kubernetes 2.1). */
export const KUBELET_LEAST_FREE: LeastFree = { nodefs: 10, imagefs: 15, inodes: 5 }

/** The kubelet's folder and logs. */
const NODEFS_PATHS = ['/var/lib/kubelet', '/var/log']
/** Images and layers of containerd and of CRI-O (reference, kubernetes 2.1). */
const IMAGEFS_PATHS = ['/var/lib/containerd', '/var/lib/containers']

/** Our own table, unlike filesystem_ro: what matters is which file system our own call would touch. */
const OWN_MOUNTS = '/proc/self/mountinfo'

export interface DiskPressureSettings {
  leastFree?: LeastFree
  /** Absolute, on the host; one that isn't there is passed over. */
  nodefsPaths?: readonly string[] | undefined
  imagefsPaths?: readonly string[] | undefined
  statfs?: StatFs
  /** The mountinfo to look paths up in. */
  mountsFile?: string
}

interface KeyPath {
  path: string
  kind: 'nodefs' | 'imagefs'
}

interface Findings {
  failures: string[]
  unknowns: string[]
}

/** With calls of its own: one outstanding for each mount. */
export function makeDiskPressure(settings: DiskPressureSettings = {}): Check {
  const {
    leastFree = KUBELET_LEAST_FREE,
    nodefsPaths = NODEFS_PATHS,
    imagefsPaths = IMAGEFS_PATHS,
    mountsFile = OWN_MOUNTS,
  } = settings
  const keys: KeyPath[] = [
    ...nodefsPaths.map((path) => ({ path, kind: 'nodefs' as const })),
    ...imagefsPaths.map((path) => ({ path, kind: 'imagefs' as const })),
  ]
  const space = new DiskSpace(settings.statfs)
  // More than a hanging statfs takes, so that it is told by its mount's name.
  return {
    name: 'disk_pressure',
    timeoutMs: 3000,
    cannotTell: 'pass',
    run,
    hasCallOut: () => space.hasCallOut(),
  }

  async function run(node: NodeFacts): Promise<Outcome> {
    const mounts = readMountTable(mountsFile)
    // Without a mount table nothing may be asked: it could be a network file system.
    if (typeof mounts === 'string') {
      return combine(judgeCondition(node), { failures: [], unknowns: [mounts] })
    }
    const groups = groupByMount(keys, mounts, node.hostRoot)
    const spaces = await measureAll(space, groups, node.hostRoot)
    return combine(judgeCondition(node), judgeSpaces(keys, spaces, leastFree))
  }
}

/** Local figures decide: what the API server can't say is worth a warning, and no more. */
function combine(kubelet: Findings, local: Findings): Outcome {
  const failures = [...kubelet.failures, ...local.failures]
  const unknowns = [...local.unknowns, ...kubelet.unknowns].join('; ')
  const warned = unknowns === '' ? {} : { warning: unknowns }
  if (failures.length > 0) return { passed: false, reason: failures.join('; '), ...warned }
  return local.unknowns.length > 0
    ? { passed: 'unknown', reason: unknowns }
    : { passed: true, ...warned }
}

function judgeCondition({ apiProblem, conditions }: NodeFacts): Findings {
  if (apiProblem !== null) return { failures: [], unknowns: [apiProblem] }
  const condition = conditions.get('DiskPressure')
  if (condition === undefined) {
    return { failures: [], unknowns: ['no DiskPressure from the kubelet'] }
  }
  return { failures: condition.status === 'True' ? [condition.reason] : [], unknowns: [] }
}

/** Some of the key paths, on one mount. */
interface Group {
  point: string
  paths: string[]
}

/** Without those on network file systems. */
function groupByMount(keys: readonly KeyPath[], mounts: MountTable, hostRoot: string): Group[] {
  const local = keys.flatMap(({ path }) => {
    const mount = findMount(mounts, posix.resolve(hostRoot + path)) // `/host/` is mounted as `/host`
    return mount === undefined || isRemote(mount) ? [] : { path, point: mount.point }
  })
  const groups = Map.groupBy(local, ({ point }) => point)
  return [...groups].map(([point, found]) => ({ point, paths: found.map(({ path }) => path) }))
}

/** By key path. */
type Spaces = ReadonlyMap<string, Space>

async function measureAll(space: DiskSpace, groups: Group[], hostRoot: string): Promise<Spaces> {
  const measured = await Promise.all(
    groups.map(async ({ point, paths }) => {
      const found = await space.measure(
        point,
        paths.map((path) => hostRoot + path),
      )
      return paths.map((path): [string, Space] => [path, pick(found, hostRoot + path, point)])
    }),
  )
  return new Map(measured.flat())
}

function pick(found: ReadonlyMap<string, Space> | Silent, path: string, point: string): Space {
  const hangs = { problem: `the file system at ${point} does not answer statfs` }
  switch (found) {
    case 'hangs':
      return hangs
    case 'waits':
      return { problem: `the file system at ${point} was not asked: others do not answer` }
    default:
      return found.get(path) ?? hangs
  }
}

function judgeSpaces(keys: readonly KeyPath[], spaces: Spaces, leastFree: LeastFree): Findings {
  const found = keys.map(({ path, kind }) => ({ path, kind, space: spaces.get(path) }))
  const there = found.filter(({ space }) => space !== undefined && space !== 'absent')
  if (there.length === 0) {
    return { failures: [], unknowns: ['none of the key paths is there on a local file system'] }
  }
  const failures = there.flatMap(({ path, kind, space }) =>
    isFigures(space)
      ? findShortages(space, { space: leastFree[kind], inodes: leastFree.inodes }).map(
          (shortage) => `${path} has ${shortage}`,
        )
      : [],
  )
  return { failures, unknowns: [...new Set(there.flatMap(({ space }) => problemOf(space)))] }
}

function isFigures(space: Space | undefined): space is Figures {
  return typeof space === 'object' && 'blocks' in space
}

function problemOf(space: Space | undefined): string[] {
  return typeof space === 'object' && 'problem' in space ? [space.problem] : []
}

function findShortages(
  { blocks, bavail, files, ffree }: Figures,
  least: { space: number; inodes: number },
): string[] {
  return [
    ...tellShortage('space', { free: bavail, total: blocks, leastPercent: least.space }),
    ...tellShortage('inodes', { free: ffree, total: files, leastPercent: least.inodes }),
  ]
}

/** As the kubelet compares: strictly less. A total of 0 is no measure. */
function tellShortage(
  what: string,
  { free, total, leastPercent }: { free: bigint; total: bigint; leastPercent: number },
): string[] {
  const isShort = free * 10_000n < total * BigInt(Math.round(leastPercent * 100))
  if (!isShort) return []
  const percent = Number((free * 1000n) / total) / 10 // rounded down: 9.99 % must not read as 10
  return [`${percent} % of its ${what} free, less than ${leastPercent} %`]
}
