/** The way to the API server by KUBECONFIG: what it takes of one, how often it reads and asks, and what it never says. */
import { readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { delimiter } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { KubeApi } from '../../../../node-exporter/discovery/kube-api.ts'
import { findAccessFault, makeAccess } from '../../../../node-exporter/kubernetes/access.ts'
import { makeCertificates } from '../../../sandbox/api-server/certificates.ts'
import { aFolder } from '../../../support/exporter/a-setup.ts'
import { anApi, sayNode } from '../../../support/exporter/an-api.ts'

const { caPem } = await makeCertificates()

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

function by(kubeconfig: string) {
  return { kubeconfig, accountRoot: '/nowhere', env: {} }
}

function read(kubeconfig: string) {
  return makeAccess(by(kubeconfig))()
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
    const ca = Buffer.from(caPem).toString('base64')
    const server = 'https://rancher.example.com/k8s/clusters/c-1'

    const access = await read(
      aFile(aText({ cluster: { server, 'certificate-authority-data': ca } })),
    )

    expect(access.server.href).toBe(server)
    expect(String(access.tls.ca)).toBe(caPem)
    expect(access.headers).toEqual({ authorization: `Bearer ${SECRET}` })
    expect(access.tls).not.toHaveProperty('rejectUnauthorized')
  })

  it('may name the server otherwise, or trust whoever answers', async () => {
    const cluster = { 'insecure-skip-tls-verify': true, 'tls-server-name': 'kubernetes' }

    const access = await read(aFile(aText({ cluster })))

    expect(access.tls).toMatchObject({ rejectUnauthorized: false, servername: 'kubernetes' })
  })

  it.each([
    ['is refused without an authority', {}, false],
    ['is trusted where it is not to be verified', { 'insecure-skip-tls-verify': true }, true],
  ])('%s, on a real connection', async (_, cluster, isAnswered) => {
    const { url: server } = await anApi(sayNode())
    const api = new KubeApi({
      ...by(aFile(aText({ cluster: { server, ...cluster } }))),
      timeoutMs: 10_000,
    })
    onTestFinished(() => api.stop())

    const { signal } = new AbortController()
    const listing = { query: {}, signal, onItem: () => undefined }
    const asked = await api.list('/api/v1/nodes', listing).then(
      () => true,
      () => false,
    )

    expect(asked).toBe(isAnswered)
  })

  it('may be in several files', async () => {
    const users = aFile(JSON.stringify({ users: [{ name: 'u', user: { token: SECRET } }] }))
    const rest = aFile(aText().replace(/"users":\[.*?\],/, '"users":[],'))

    const access = await read([users, '', rest].join(delimiter))

    expect(access.headers).toEqual({ authorization: `Bearer ${SECRET}` })
  })

  it.each([
    ['before one that is', (there: string, missing: string) => [missing, there]],
    ['after one that is', (there: string, missing: string) => [there, missing]],
    ['on both sides', (there: string, missing: string) => [missing, there, missing]],
  ])('may name a file that isn’t there: %s', async (_, list) => {
    const files = list(aFile(aText()), `${aFolder()}/missing`).join(delimiter)

    expect((await read(files)).headers).toEqual({ authorization: `Bearer ${SECRET}` })
    expect(await findAccessFault(by(files))).toBeNull()
  })

  it('may be a file that comes later', async () => {
    const later = `${aFolder()}/later`
    const get = makeAccess(by([later, aFile(aText())].join(delimiter)))
    await get()

    // No name of one file may be in another.
    const text = aText({ user: { token: 'of-the-first' } })
    writeFileSync(later, text.replaceAll(/"([cux])"/g, '"$1-later"'))

    expect((await get()).headers).toEqual({ authorization: 'Bearer of-the-first' })
  })

  it('is read again when it was written again', async () => {
    const file = aFile(aText())
    const access = makeAccess(by(file))
    await access()

    writeFileSync(file, aText({ user: { token: 'another' } }))
    utimesSync(file, 1, 1)

    expect((await access()).headers).toEqual({ authorization: 'Bearer another' })
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
    const access = makeAccess(by(aFile(aText({ user }))))
    await access()

    vi.advanceTimersByTime(ms)
    const { headers } = await access()

    expect(headers).toEqual({ authorization: `Bearer ${SECRET}` })
    expect(countStarts()).toBe(starts)
  })

  it('is started once while it hangs, and its answer is for all', async () => {
    const go = `${aFolder()}/go`
    const { user, countStarts } = aPlugin(`until test -e ${go}; do sleep 0.02; done; ${CREDENTIAL}`)
    const access = makeAccess(by(aFile(aText({ user }))))

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

describe('a token', () => {
  it('in a file of its own is read for each request, and trimmed', async () => {
    const folder = aFolder()
    writeFileSync(`${folder}/token`, 'first\n')
    writeFileSync(`${folder}/kubeconfig`, aText({ user: { tokenFile: 'token' } }))
    const access = makeAccess(by(`${folder}/kubeconfig`))
    const first = await access()

    writeFileSync(`${folder}/token`, 'second\n')
    const second = await access()

    expect([first, second].map(({ headers }) => headers)).toEqual([
      { authorization: 'Bearer first' },
      { authorization: 'Bearer second' },
    ])
  })

  it.each([
    ['beside a file is the second choice', '/none', 'beside', 'Bearer beside'],
    ['in YAML loses its line break', '', 'beside\n', 'Bearer beside'],
  ])('%s', async (_, tokenFile, token, authorization) => {
    const user = { token, ...(tokenFile === '' ? {} : { tokenFile }) }

    expect((await read(aFile(aText({ user })))).headers).toEqual({ authorization })
  })

  it('in a file that is not there is a fault of the moment', async () => {
    const file = aFile(aText({ user: { tokenFile: `/none/${SECRET}` } }))

    await expect(read(file)).rejects.toThrow(
      /^KUBECONFIG names a tokenFile that can't be read: ENOENT$/,
    )
    expect(await findAccessFault(by(file))).toBeNull()
  })
})

it('impersonates the user, the uid and the groups that it names', async () => {
  const user = { token: SECRET, as: 'jane', 'as-uid': '7', 'as-groups': ['a', 'b'] }

  expect((await read(aFile(aText({ user })))).headers).toMatchObject({
    'impersonate-user': 'jane',
    'impersonate-uid': '7',
    'impersonate-group': ['a', 'b'],
  })
})

it.each([
  ['http://127.0.0.1:8001', 'direct', false],
  ['https://127.0.0.1:6443', 'direct', false],
  ['http://127.0.0.1:8001', 'http://127.0.0.1:3128', true],
  ['https://127.0.0.1:6443', 'http://127.0.0.1:3128', true],
  ['https://127.0.0.1:6443', 'socks5://127.0.0.1:1080', true],
])('asks %s by the way that it names: %s', async (server, proxy, hasAgent) => {
  const cluster = { server, ...(proxy === 'direct' ? {} : { 'proxy-url': proxy }) }

  const access = await read(aFile(aText({ cluster })))

  expect([access.server.origin, access.agent !== null]).toEqual([server, hasAgent])
})

const FOR_GOOD: [string, () => string, string][] = [
  ['no YAML', () => `users:\n- token: ${SECRET}\n  - x: [`, "can't be read: it is no kubeconfig"],
  ['no kubeconfig', () => `[${SECRET}]`, 'names no cluster'],
  ['empty', () => '', "can't be read: it is no kubeconfig"],
  ['without a cluster', () => '{}', 'names no cluster'],
  [
    'a server that is none',
    () => aText({ cluster: { server: SECRET } }),
    'names a server that is neither http nor https',
  ],
  [
    'a server of another scheme',
    () => aText({ cluster: { server: `ftp://${SECRET}` } }),
    'names a server that is neither http nor https',
  ],
  [
    'a proxy of another scheme',
    () => aText({ cluster: { 'proxy-url': `ftp://${SECRET}` } }),
    'names a proxy that is none of http, https and socks5',
  ],
  [
    'an authority that is not there',
    () => aText({ cluster: { 'certificate-authority': `/none/${SECRET}` } }),
    "names a certificate authority that can't be read: ENOENT",
  ],
  [
    'an authority that is no certificate',
    () => aText({ cluster: { 'certificate-authority-data': btoa(SECRET) } }),
    'names a certificate authority that is no certificate',
  ],
  [
    'a user that is not there',
    () => aText().replace('"users":[{"name":"u"', `"users":[{"name":"${SECRET}"`),
    'names a user that it does not hold',
  ],
]

const OF_THE_MOMENT: [string, () => string, string][] = [
  [
    'a plugin that is not there',
    () => aText({ user: { exec: { command: `/none/${SECRET}` } } }),
    'gives no credentials: ENOENT',
  ],
  [
    'a plugin that fails',
    () => aText({ user: runs(`echo ${SECRET} >&2; exit 1`) }),
    'gives no credentials: its plugin fails',
  ],
  [
    'a plugin that prints no JSON',
    () => aText({ user: runs(`echo ${SECRET}`) }),
    'gives no credentials: its plugin fails',
  ],
]

describe('what is wrong', () => {
  it.each([...FOR_GOOD, ...OF_THE_MOMENT])(
    'is said in words of its own, and no secret with it: %s',
    async (_, makeText, words) => {
      const said = await read(aFile(makeText())).then(
        () => 'nothing',
        (error: unknown) => String(error),
      )

      expect(said).toBe(`AccessFault: KUBECONFIG ${words}`)
    },
  )

  it.each(FOR_GOOD)('is found before the start: %s', async (_, makeText, words) => {
    expect(await findAccessFault(by(aFile(makeText())))).toBe(`KUBECONFIG ${words}`)
  })

  it.each(OF_THE_MOMENT)('is no reason not to start: %s', async (_, makeText) => {
    expect(await findAccessFault(by(aFile(makeText())))).toBeNull()
  })

  it('is found before the start where a client certificate is not there', async () => {
    const file = aFile(aText({ user: { 'client-certificate': `/none/${SECRET}` } }))

    expect(await findAccessFault(by(file))).toBe(
      "KUBECONFIG names a client certificate that can't be read: ENOENT",
    )
  })

  it.each([
    ['no file', () => [`${aFolder()}/none`], 'ENOENT'],
    ['none of several', () => [`${aFolder()}/none`, `${aFolder()}/nor-this`], 'ENOENT'],
    ['a folder beside a file', () => [aFile(aText()), aFolder()], 'EISDIR'],
  ])('is told by its code where there is %s', async (_, list, code) => {
    const files = list().join(delimiter)

    await expect(read(files)).rejects.toThrow(`KUBECONFIG can't be read: ${code}`)
  })
})
