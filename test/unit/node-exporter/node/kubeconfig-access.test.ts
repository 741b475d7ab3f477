/** The way to the API server by KUBECONFIG: what it takes of one, how often it reads and asks, and what it never says. */
import { readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { delimiter } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { makeAccess } from '../../../../node-exporter/node/api-access.ts'
import { ApiConnection } from '../../../../node-exporter/node/api-connection.ts'
import { aFolder } from '../../../support/exporter/a-setup.ts'
import { anApi, sayNode } from '../../../support/exporter/an-api.ts'

const SECRET = 'eyJhbGciOiJub25lIn0'

interface Given {
  cluster?: object
  user?: object
}

function aText({ cluster = {}, user = { token: SECRET } }: Given = {}): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:6443', ...cluster } }],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  })
}

function aFile(text: string): string {
  const file = `${aFolder()}/kubeconfig`
  writeFileSync(file, text)
  return file
}

function read(kubeconfig: string) {
  return makeAccess({ KUBECONFIG: kubeconfig })()
}

/** A plugin that leaves a line in a file each time it is started. */
function aPlugin(script: string) {
  const traces = `${aFolder()}/traces`
  writeFileSync(traces, '')
  const countStarts = () => readFileSync(traces, 'utf8').split('\n').length - 1
  return { user: runs(`echo started >> ${traces}; ${script}`), countStarts }
}

function runs(script: string): object {
  const apiVersion = 'client.authentication.k8s.io/v1'
  return { exec: { apiVersion, command: 'sh', args: ['-c', script] } }
}

const CREDENTIAL = `echo '${JSON.stringify({ status: { token: SECRET } })}'`

describe('a kubeconfig', () => {
  it('gives its authority, its server and its token', async () => {
    const ca = Buffer.from('the authority').toString('base64')
    const server = 'https://rancher.example.com/k8s/clusters/c-1'

    const access = await read(
      aFile(aText({ cluster: { server, 'certificate-authority-data': ca } })),
    )

    expect(access.server.href).toBe(server)
    expect(String(access.ca)).toBe('the authority')
    expect(access.headers).toEqual({ Authorization: `Bearer ${SECRET}` })
    expect(access).not.toHaveProperty('rejectUnauthorized')
  })

  it('may name the server otherwise, or trust whoever answers', async () => {
    const cluster = { 'insecure-skip-tls-verify': true, 'tls-server-name': 'kubernetes' }

    const access = await read(aFile(aText({ cluster })))

    expect(access).toMatchObject({ rejectUnauthorized: false, servername: 'kubernetes' })
  })

  it.each([
    ['is refused without an authority', {}, false],
    ['is trusted where it is not to be verified', { 'insecure-skip-tls-verify': true }, true],
  ])('%s, on a real connection', async (_, cluster, isAnswered) => {
    const api = await anApi(sayNode())
    const { server } = await api.access()
    const connection = new ApiConnection()

    const file = aFile(aText({ cluster: { server: server.href, ...cluster } }))
    const access = makeAccess({ KUBECONFIG: file })
    const asked = await connection
      .get({ access, path: '/', timeoutMs: 5000 })
      .then(({ status }) => status === 200)
      .catch(() => false)
    connection.stop()

    expect(asked).toBe(isAnswered)
  })

  it('may be in several files', async () => {
    const users = aFile(JSON.stringify({ users: [{ name: 'u', user: { token: SECRET } }] }))
    const rest = aFile(aText().replace(/"users":\[.*?\],/, '"users":[],'))

    const access = await read([users, '', rest].join(delimiter))

    expect(access.headers).toEqual({ Authorization: `Bearer ${SECRET}` })
  })

  it('is read again when it was written again', async () => {
    const file = aFile(aText())
    const access = makeAccess({ KUBECONFIG: file })
    await access()

    writeFileSync(file, aText({ user: { token: 'another' } }))
    utimesSync(file, 1, 1)

    expect((await access()).headers).toEqual({ Authorization: 'Bearer another' })
  })
})

describe('a plugin', () => {
  it.each([
    ['one millisecond less than a minute', 59_999, 1],
    ['a minute, for the token may have been taken back', 60_000, 2],
  ])('is started once in %s', async (_, ms, starts) => {
    vi.useFakeTimers({ toFake: ['performance'] })
    onTestFinished(() => void vi.useRealTimers())
    const { user, countStarts } = aPlugin(CREDENTIAL)
    const access = makeAccess({ KUBECONFIG: aFile(aText({ user })) })
    await access()

    vi.advanceTimersByTime(ms)
    const { headers } = await access()

    expect(headers).toEqual({ Authorization: `Bearer ${SECRET}` })
    expect(countStarts()).toBe(starts)
  })

  it('is started once while it hangs, and its answer is for all', async () => {
    const go = `${aFolder()}/go`
    const { user, countStarts } = aPlugin(`until test -e ${go}; do sleep 0.02; done; ${CREDENTIAL}`)
    const access = makeAccess({ KUBECONFIG: aFile(aText({ user })) })

    const both = [access(), access()]
    await vi.waitFor(() => {
      expect(countStarts()).toBe(1)
    }, 5000)
    both.push(access())
    writeFileSync(go, '')

    expect(await Promise.all(both)).toHaveLength(3)
    expect(countStarts()).toBe(1)
  })
})

describe('what is wrong', () => {
  it.each<[string, string, string]>([
    ['no YAML', `users:\n- token: ${SECRET}\n  - x: [`, "can't be read: it is no kubeconfig"],
    ['no kubeconfig', `[${SECRET}]`, 'names no cluster'],
    ['empty', '', "can't be read: it is no kubeconfig"],
    ['without a cluster', '{}', 'names no cluster'],
    [
      'one with a server that is none',
      aText({ cluster: { server: SECRET } }),
      'names a server that is not https',
    ],
    [
      'one whose plugin is not there',
      aText({ user: { exec: { command: `/none/${SECRET}` } } }),
      'gives no credentials: ENOENT',
    ],
    [
      'one whose plugin fails',
      aText({ user: runs(`echo ${SECRET} >&2; exit 1`) }),
      'gives no credentials: its plugin fails',
    ],
    [
      'one whose plugin prints no JSON',
      aText({ user: runs(`echo ${SECRET}`) }),
      'gives no credentials: its plugin fails',
    ],
    [
      'one with a certificate that is not there',
      aText({ user: { 'client-certificate': `/none/${SECRET}` } }),
      'gives no credentials: ENOENT',
    ],
  ])('is said in words of its own, and no secret with it: %s', async (_, text, words) => {
    const said = await read(aFile(text)).then(
      () => 'nothing',
      (error: unknown) => String(error),
    )

    expect(said).toBe(`Error: KUBECONFIG ${words}`)
  })

  it('is told by its code where there is no file', async () => {
    await expect(read(`${aFolder()}/none`)).rejects.toThrow("KUBECONFIG can't be read: ENOENT")
  })
})
