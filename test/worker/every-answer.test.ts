/** What holds for each answer of the Worker, by a walk over its own routing table and over all refusals. */
import { exports } from 'cloudflare:workers'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { app } from '../../worker/app.ts'
import { Cluster } from '../../worker/index.ts'
import { aSnapshot } from '../support/a-report.ts'
import { upgrade } from './a-link.ts'
import { ask, bytesOf, ORIGIN, push, takeCluster, type PushOptions } from './edge.ts'
import { askWith, BEARER, browse, HTML, signIn, submit } from './visitors.ts'

const METHODS = ['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'DELETE', 'PATCH', 'PURGE']
const ACCEPTS = ['*/*', 'application/json', HTML]
const PATHS = [...new Set(app.routes.map(({ path }) => path))]

beforeEach(() => {
  vi.spyOn(console, 'error').mockReturnValue()
})
afterEach(() => {
  vi.restoreAllMocks()
})

/** A path of the routing table as somebody asks for it. */
function fill(path: string, cluster: string): string {
  return path.replace(':cluster', cluster).replaceAll(/:\w+/g, 'x').replaceAll('*', 'x')
}

/** `/v1/clusters/c0/reports POST: 401`, where an answer lacks what every answer has. */
function findFault(what: string, response: Response): string[] {
  const isKept = response.headers.get('x-content-type-options') === 'nosniff'
  return isKept ? [] : [`${what}: ${response.status}`]
}

async function findFaults(path: string, headers: Record<string, string>): Promise<string[]> {
  const answers = METHODS.flatMap((method) =>
    ACCEPTS.map(async (accept) => {
      const response = await ask(path, { method, headers: { accept, ...headers } })
      await response.text()
      return findFault(`${path} ${method} ${accept}`, response)
    }),
  )
  return (await Promise.all(answers)).flat()
}

describe('every answer says nosniff', () => {
  it('to each method and form of each path of the routing table', async () => {
    const cluster = takeCluster()
    await push(aSnapshot({ cluster, observedAt: Date.now() }))
    const visitors = [{}, BEARER, { authorization: 'Bearer wrong' }, await signIn()]
    const paths = [...PATHS.map((path) => fill(path, cluster)), '/nothing', '/clusters/nowhere/']

    const faults: string[] = []
    for (const path of paths) {
      for (const headers of visitors) {
        // oxlint-disable-next-line no-await-in-loop -- the walk is long, the runtime is one
        faults.push(...(await findFaults(path, headers)))
      }
    }

    expect(paths.length).toBeGreaterThan(30)
    expect(faults).toEqual([])
  }, 120_000)

  it.each<[string, number, PushOptions]>([
    ['of another cluster', 403, { cluster: 'c59' }],
    ['with a wrong signature', 401, { secret: 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD' }],
    ['without its headers', 400, { headers: { 'webhook-id': '' } }],
    ['too large', 413, { body: new Uint8Array(300 * 1024) }],
    ['of another type', 415, { headers: { 'content-type': 'text/plain' } }],
    ['that is rubbish', 422, { body: bytesOf('{}') }],
    ['that is taken', 202, {}],
  ])('to a report %s: %i', async (_, status, options) => {
    const report = aSnapshot({ cluster: takeCluster(), observedAt: Date.now() })

    const response = await push(report, options)

    expect([response.status, findFault('report', response)]).toEqual([status, []])
  })

  it('to a report that is too old, and to one that the object can’t take', async () => {
    const report = aSnapshot({ cluster: takeCluster(), observedAt: Date.now() })
    await push(report)

    const old = await push(report)
    vi.spyOn(Cluster.prototype, 'take').mockRejectedValue(new Error('overloaded'))
    const lost = await push(report)

    expect([old.status, findFault('409', old)]).toEqual([409, []])
    expect([lost.status, findFault('503', lost)]).toEqual([503, []])
  })

  it('to an upgrade, and to each refusal of one', async () => {
    const cluster = takeCluster()

    const answers = [
      await upgrade(cluster, { epoch: 1, sequence: 2 }),
      await upgrade(cluster, { epoch: 1, sequence: 1 }),
      await upgrade(cluster, { epoch: 1, sequence: 3 }, { headers: { upgrade: '' } }),
      await upgrade(cluster, { epoch: 1, sequence: 3 }, { timestampSeconds: 1 }),
    ]

    answers[0]?.webSocket?.accept()
    answers[0]?.webSocket?.close()
    expect(answers.map(({ status }) => status)).toEqual([101, 409, 426, 401])
    expect(answers.flatMap((answer) => findFault('upgrade', answer))).toEqual([])
  })

  it.each(['/', '/__gtg', '/__gtg/read', '/clusters/c0/__gtg', '/nothing'])(
    'under a wrong configuration: %s',
    async (path) => {
      const response = await askWith({ HEALTH_ACCESS: 'all' }, path)

      expect([response.status, findFault(path, response)]).toEqual([503, []])
    },
  )

  it.each(['/clusters/c0/__health', '/clusters/c0/__gtg?cache=false', '/'])(
    'where something throws: %s',
    async (path) => {
      for (const call of ['read', 'view', 'glance'] as const) {
        vi.spyOn(Cluster.prototype, call).mockRejectedValue(new Error('overloaded'))
      }

      const answers = await Promise.all([ask(path, { headers: BEARER }), browse(path, BEARER)])

      expect(answers.flatMap((answer) => findFault(path, answer))).toEqual([])
    },
  )

  it('to forms: led on, refused, too large, of another site', async () => {
    const answers = await Promise.all([
      submit('/sign-out', {}),
      submit('/sign-in', { token: 'wrong' }, { 'cf-connecting-ip': '192.0.2.1' }),
      submit('/sign-in', { token: 'x'.repeat(20_000) }),
      submit('/sign-out', {}, { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }),
    ])

    expect(answers.map(({ status }) => status)).toEqual([303, 401, 413, 403])
    expect(answers.flatMap((answer) => findFault('form', answer))).toEqual([])
  })

  it('to the plain probe out of memory, and to an asset', async () => {
    const cluster = takeCluster()
    await push(aSnapshot({ cluster, observedAt: Date.now() }))
    const page = await (await browse(`/clusters/${cluster}/__health`)).text()
    const asset = /\/assets\/[^"]+\.css/.exec(page)?.[0] ?? ''

    const answers = [
      await ask(`/clusters/${cluster}/__gtg`),
      await ask(`/clusters/${cluster}/__gtg`),
      await exports.default.fetch(new Request(`${ORIGIN}${asset}`)),
    ]

    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
    expect(answers.flatMap((answer) => findFault('answer', answer))).toEqual([])
  })
})
