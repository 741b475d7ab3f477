/**
 * A host of its own to mount on: private mount and process namespaces whose /var is memory, seen from here as a node
 * exporter sees its host, below a folder. All that was mounted goes with its last process, loop devices too.
 */
import { execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { onTestFinished } from 'vitest'

export interface MountingHost {
  /** The host's `/`; its `/proc/1` is the namespace's first process. */
  hostRoot: string
  /** In a shell on that host; rejects when the command fails. */
  run: (command: string) => Promise<string>
}

const execute = promisify(execFile)

/** Whoever may make the namespaces; `needs` are commands, run in them, that have to succeed as well. */
export function canMount(...needs: string[]): boolean {
  try {
    const script = ['mount -t tmpfs test /var', ...needs].join(' && ')
    execFileSync('unshare', [...NAMESPACES, 'sh', '-c', script], { stdio: 'ignore' })
    return true
  } catch {
    return false // not Linux, not root, or no such command: the test says that it is skipped
  }
}

/** An ext4 of so many MB in a file in memory, mounted at `point`; autoclear detaches it with its last mount. */
export function mountExt4(point: string, megabytes = 16): string {
  const image = `/var/${point.replaceAll('/', '-')}.img`
  return [
    `truncate -s ${megabytes}M ${image}`,
    `mkfs.ext4 -q ${image}`,
    `mkdir -p ${point}`,
    `mount -o loop,errors=remount-ro ${image} ${point}`,
  ].join(' && ')
}

export async function aMountingHost(): Promise<MountingHost> {
  const keeper = spawn('unshare', [...NAMESPACES, 'sh', '-c', 'echo ready && exec cat'])
  onTestFinished(async () => {
    const ended = once(keeper, 'close')
    keeper.stdin.end() // it also ends when this process dies
    await ended
  })
  await once(keeper.stdout, 'data')
  const first = readFileSync(`/proc/${keeper.pid}/task/${keeper.pid}/children`, 'utf8').trim()
  const run = async (command: string) => {
    const inside = ['--target', first, '--mount', '--pid', 'sh', '-c', command]
    return (await execute('nsenter', inside)).stdout.trim()
  }
  await run('mount -t tmpfs -o size=256m test /var && mkdir -p /var/log /var/lib')
  return { hostRoot: `/proc/${first}/root`, run }
}

const NAMESPACES = ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc']
