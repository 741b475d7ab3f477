/**
 * The kernel's mount table, from mountinfo and never from `mounts`: that one merges a mount's own flags with those of
 * the file system beneath, so a harmless read-only bind looks like a dead disk there (reference, kubernetes 2.2).
 */
import { readFileSync } from 'node:fs'
import { posix } from 'node:path'

export interface Mount {
  /** Where it is mounted, seen from the root of the process whose table it is. */
  point: string
  /** `major:minor`; the same for all mounts of one file system. */
  device: string
  type: string
  /** `/dev/sda1`, a pool, a server: what was mounted. */
  source: string
  /** This mount's alone. */
  options: ReadonlySet<string>
  /** The file system's, through whatever mount it is seen. */
  superOptions: ReadonlySet<string>
}

/** By mount point: of several on one point only the last can be seen. */
export type MountTable = ReadonlyMap<string, Mount>

/** Of each file: with 20,000 mounts parsing takes 0.1 s in which nobody is answered, and a table seldom changes. */
const latest = new Map<string, { text: string; mounts: MountTable }>()

/** Or why there is none. At once, not by promise: a dead disk may hold every thread that reads files; proc never blocks. */
export function readMountTable(file: string): MountTable | string {
  try {
    const text = readFileSync(file, 'utf8')
    const known = latest.get(file)
    if (known?.text === text) return known.mounts
    const mounts = parseMountTable(text)
    latest.set(file, { text, mounts })
    return mounts
  } catch (error) {
    return `no mount table: ${error instanceof Error ? error.message : String(error)}`
  }
}

/** Lines that are not a mount's are left out; a table of none is an empty one. */
export function parseMountTable(text: string): MountTable {
  const mounts = text.split('\n').flatMap((line) => parseMount(line) ?? [])
  return new Map(mounts.map((mount) => [mount.point, mount]))
}

/** `id parent device root point options [optional …] - type source superOptions` (man 5 proc_pid_mountinfo). */
function parseMount(line: string): Mount | undefined {
  const fields = line.split(' ')
  const end = fields.indexOf('-', 6) // as many optional fields as the kernel likes, none as well
  const [, , device = '', , point = '', options = ''] = fields
  const [type = '', source = '', ...superOptions] = end === -1 ? [] : fields.slice(end + 1)
  if (type === '' || !point.startsWith('/')) return undefined
  return {
    point: unescape(point),
    device,
    type,
    source: unescape(source),
    options: new Set(options.split(',')),
    superOptions: new Set(superOptions.join(' ').split(',')),
  }
}

/** Space, tab, newline and backslash come as three octal digits. */
function unescape(text: string): string {
  if (!text.includes('\\')) return text
  return text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCodePoint(Number.parseInt(octal, 8)),
  )
}

/** The mount that an absolute path sits on; undefined where the table has no root. */
export function findMount(mounts: MountTable, path: string): Mount | undefined {
  const mount = mounts.get(path)
  return mount === undefined && path !== '/' ? findMount(mounts, posix.dirname(path)) : mount
}

/** Not the node's disk, and may hang for as long as its server does; autofs would go and mount one. */
const REMOTE =
  /^(9p|afs|autofs|beegfs|ceph|cifs|coda|fuse(\..+)?|glusterfs|gpfs|lustre|ncpfs|nfs\d?|smb3|smbfs)$/

export function isRemote({ type }: Mount): boolean {
  return REMOTE.test(type)
}
