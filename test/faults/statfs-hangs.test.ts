/**
 * File systems whose server never answers, under a whole node role: FUSE mounts that nobody serves, in a mount namespace
 * of their own, with the role as a process inside. Only root may make them; where it can't be done, the cases are skipped.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import * as v from 'valibot'
import { aKubeconfigToNowhere } from '../support/exporter/a-setup.ts'
import { findDeadPort, serve } from '../support/exporter/local-server.ts'
import { containing } from '../support/like.ts'

const MAIN = new URL('../../node-exporter/main.ts', import.meta.url).pathname
const SOON = { timeout: 10_000, interval: 50 }

/** A folder on a disk of its own, whose `x` leads onto the mount that hangs; `fd` is the server that says nothing. */
function mountHanging(name: string, fd: number): string {
  return [
    `mkdir -p /var/${name} /var/hung-${name}`,
    `mount -t tmpfs test /var/${name}`,
    `ln -s ../hung-${name} /var/${name}/x`,
    `exec ${fd}<>/dev/fuse`,
    `mount -i -t fuse -o fd=${fd},rootmode=40000,user_id=0,group_id=0 test /var/hung-${name}`,
  ].join(' && ')
}

const HOST = [
  'mount -t tmpfs -o size=1m test /var',
  'mkdir -p /var/log',
  'echo something > /var/log/messages',
  ...['a', 'b', 'c', 'd', 'e'].map((name, i) => mountHanging(name, 3 + i)),
].join(' && ')

/** '' where such a host can be made. */
function findObstacle(): string {
  try {
    execFileSync('unshare', ['--mount', 'sh', '-c', HOST], { stdio: 'ignore' })
    return ''
  } catch {
    return 'FUSE or namespaces are forbidden'
  }
}

/** Gives its process, in whose mount namespace five disks hang until the test ends. */
async function aHost(): Promise<ChildProcess> {
  const host = spawn('unshare', ['--mount', 'sh', '-c', `${HOST} && echo ready && exec cat`])
  onTestFinished(async () => {
    const ended = once(host, 'close')
    host.stdin.end() // it also ends when this process dies, and what hangs with it
    await ended
  })
  await once(host.stdout, 'data')
  return host
}

const bodySchema = v.object({
  checks: v.array(
    v.object({
      passed: v.boolean(),
      reason: v.optional(v.string()),
      warning: v.optional(v.string()),
    }),
  ),
})

function start(host: ChildProcess, given: Record<string, string>): ChildProcess {
  const inside = ['--target', String(host.pid), '--mount', process.execPath, MAIN]
  const KUBECONFIG = aKubeconfigToNowhere()
  const env = { ...process.env, HEALTH_PORT: '0', DRAIN_SECONDS: '0', KUBECONFIG, ...given }
  const role = spawn('nsenter', inside, { env, stdio: 'ignore' })
  onTestFinished(() => {
    role.kill('SIGKILL')
  })
  return role
}

async function aNodeRole(given: Record<string, string>) {
  const host = await aHost()
  const port = await findDeadPort()
  const env = { ROLE: 'node', NODE_NAME: 'node-a', LISTEN_PORT: String(port) }
  const role = start(host, { ...env, ...given })
  const ask = async (check: string) => {
    const startMs = performance.now()
    const response = await fetch(`http://127.0.0.1:${port}/health?check=${check}`)
    const { checks } = v.parse(bodySchema, await response.json())
    return { ...checks[0], status: response.status, ms: performance.now() - startMs }
  }
  await vi.waitFor(() => ask('conntrack'), SOON)
  return { role, ask }
}

/** How many of its threads wait for FUSE. */
function countStuck({ pid }: ChildProcess): number {
  const tasks = readdirSync(`/proc/${pid}/task`)
  return tasks.filter((task) =>
    readFileSync(`/proc/${pid}/task/${task}/wchan`, 'utf8').startsWith('fuse_'),
  ).length
}

const HANG = ['a', 'b', 'c', 'd', 'e'].map((name) => `/var/${name}/x`)
const obstacle = findObstacle()
const skipped = obstacle === '' ? '' : ` (skipped: ${obstacle})`

describe.skipIf(obstacle !== '')(`a node whose disks hang${skipped}`, () => {
  it('passes with a warning that names the disk, in time and then at once', async () => {
    const { role, ask } = await aNodeRole({ NODEFS_PATHS: '/var/a/x,/var/log' })

    const first = await ask('disk_pressure')
    const next = await ask('disk_pressure')

    const warning = containing('the file system at /var/a does not answer statfs')
    expect(first).toMatchObject({ status: 200, passed: true, warning })
    expect(first.ms).toBeLessThan(3500) // 2 s, and what two busy cores take
    expect(next).toMatchObject({ status: 200, passed: true, warning })
    expect(next.ms).toBeLessThan(500)
    expect(countStuck(role)).toBe(1)
  })

  it('still fails when another disk is full', async () => {
    const { ask } = await aNodeRole({
      NODEFS_PATHS: '/var/a/x',
      IMAGEFS_PATHS: '/var/log',
      IMAGEFS_FREE_PERCENT: '99.99', // which no disk with a file on it has
    })

    const { status, reason } = await ask('disk_pressure')

    expect(status).toBe(503)
    expect(reason).toMatch(/^\/var\/log has [\d.]+ % of its space free, less than 99.99 %$/)
  })

  it('answers for all else, though five of them hang and there are four threads', async () => {
    const { role, ask } = await aNodeRole({ NODEFS_PATHS: HANG.join() })
    await ask('disk_pressure')

    const mounts = await ask('filesystem_ro')
    const network = await ask('network')

    expect(countStuck(role)).toBe(2)
    expect(mounts).toMatchObject({ passed: true })
    expect(mounts.warning).toBeUndefined()
    expect(`${network.reason} ${network.warning}`).not.toContain('no answer within')
    expect((await ask('conntrack')).ms).toBeLessThan(500)
  })

  it('ends when it is told to, though its threads never do', async () => {
    const { role, ask } = await aNodeRole({ NODEFS_PATHS: HANG.join() })
    await ask('disk_pressure')
    expect(countStuck(role)).toBe(2)

    const ended = once(role, 'exit')
    role.kill('SIGTERM')

    expect(await ended).toEqual([null, 'SIGKILL']) // by its own hand: process.exit would wait for them
  })

  it('ends when its port is taken, though its disks are asked from the start', async () => {
    const host = await aHost()
    const { port } = await serve(() => undefined, '::')
    const given = {
      ROLE: 'node',
      NODE_NAME: 'node-a',
      LISTEN_PORT: '0',
      AGENT_PORT: String(port),
      NODE_CHECKS: 'disk_pressure',
      NODEFS_PATHS: HANG.join(),
    }

    const role = start(host, given)

    expect(await once(role, 'exit')).toEqual([1, null])
  })
})
