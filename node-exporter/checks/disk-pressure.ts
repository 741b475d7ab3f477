/**
 * Whether the disks are as full as the kubelet evicts pods for: its own word, and the figures, for its word comes late
 * and not at all while the API server is away. Never asks a network file system.
 */
import { readFile } from 'node:fs/promises'
import type { Check, NodeFacts, Outcome } from './check.ts'
import { DiskSpace, type Figures, type Space, type StatFs } from './disk-space.ts'
import { findMount, isRemote, parseMountTable, type MountTable } from './mount-table.ts'

/** Percent that has to be free. */
export interface LeastFree {
  nodefs: number
  imagefs: number
  inodes: number
}

/** The kubelet's own `evictionHard`: nodefs.available, imagefs.available, inodesFree (reference, kubernetes 2.1). */
export const KUBELET_LEAST_FREE: LeastFree = { nodefs: 10, imagefs: 15, inodes: 5 }

/** The kubelet's folder and logs; images and layers of containerd and of CRI-O (reference, kubernetes 2.1). */
export const KEY_PATHS: readonly { path: string; kind: 'nodefs' | 'imagefs' }[] = [
  { path: '/var/lib/kubelet', kind: 'nodefs' },
  { path: '/var/log', kind: 'nodefs' },
  { path: '/var/lib/containerd', kind: 'imagefs' },
  { path: '/var/lib/containers', kind: 'imagefs' },
]

/** Our own table, unlike filesystem_ro: what matters is which file system our own call would touch. */
const OWN_MOUNTS = '/proc/self/mountinfo'

export interface DiskPressureSettings {
  leastFree?: LeastFree
  statfs?: StatFs
  /** The mountinfo to look paths up in. */
  mountsFile?: string
}

interface Findings {
  failures: string[]
  unknowns: string[]
}

/** With calls of its own: one outstanding for each mount. */
export function makeDiskPressure(settings: DiskPressureSettings = {}): Check {
  const { leastFree = KUBELET_LEAST_FREE, mountsFile = OWN_MOUNTS } = settings
  const space = new DiskSpace(settings.statfs)
  // More than a hanging statfs takes, so that it is told by its mount's name.
  return { name: 'disk_pressure', timeoutMs: 3000, cannotTell: 'pass', run }

  async function run(node: NodeFacts): Promise<Outcome> {
    const spaces = await measureAll(space, node.hostRoot, mountsFile)
    return combine(judgeCondition(node), judgeSpaces(spaces, leastFree))
  }
}

export const diskPressure: Check = makeDiskPressure()

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

/** By key path, without those on network file systems; a text is why nothing could be asked. */
type Spaces = ReadonlyMap<string, Space> | string

async function measureAll(space: DiskSpace, hostRoot: string, mountsFile: string): Promise<Spaces> {
  const mounts = await readMounts(mountsFile)
  if (typeof mounts === 'string') return mounts
  const measured = await Promise.all(
    groupByMount(mounts, hostRoot).map(async ({ point, paths }) => {
      const found = await space.measure(
        point,
        paths.map((path) => hostRoot + path),
      )
      return paths.map((path): [string, Space] => [path, pick(found, hostRoot + path, point)])
    }),
  )
  return new Map(measured.flat())
}

function pick(found: ReadonlyMap<string, Space> | 'hangs', path: string, point: string): Space {
  const hangs = { problem: `the file system at ${point} does not answer statfs` }
  return found === 'hangs' ? hangs : (found.get(path) ?? hangs)
}

/** Or why there is none; without it nothing may be asked, for it could be a network file system. */
async function readMounts(file: string): Promise<MountTable | string> {
  try {
    return parseMountTable(await readFile(file, 'utf8'))
  } catch (error) {
    return `no mount table: ${error instanceof Error ? error.message : String(error)}`
  }
}

function groupByMount(mounts: MountTable, hostRoot: string): { point: string; paths: string[] }[] {
  const local = KEY_PATHS.flatMap(({ path }) => {
    const mount = findMount(mounts, hostRoot + path)
    return mount === undefined || isRemote(mount) ? [] : { path, point: mount.point }
  })
  const groups = Map.groupBy(local, ({ point }) => point)
  return [...groups].map(([point, found]) => ({ point, paths: found.map(({ path }) => path) }))
}

function judgeSpaces(spaces: Spaces, leastFree: LeastFree): Findings {
  if (typeof spaces === 'string') return { failures: [], unknowns: [spaces] }
  const found = KEY_PATHS.map(({ path, kind }) => ({ path, kind, space: spaces.get(path) }))
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
