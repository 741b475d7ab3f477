/** The way to the API server: a pod's service account, read anew each time, else a kubeconfig, or what is missing. */
import { writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { makeAccess } from '../../../../node-exporter/node/api-access.ts'
import { aFolder } from '../../../support/exporter/a-setup.ts'

const POD = { KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '6443' }

function anAccount(token: string): string {
  const folder = aFolder()
  writeFileSync(`${folder}/token`, token)
  writeFileSync(`${folder}/ca.crt`, 'the authority')
  return folder
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
    const access = await makeAccess(env, anAccount('secret\n'))()

    expect(access.server.origin).toBe(origin)
    expect(access.headers).toEqual({ authorization: 'Bearer secret' })
    expect(String(access.ca)).toBe('the authority')
  })

  it('takes up a token and an authority that were rotated', async () => {
    const account = anAccount('old')
    const access = makeAccess(POD, account)
    await access()

    writeFileSync(`${account}/token`, 'new')
    writeFileSync(`${account}/ca.crt`, 'another authority')

    const { headers, ca } = await access()
    expect([headers, String(ca)]).toEqual([{ authorization: 'Bearer new' }, 'another authority'])
  })
})

it.each([
  ['outside a pod', {}],
  ['in a pod without a service account', POD],
])('says what is missing %s', async (_, env) => {
  await expect(makeAccess(env, aFolder())()).rejects.toThrow('no service account and no KUBECONFIG')
})
