/** The runtime's own word, asked of a real gRPC server on a unix socket: what passes, what fails, and what says nothing. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { dirname } from 'node:path'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { runCheck } from '../../../../node-exporter/checks/check.ts'
import { makeContainerRuntime } from '../../../../node-exporter/checks/container-runtime.ts'
import { CriRuntime, encodeStatus, type RuntimeBehaviour } from '../../../sandbox/cri-runtime.ts'
import { aNodeFacts } from '../../../support/exporter/a-node.ts'
import { matching } from '../../../support/like.ts'

const CONTAINERD = '/run/containerd/containerd.sock'
const CRIO = '/run/crio/crio.sock'
const CRI_DOCKERD = '/run/cri-dockerd.sock'
const K3S = '/run/k3s/containerd/containerd.sock'
const OTHERS = [
  K3S,
  '/run/k3s/cri-dockerd/cri-dockerd.sock',
  '/run/k0s/containerd.sock',
  '/var/snap/microk8s/common/run/containerd.sock',
]
const RUNTIME = { type: 'RuntimeReady', status: true }
const NETWORK = { type: 'NetworkReady', status: true }

let hostRoot = ''

beforeEach(async () => {
  hostRoot = await mkdtemp(`${tmpdir()}/pilotlight-test-`)
  return () => rm(hostRoot, { recursive: true, force: true })
})

/** A socket at `path` of the host, and its folder. */
async function start(behaviour: RuntimeBehaviour, path = CONTAINERD): Promise<CriRuntime> {
  await mkdir(dirname(`${hostRoot}${path}`), { recursive: true })
  const runtime = new CriRuntime(`${hostRoot}${path}`)
  onTestFinished(() => runtime.stop())
  await runtime.set(behaviour)
  return runtime
}

/** `answerMs` is short only where a runtime is meant to exceed it. */
function check(given: { socket?: string; answerMs?: number } = {}) {
  const made = makeContainerRuntime({ answerMs: 5000, ...given })
  return runCheck(made, aNodeFacts({ hostRoot }))
}

it('passes where it cannot tell, later than its own timeout', () => {
  expect(makeContainerRuntime()).toMatchObject({
    name: 'container_runtime',
    timeoutMs: 3000,
    cannotTell: 'pass',
  })
})

describe('a runtime that answers', () => {
  it('passes when it and its network are ready', async () => {
    const runtime = await start({ kind: 'ready' })

    const result = await check()

    expect(result).toEqual({ ...result, name: 'container_runtime', passed: true })
    expect(result).not.toHaveProperty('warning')
    expect(runtime.asked).toBe(1)
  })

  it.each<[string, RuntimeBehaviour, RegExp]>([
    ['it is not ready', { kind: 'runtime-not-ready' }, /: RuntimeReady is not true: Run/],
    ['its network is not ready', { kind: 'network-not-ready' }, /: NetworkReady .* cni plugin/],
    [
      'it fails',
      { kind: 'error', code: 2, details: 'ouch: 50 % \u00fc' },
      /error 2 .*: ouch.*\u00fc/,
    ],
    ['it is starting', { kind: 'error', code: 14, details: 'later' }, /error 14 of gRPC: later/],
  ])('fails when %s', async (_, behaviour, reason) => {
    await start(behaviour)

    expect(await check()).toMatchObject({ passed: false, reason: matching(reason) })
  })

  it.each([
    ['both, in either order', encodeStatus([NETWORK, RUNTIME]), true],
    ['both, among others', encodeStatus([{ type: 'X', status: false }, RUNTIME, NETWORK]), true],
    ['both, in two pieces', [encodeStatus([RUNTIME]), encodeStatus([NETWORK])], true],
    ['only one', encodeStatus([RUNTIME]), false],
    ['neither', encodeStatus([]), false],
    ['an unset condition', encodeStatus([RUNTIME, { type: 'NetworkReady', status: false }]), false],
  ])('is judged by both of its conditions: %s', async (_, message, passed) => {
    await start({ kind: 'message', message: Buffer.concat([message].flat()) })

    expect((await check()).passed).toBe(passed)
  })

  it('is told in words that fit a report', async () => {
    await start({ kind: 'error', code: 2, details: 'x'.repeat(5000) })

    expect((await check()).reason).toHaveLength(1022) // 1024 bytes, three of them the … at the end
  })
})

describe('a runtime without an answer', () => {
  it.each<RuntimeBehaviour>([{ kind: 'hang' }, { kind: 'silent' }])(
    'fails in its own time: $kind',
    async (behaviour) => {
      await start(behaviour)

      const result = await check({ answerMs: 150 })

      expect(result).toMatchObject({ passed: false, reason: matching(/no answer in 0.15 s$/) })
      expect(result.duration_ms).toBeLessThan(1000)
    },
  )

  it('fails when nobody listens any more', async () => {
    await start({ kind: 'refuse' })

    expect(await check()).toMatchObject({ passed: false, reason: matching(/refused/) })
  })

  it('fails when the socket is gone from its folder', async () => {
    await start({ kind: 'gone' })

    expect(await check()).toMatchObject({ passed: false, reason: matching(/the socket is not$/) })
  })

  it('fails when it hangs up', async () => {
    await start({ kind: 'raw', talk: (socket) => socket.destroy() })

    expect(await check()).toMatchObject({ passed: false, reason: matching(/hung up/) })
  })

  it('fails when it has no room for another connection', async () => {
    const path = `${hostRoot}${CONTAINERD}`
    await mkdir(dirname(path), { recursive: true })
    await stall(path)
    for (let i = 0; i < 3; i += 1) {
      const waiting = net.connect(path).on('error', () => undefined)
      onTestFinished(() => {
        waiting.destroy()
      })
    }

    expect(await check()).toMatchObject({ passed: false, reason: matching(/queue is full$/) })
  })

  it('is seen again as soon as it is back', async () => {
    const runtime = await start({ kind: 'ready' })
    const passed: boolean[] = []

    for (const kind of [
      'gone',
      'ready',
      'refuse',
      'ready',
      'network-not-ready',
      'ready',
    ] as const) {
      await runtime.set({ kind })
      passed.push((await check()).passed)
    }

    expect(passed).toEqual([false, true, false, true, false, true])
  })
})

describe('what says nothing of the runtime', () => {
  it.each([
    ['no folder is mounted', 'elsewhere'],
    ['a file is in the way', 'run'],
  ])('passes with a warning where %s', async (_, file) => {
    await writeFile(`${hostRoot}/${file}`, '')

    const result = await check()

    expect(result).toMatchObject({ passed: true, warning: matching(/^no folder .* is mounted$/) })
  })

  it('passes with a warning where CRI is not served', async () => {
    await start({ kind: 'unimplemented' })

    expect(await check()).toMatchObject({ passed: true, warning: matching(/not serve CRI v1$/) })
  })

  it('passes with a warning where something else listens', async () => {
    await start({ kind: 'raw', talk: (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n') })

    expect(await check()).toMatchObject({ passed: true, warning: matching(/not serve CRI v1: /) })
  })

  it('passes with a warning where the socket is shut to it', async () => {
    await start({ kind: 'ready' })
    await chmod(hostRoot, 0o755)
    await chmod(`${hostRoot}${CONTAINERD}`, 0)

    expect(await asNobody(check)).toMatchObject({ passed: true, warning: matching(/not open it$/) })
  })

  it('passes with a warning where its path is no path', async () => {
    const socket = `/${'x'.repeat(200)}`

    expect(await check({ socket })).toMatchObject({
      passed: true,
      warning: matching(/EINVAL|TOOLONG/),
    })
  })
})

describe('where the socket is', () => {
  it.each([...[CONTAINERD, CRIO, CRI_DOCKERD].flatMap((path) => [path, `/var${path}`]), ...OTHERS])(
    'is found by itself: %s',
    async (path) => {
      const runtime = await start({ kind: 'ready' }, path)

      const result = await check()

      expect(result).not.toHaveProperty('warning')
      expect(runtime.asked).toBe(1)
    },
  )

  it('is asked once where /var/run is /run', async () => {
    const runtime = await start({ kind: 'ready' })
    await mkdir(`${hostRoot}/var`)
    await symlink('../run', `${hostRoot}/var/run`)

    await check()

    expect(runtime.asked).toBe(1)
  })

  it.each(['/elsewhere/cri.sock', 'unix:///elsewhere/cri.sock'])(
    'is only where it is said to be: %s',
    async (socket) => {
      const byDefault = await start({ kind: 'ready' })
      await start({ kind: 'network-not-ready' }, '/elsewhere/cri.sock')

      const result = await check({ socket })

      expect(result).toMatchObject({ passed: false, reason: matching(/^\/elsewhere\/cri.sock: /) })
      expect(byDefault.asked).toBe(0)
    },
  )

  it.each([
    ['ready', 'ready', 'passes'],
    ['ready', 'gone', 'passes'],
    ['ready', 'unimplemented', 'passes'],
    ['ready', 'refuse', 'warns'],
    ['ready', 'network-not-ready', 'warns'],
    ['runtime-not-ready', 'gone', 'fails'],
    ['refuse', 'unimplemented', 'fails'],
    ['gone', 'unimplemented', 'fails'],
    ['gone', 'gone', 'fails'],
    ['unimplemented', 'unimplemented', 'warns'],
  ] as const)('may hold two runtimes: %s and %s', async (one, other, verdict) => {
    await start({ kind: one }, CRIO)
    await start({ kind: other }, CONTAINERD)

    const { passed, warning } = await check()

    const warned = warning === undefined ? 'passes' : 'warns'
    expect(passed ? warned : 'fails').toBe(verdict)
  })

  it.each([CRI_DOCKERD, ...OTHERS])(
    'passes and warns of an idle containerd beside what the kubelet uses: %s',
    async (used) => {
      await start({ kind: 'network-not-ready' }, CONTAINERD)
      const runtime = await start({ kind: 'ready' }, used)

      const { passed, warning } = await check()

      expect({ passed, warning }).toEqual({
        passed: true,
        warning: matching(/^\/run\/containerd\/containerd.sock: NetworkReady is not true/),
      })
      expect(runtime.asked).toBe(1)
    },
  )

  it('fails when both runtimes fail, and says what each told', async () => {
    await start({ kind: 'network-not-ready' }, CONTAINERD)
    await start({ kind: 'refuse' }, CRI_DOCKERD)

    const both = /containerd.sock: NetworkReady .*; \/run\/cri-dockerd.sock: refused/
    expect(await check()).toMatchObject({ passed: false, reason: matching(both) })
  })

  it.each([CRI_DOCKERD, '/run/k0s/containerd.sock'])(
    'says nothing by a folder that is not its own: %s',
    async (path) => {
      await mkdir(dirname(`${hostRoot}${path}`), { recursive: true })
      await mkdir(`${hostRoot}/var/run`, { recursive: true })

      const warning = 'no folder of a runtime socket is mounted'
      expect(await check()).toMatchObject({ passed: true, warning })
    },
  )

  it('is missed in any folder where it is said to be', async () => {
    await mkdir(`${hostRoot}/run`)

    const result = await check({ socket: CRI_DOCKERD })

    expect(result).toMatchObject({ passed: false, reason: matching(/the socket is not$/) })
  })

  it('cannot tell by one that fails beside one that is shut', async () => {
    await start({ kind: 'network-not-ready' }, CONTAINERD)
    await start({ kind: 'ready' }, CRI_DOCKERD)
    await chmod(hostRoot, 0o755)
    await chmod(`${hostRoot}${CONTAINERD}`, 0o777)
    await chmod(`${hostRoot}${CRI_DOCKERD}`, 0)

    expect(await asNobody(check)).toMatchObject({
      passed: true,
      warning: matching(/cri-dockerd.*may not open it.*; .*NetworkReady/),
    })
  })

  it('may be shut beside an empty folder, which says nothing', async () => {
    await start({ kind: 'gone' }, CONTAINERD)
    await start({ kind: 'ready' }, CRIO)
    await chmod(hostRoot, 0o755)
    await chmod(`${hostRoot}${CRIO}`, 0)

    expect(await asNobody(check)).toMatchObject({
      passed: true,
      warning: matching(/crio.*may not open it/),
    })
  })
})

/** Root may open everything, so it is nobody for a while. Others are somebody already. */
async function asNobody<T>(act: () => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) return act()
  process.seteuid?.(65_534)
  try {
    return await act()
  } finally {
    process.seteuid?.(0)
  }
}

/** A process that listens with room for one, and accepts nobody: what a stopped runtime comes to. */
async function stall(path: string): Promise<void> {
  const code = `require('net').createServer().listen({ path: ${JSON.stringify(path)}, backlog: 1 }, () => {
    require('fs').writeSync(1, 'up')
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  })`
  const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  await once(child.stdout, 'data')
}
