/** The way to the API server: a pod's service account, read anew each time, else a kubeconfig, or what is missing. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { findAccessFault, makeAccess } from '../../../../node-exporter/kubernetes/access.ts'
import { makeCertificates } from '../../../sandbox/api-server/certificates.ts'
import { aFolder } from '../../../support/exporter/a-setup.ts'

const POD = { KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '6443' }
const { caPem } = await makeCertificates()

function anAccount(token: string, ca = caPem) {
  const accountRoot = aFolder()
  const folder = `${accountRoot}/var/run/secrets/kubernetes.io/serviceaccount`
  mkdirSync(folder, { recursive: true })
  writeFileSync(`${folder}/token`, token)
  writeFileSync(`${folder}/ca.crt`, ca)
  return { accountRoot, folder }
}

function readIn(env: Record<string, string>, accountRoot: string, kubeconfig?: string) {
  return { env, accountRoot, kubeconfig }
}

describe('a pod', () => {
  it.each([
    ['an address', POD, 'https://10.0.0.1:6443'],
    [
      'an address of IPv6',
      { ...POD, KUBERNETES_SERVICE_HOST: 'fd00::1' },
      'https://[fd00::1]:6443',
    ],
    ['no port', { KUBERNETES_SERVICE_HOST: '10.0.0.1' }, 'https://10.0.0.1'],
  ])('uses its service account, at %s', async (_, env, origin) => {
    const { accountRoot } = anAccount('secret')

    const access = await makeAccess(readIn(env, accountRoot))()

    expect(access.server.origin).toBe(origin)
    expect(access.headers).toEqual({ authorization: 'Bearer secret' })
    expect(String(access.tls.ca)).toBe(caPem)
  })

  it.each(['secret\n', 'secret\r\n', ' secret \n\n'])('trims its token: %j', async (token) => {
    const { accountRoot } = anAccount(token)

    const { headers } = await makeAccess(readIn(POD, accountRoot))()

    expect(headers).toEqual({ authorization: 'Bearer secret' })
  })

  it('takes up a token and an authority that were rotated', async () => {
    const { accountRoot, folder } = anAccount('old')
    const access = makeAccess(readIn(POD, accountRoot))
    await access()
    const { caPem: another } = await makeCertificates()

    writeFileSync(`${folder}/token`, 'new')
    writeFileSync(`${folder}/ca.crt`, another)

    const { headers, tls } = await access()
    expect([headers, String(tls.ca)]).toEqual([{ authorization: 'Bearer new' }, another])
  })

  it('without its token for a moment is no other user, and says what is missing', async () => {
    const { accountRoot, folder } = anAccount('secret')
    rmSync(`${folder}/token`)

    const access = makeAccess(readIn(POD, accountRoot, '/nowhere/kubeconfig'))

    await expect(access()).rejects.toThrow("the service account's token can't be read: ENOENT")
  })
})

const NO_ACCESS = 'KUBECONFIG is not set, and there is no service account'

it.each([
  ['outside a pod', {}],
  ['in a pod without a service account', POD],
])('says what is missing %s', async (_, env) => {
  await expect(makeAccess(readIn(env, aFolder()))()).rejects.toThrow(NO_ACCESS)
})

describe('what can never work', () => {
  it.each<[string, () => ReturnType<typeof readIn>, string]>([
    ['neither of both', () => readIn({}, '/nowhere'), NO_ACCESS],
    [
      'an authority that is none',
      () => readIn(POD, anAccount('secret', '').accountRoot),
      "the service account's ca.crt is no certificate",
    ],
    [
      'no such kubeconfig',
      () => readIn({}, '', '/nowhere/kubeconfig'),
      "KUBECONFIG can't be read: ENOENT",
    ],
  ])('is found before the start: %s', async (_, given, words) => {
    expect(await findAccessFault(given())).toContain(words)
  })

  it('isn’t a token that is missing for a moment', async () => {
    const { accountRoot, folder } = anAccount('secret')
    rmSync(`${folder}/token`)

    expect(await findAccessFault(readIn(POD, accountRoot))).toBeNull()
  })
})
