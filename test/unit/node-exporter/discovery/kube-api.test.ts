/** The way to the API server where its credentials are what fails: what is said of it, and that nothing hangs on a plugin. */
import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { KubeApi } from '../../../../node-exporter/discovery/kube-api.ts'
import { aFolder } from '../../../support/exporter/a-setup.ts'

const SECRET = 'hunter2-secret'

function aText(user: object): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:1' } }],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  })
}

function runs(script: string): object {
  const apiVersion = 'client.authentication.k8s.io/v1'
  return { exec: { apiVersion, command: 'sh', args: ['-c', script] } }
}

function anApi(text: string, timeoutMs = 5000): KubeApi {
  const kubeconfig = `${aFolder()}/kubeconfig`
  writeFileSync(kubeconfig, text)
  const api = new KubeApi({ kubeconfig, accountRoot: '/nowhere', timeoutMs })
  onTestFinished(() => api.stop())
  return api
}

async function faultOf(api: KubeApi, signal = new AbortController().signal): Promise<string> {
  return api.list('/api/v1/services', { query: {}, signal, onItem: () => undefined }).then(
    () => 'nothing',
    (error: unknown) => String(error),
  )
}

/** It has been started, and ends after the test. */
function aHangingPlugin() {
  const folder = aFolder()
  const [traces, end] = [`${folder}/traces`, `${folder}/end`]
  writeFileSync(traces, '')
  onTestFinished(() => {
    writeFileSync(end, '')
  })
  const script = `echo started >> ${traces}; until test -e ${end} || ! test -d ${folder}; do sleep 0.05; done; exit 1`
  return {
    user: runs(script),
    countStarts: () => readFileSync(traces, 'utf8').split('\n').length - 1,
  }
}

describe('what is wrong with credentials', () => {
  it.each<[string, string, string]>([
    ['no YAML', `users: *${SECRET}`, "can't be read: it is no kubeconfig"],
    ['an unknown tag', `users: !<${SECRET}> x`, "can't be read: it is no kubeconfig"],
    ['no kubeconfig', `[${SECRET}]`, 'names no cluster'],
    [
      'a plugin that fails',
      aText(runs(`echo refresh failed for token ${SECRET} >&2; exit 1`)),
      'gives no credentials: its plugin fails',
    ],
    [
      'a plugin that prints no JSON',
      aText(runs(`echo ${SECRET}`)),
      'gives no credentials: its plugin fails',
    ],
    [
      'a plugin that is not there',
      aText({ exec: { command: `/none/${SECRET}` } }),
      'gives no credentials: ENOENT',
    ],
  ])('is said in words of its own, and no secret with it: %s', async (_, text, words) => {
    expect(await faultOf(anApi(text))).toBe(`KubeError: KUBECONFIG ${words}`)
  })

  it('is tried anew by the next request', async () => {
    const traces = `${aFolder()}/traces`
    const api = anApi(aText(runs(`echo started >> ${traces}; exit 1`)))

    await faultOf(api)
    await faultOf(api)

    expect(readFileSync(traces, 'utf8')).toBe('started\nstarted\n')
  })
})

describe('a credential plugin that hangs', () => {
  it('costs each request its time, and is started once', async () => {
    const { user, countStarts } = aHangingPlugin()
    const api = anApi(aText(user), 200)

    const faults = [await faultOf(api), await faultOf(api)]

    expect(faults).toEqual(Array<string>(2).fill('KubeError: no way to the API server in time'))
    expect(countStarts()).toBe(1)
  })

  it('holds up neither a request that is given up nor the stop', async () => {
    const { user, countStarts } = aHangingPlugin()
    const api = anApi(aText(user), 60_000)
    const givingUp = new AbortController()
    const fault = faultOf(api, givingUp.signal)
    await vi.waitFor(() => {
      expect(countStarts()).toBe(1)
    }, 5000)

    givingUp.abort()

    expect(await fault).toContain('aborted')
    const stoppedMs = performance.now()
    await api.stop()
    expect(performance.now() - stoppedMs).toBeLessThan(2000)
  })
})
