/** What the edge asks of the exporter for somebody who waits (behaviour, section 5): fresh rounds, and what a pod says now. */
import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { Command } from '../../worker/contract/report.ts'
import {
  aContent,
  aFailingTarget,
  aHeartbeat,
  aService,
  aSnapshot,
  aTarget,
} from '../support/a-report.ts'
import { Cluster } from '../../worker/index.ts'
import { openLink, type Link } from './a-link.ts'
import { ask, askJson, push, takeCluster } from './edge.ts'
import { judgeAlone } from './object.ts'
import { setTimeByHand } from './put-cluster.ts'
import { BEARER } from './visitors.ts'

beforeEach(judgeAlone)

setTimeByHand()

const orders = aService({ name: 'orders', targets: [aTarget({ id: 'orders-1' })] })

async function aLinkedCluster(): Promise<{ cluster: string; link: Link }> {
  const cluster = takeCluster()
  const link = await openLink(cluster, { epoch: 1, sequence: 1 })
  const content = aContent({ services: [aService(), orders] })
  await link.push(aSnapshot({ cluster, sequence: 2, observedAt: Date.now(), content }))
  return { cluster, link }
}

/** The exporter has asked every target, and found one that fails. */
function report(link: Link, cluster: string, { id }: Command, sequence = 3) {
  const content = aContent({ services: [aService({ targets: [aFailingTarget()] }), orders] })
  const rounds = [id]
  return link.push(
    aSnapshot({ cluster, sequence, observedAt: Date.now(), digest: 'd2', content, rounds }),
  )
}

/** Lets what is under way arrive, without letting time pass. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) {
    // oxlint-disable-next-line no-await-in-loop
    await scheduler.wait(1)
  }
}

describe('cache=false on a page', () => {
  it.each([
    ['/__health', undefined],
    ['/__pods-health?service-name=web', 'web'],
  ])('waits for a fresh round: %s', async (path, service) => {
    const { cluster, link } = await aLinkedCluster()
    const url = `/clusters/${cluster}${path}${path.includes('?') ? '&' : '?'}cache=false`
    await askJson(url.replace('cache=false', ''))

    const asked = askJson(url)
    const command = await link.nextCommand()
    await report(link, cluster, command)
    const answer = await asked

    expect(command).toMatchObject({ kind: 'round', ...(service && { service }) })
    expect(answer.headers.get('x-health-refreshed')).toBe('true')
    expect(await answer.json()).toMatchObject({ ok: false })
  })

  it('is one round for a hundred browsers at once', async () => {
    const { cluster, link } = await aLinkedCluster()
    const url = `/clusters/${cluster}/__health?cache=false`

    const crowd = Array.from({ length: 100 }, () => askJson(url))
    const command = await link.nextCommand()
    await settle()
    await report(link, cluster, command)
    const answers = await Promise.all(crowd)
    const late = await askJson(url)

    const told = [...answers, late].map(({ headers }) => headers.get('x-health-refreshed'))
    expect(new Set(told)).toEqual(new Set(['true']))
    expect(link.commands).toEqual([])
  })

  it('is one read for all who are shown that round later', async () => {
    const { cluster, link } = await aLinkedCluster()
    const url = `/clusters/${cluster}/__health?cache=false`
    const first = askJson(url)
    await report(link, cluster, await link.nextCommand())
    await first
    const read = vi.spyOn(Cluster.prototype, 'read')

    const seen: boolean[] = []
    for (let i = 0; i < 50; i++) {
      // oxlint-disable-next-line no-await-in-loop
      const { ok } = await (await askJson(url)).json<{ ok: boolean }>()
      seen.push(ok)
    }

    expect(new Set(seen)).toEqual(new Set([false]))
    expect(read.mock.calls.length).toBeLessThanOrEqual(1)
  })

  it('of a service that nobody has asks nobody', async () => {
    const { cluster, link } = await aLinkedCluster()

    const name = 'x'.repeat(3000)
    const answer = await askJson(
      `/clusters/${cluster}/__pods-health?service-name=${name}&cache=false`,
    )
    await settle()

    expect([answer.status, link.commands]).toEqual([404, []])
  })

  it('of a pod asks its service alone', async () => {
    const { cluster, link } = await aLinkedCluster()

    void askJson(`/clusters/${cluster}/__pod-individual-health?pod-name=orders-1&cache=false`)

    expect(await link.nextCommand()).toMatchObject({ kind: 'round', service: 'orders' })
  })

  it.each([
    ['a token', 5000, { headers: BEARER }],
    ['visitors', 30_000, {}],
  ])('is another one for %s %i ms later', async (_, afterMs, init) => {
    const { cluster, link } = await aLinkedCluster()
    const url = `/clusters/${cluster}/__health?cache=false`
    const first = askJson(url, init)
    await report(link, cluster, await link.nextCommand())
    await first

    vi.setSystemTime(Date.now() + afterMs)
    await report(link, cluster, { kind: 'round', id: 'none' }, 4)
    const second = askJson(url, init)
    await report(link, cluster, await link.nextCommand(), 5)

    expect((await second).headers.get('x-health-refreshed')).toBe('true')
  })

  it('is no further round for visitors meanwhile, whatever they name', async () => {
    const { cluster, link } = await aLinkedCluster()
    const base = `/clusters/${cluster}`
    const first = askJson(`${base}/__health?cache=false`)
    await report(link, cluster, await link.nextCommand())
    await first

    vi.setSystemTime(Date.now() + 29_000)
    await report(link, cluster, { kind: 'round', id: 'none' }, 4)
    const paths = [
      '/__health?cache=false',
      '/__pods-health?service-name=web&cache=false',
      '/__pods-health?service-name=orders&cache=false',
      '/__pod-individual-health?service-name=orders&pod-name=orders-1&cache=false',
      '/categories?cache=false',
    ]
    const answers = await Promise.all(paths.map((path) => askJson(`${base}${path}`)))
    await ask(`${base}/__gtg?cache=false`)
    await settle()

    expect(answers.map(({ status }) => status)).toEqual(paths.map(() => 200))
    expect(answers.map(({ headers }) => headers.get('x-health-refreshed'))).toEqual(
      paths.map(() => 'false'),
    )
    expect(link.commands).toEqual([])
  })

  it('waits for nobody when the cluster is silent', async () => {
    const { cluster, link } = await aLinkedCluster()
    link.close()
    await link.closed
    vi.setSystemTime(Date.now() + 61_000)

    const answer = await askJson(`/clusters/${cluster}/__health?cache=false`)
    const page = await ask(`/clusters/${cluster}/__health?cache=false`)

    expect(answer.headers.get('x-health-refreshed')).toBe('false')
    expect(answer.headers.get('x-health-age')).toBe('61')
    expect(await page.text()).toContain('this is the last known')
  })

  it('reaches an exporter without a link in the answer to its next report', async () => {
    const cluster = takeCluster()
    await push(aSnapshot({ cluster, observedAt: Date.now() }))
    const asked = askJson(`/clusters/${cluster}/__health?cache=false`)
    await settle()

    const told = await push(aHeartbeat({ cluster, sequence: 2, observedAt: Date.now() }))
    const { commands } = await told.json<{ commands: Command[] }>()
    const again = await push(aHeartbeat({ cluster, sequence: 3, observedAt: Date.now() }))
    const rounds = commands.map(({ id }) => id)
    await push(aHeartbeat({ cluster, sequence: 4, observedAt: Date.now(), rounds }))

    expect(commands).toMatchObject([{ kind: 'round' }])
    expect(await again.json()).not.toHaveProperty('commands')
    expect((await asked).headers.get('x-health-refreshed')).toBe('true')
  })

  it('on __gtg asks for one, and does not wait', async () => {
    const { cluster, link } = await aLinkedCluster()

    const answer = await ask(`/clusters/${cluster}/__gtg?cache=false`)

    expect(answer.status).toBe(200)
    expect(await link.nextCommand()).toMatchObject({ kind: 'round' })
  })

  it('leaves a link on the page, and says what came of it', async () => {
    const { cluster, link } = await aLinkedCluster()
    const url = `/clusters/${cluster}/__health`
    const before = await (await ask(url)).text()

    const asked = ask(`${url}?cache=false`)
    await report(link, cluster, await link.nextCommand())
    const after = await (await asked).text()

    expect(before).toContain(`href="${url}?cache=false"`)
    expect(after).toContain('asked again just now')
    // Without a script the page comes again by itself, and must not ask for a round each time.
    expect(after).toContain(`content="15;url=${url}"`)
  })
})

describe('a pod', () => {
  const json = { ok: true, status: 200, contentType: 'application/json', body: '{"a":1}' } as const

  async function askPod(given: { headers?: Record<string, string>; cluster: string }) {
    const path = `/clusters/${given.cluster}/__pod-individual-health?pod-name=web-1`
    return ask(path, { headers: { accept: 'application/json', ...BEARER, ...given.headers } })
  }

  it.each([
    ['JSON', json, 200, 'application/json; charset=utf-8'],
    [
      'JSON of a kind',
      { ...json, contentType: 'application/health+json' },
      200,
      'application/json; charset=utf-8',
    ],
    ['text', { ...json, contentType: 'text/plain' }, 200, 'text/plain; charset=utf-8'],
    ['a page', { ...json, contentType: 'text/html' }, 200, 'text/plain; charset=utf-8'],
    ['a drawing', { ...json, contentType: 'image/svg+xml' }, 200, 'text/plain; charset=utf-8'],
    ['nothing', { ...json, contentType: '' }, 200, 'text/plain; charset=utf-8'],
    ['a failure', { ...json, status: 503 }, 503, 'application/json; charset=utf-8'],
    ['a redirect', { ...json, status: 302 }, 502, 'application/json; charset=utf-8'],
    ['a challenge', { ...json, status: 401 }, 502, 'application/json; charset=utf-8'],
  ])('says itself how it is: %s', async (_, answer, status, type) => {
    const { cluster, link } = await aLinkedCluster()

    const asked = askPod({ cluster })
    const command = await link.nextCommand()
    link.sendPod(command.id, answer)
    const told = await asked

    expect(command).toMatchObject({ kind: 'pod', service: 'web', pod: 'web-1' })
    expect([told.status, await told.text()]).toEqual([status, answer.body])
    expect(told.headers.get('content-type')).toBe(type)
    expect(told.headers.get('x-content-type-options')).toBe('nosniff')
    expect(told.headers.get('content-security-policy')).toContain('sandbox')
    expect(told.headers.get('location')).toBeNull()
  })

  it('is shown as last reported when it gives no answer', async () => {
    const { cluster, link } = await aLinkedCluster()

    const asked = askPod({ cluster })
    const { id } = await link.nextCommand()
    link.sendPod(id, { ok: false, reason: 'refused' })
    const told = await asked

    expect([told.status, await told.json()]).toMatchObject([200, { schemaVersion: 1, ok: true }])
  })

  it('is shown as last reported without a link, at once', async () => {
    const { cluster, link } = await aLinkedCluster()
    link.close()
    await link.closed

    const told = await askPod({ cluster })

    expect([told.status, await told.json()]).toMatchObject([200, { schemaVersion: 1, ok: true }])
  })

  it('is asked once for all who ask within two seconds', async () => {
    const { cluster, link } = await aLinkedCluster()

    const crowd = Array.from({ length: 20 }, () => askPod({ cluster }))
    const { id } = await link.nextCommand()
    await settle()
    link.sendPod(id, json)
    const answers = await Promise.all(crowd.map(async (answer) => (await answer).text()))

    expect(new Set(answers)).toEqual(new Set(['{"a":1}']))
    expect(link.commands).toEqual([])
  })

  it.each(['application/json', 'text/html', '*/*'])(
    'is not asked without a token, and not shown: %s',
    async (accept) => {
      const { cluster, link } = await aLinkedCluster()
      const asked = askPod({ cluster })
      link.sendPod((await link.nextCommand()).id, json)
      await asked

      const path = `/clusters/${cluster}/__pod-individual-health?pod-name=web-1`
      const told = await ask(path, { headers: { accept } })
      await settle()

      expect([told.status, await told.text()]).toEqual([200, expect.not.stringContaining('"a":1')])
      expect(told.headers.has('x-pod-status')).toBe(false)
      expect(link.commands).toEqual([])
    },
  )

  it('has what it says on its page, as text', async () => {
    const { cluster, link } = await aLinkedCluster()

    const asked = askPod({ cluster, headers: { accept: 'text/html' } })
    const { id } = await link.nextCommand()
    link.sendPod(id, { ...json, contentType: 'text/html', body: '<script>alert(1)</script>' })
    const page = await (await asked).text()

    expect(page).toContain('What the pod says now')
    expect(page).toContain('&lt;script&gt;alert(1)')
  })
})
