/** The exporter and its live link: against the Worker in its real runtime, and against an edge that does what none should. */
import { describe, expect, it, vi } from 'vitest'
import { createSelf } from '../../node-exporter/self/self.ts'
import { aLog } from '../support/exporter/a-log.ts'
import { aLinkEdge, TAKEN, type LinkEdge } from '../support/exporter/a-link-edge.ts'
import {
  anExporter,
  askGtg,
  aWorker,
  aWorld,
  CLUSTER,
  type ExporterSettings,
} from '../support/exporter/a-setup.ts'

const SOON = { timeout: 10_000, interval: 10 }
const QUICK = { linkBackoffMs: [20, 50], noLinkMs: 50 } as const

/** Two services of one pod each, and an exporter that is well. `asked`: how often each pod was. */
async function aTown(url: string, { env, ...settings }: ExporterSettings = {}) {
  const world = await aWorld()
  const [web = ''] = await world.addService({ name: 'web' })
  const [api = ''] = await world.addService({ name: 'api' })
  const self = createSelf(aLog().log, ['cluster'], 'demo')
  const exporter = await anExporter(world, url, {
    timings: QUICK,
    self,
    ...settings,
    env: { INTERVAL_SECONDS: '0.1', ...env },
  })
  const asked = (pod: string) => world.pods.asked.get(pod) ?? 0
  return { world, web, api, exporter, self, asked }
}

function until(expected: () => void): Promise<void> {
  return vi.waitFor(expected, SOON)
}

/** Its link is open, and everything was asked once. */
async function settled(edge: LinkEdge): Promise<void> {
  await edge.opened(1)
  await until(() => {
    expect(edge.reports.at(-1)?.report.kind).toBe('snapshot')
  })
}

/** So many more reports that way. */
async function reports(edge: LinkEdge, via: 'link' | 'https', count: number) {
  const from = edge.reports.length
  const found = () => edge.reports.slice(from).filter((one) => one.via === via)
  await until(() => {
    expect(found().length).toBeGreaterThanOrEqual(count)
  })
  return found()
}

describe('with the Worker', () => {
  it('reports go over the link, and a fault is at __gtg as soon as it was seen', async () => {
    const worker = await aWorker()
    const { world, web, self } = await aTown(worker.url)
    await until(() => {
      expect(self.health.get('push')).toMatchObject({ metadata: { via: 'link' } })
    })

    await world.pods.set(web, { kind: 'failing' })

    await vi.waitFor(async () => {
      expect(await askGtg(worker.url)).toEqual({ status: 503, reason: 'unhealthy' })
    }, SOON)
    expect(self.health.get('push')).toMatchObject({ status: 'healthy', metadata: { via: 'link' } })
    expect(self.metrics.write(self.health.read())).toContain(
      'pilotlight_exporter_link_open{cluster="demo"} 1\n',
    )
  })

  it('a fresh round is asked for and shown, however far off the next is', async () => {
    const worker = await aWorker({ DEAD_AFTER_SECONDS: '300' })
    const { world, web, exporter } = await aTown(worker.url, { env: { INTERVAL_SECONDS: '60' } })
    await until(() => {
      expect(exporter.log).toContain('info the live link is open')
      expect(exporter.log).toContain('info snapshot accepted')
    })
    await world.pods.set(web, { kind: 'failing' })

    const health = await fetch(`${worker.url}/clusters/${CLUSTER}/__health?cache=false`, {
      headers: { accept: 'application/json' },
    })

    expect(await health.json()).toMatchObject({ ok: false })
  })
})

describe('a link that doesn’t pass', () => {
  it('costs no report: they go over HTTPS, and over the link once it does', async () => {
    const edge = await aLinkEdge()
    edge.refusal = { status: 404 }
    const { exporter, self } = await aTown(edge.url)

    await reports(edge, 'https', 5)
    expect(self.health.get('push')).toMatchObject({ status: 'healthy', metadata: { via: 'https' } })
    edge.refusal = null
    await reports(edge, 'link', 5)

    expect(self.health.get('push')).toMatchObject({ metadata: { via: 'link' } })
    const told = exporter.log.filter((line) => line.includes('live link'))
    expect(told).toEqual([
      'warn no live link: HTTP 404; reports go over HTTPS',
      'info the live link is open',
    ])
  })

  it.each<[string, (edge: LinkEdge) => void]>([
    [
      'is cut and refused',
      (edge) => {
        edge.refusal = { status: 503 }
        edge.close()
      },
    ],
    [
      'falls silent',
      (edge) => {
        edge.refusal = 'hang'
        edge.reply = () => (edge.reports.at(-1)?.via === 'link' ? null : TAKEN)
      },
    ],
  ])('any more is left at once when it %s, and taken up again', async (_, harm) => {
    const edge = await aLinkEdge()
    await aTown(edge.url, { timings: { ...QUICK, linkTimeoutMs: 400 } })
    await reports(edge, 'link', 3)

    harm(edge)
    await reports(edge, 'https', 5)
    edge.refusal = null
    edge.reply = () => TAKEN
    await reports(edge, 'link', 3)

    const places = edge.reports.map(({ report }) => report.sequence)
    expect(places).toEqual([...new Set(places)].toSorted((a, b) => a - b))
    expect(edge.upgrades.every(({ isSigned }) => isSigned)).toBe(true)
  })
})

describe('over the link', () => {
  it('a heartbeat is under 500 bytes, frame and all', async () => {
    const edge = await aLinkEdge()
    await aTown(edge.url)

    const sent = await reports(edge, 'link', 10)

    const beats = sent.filter(({ report }) => report.kind === 'heartbeat')
    const frameBytes = 8 // RFC 6455: two, two of length, four of mask
    expect(Math.max(...beats.map(({ bytes }) => bytes + frameBytes))).toBeLessThan(500)
  })

  it('a goodbye is said when the exporter stops', async () => {
    const edge = await aLinkEdge()
    const { exporter } = await aTown(edge.url)
    await reports(edge, 'link', 1)

    await exporter.stop()

    expect(edge.closed).toEqual([1000])
  })

  it.each([
    ['of all', undefined, [1, 1]],
    ['of a service', 'api', [0, 1]],
  ])('a fresh round %s is asked for and told in a snapshot', async (_, service, more) => {
    const edge = await aLinkEdge()
    const { web, api, asked } = await aTown(edge.url, { env: { INTERVAL_SECONDS: '60' } })
    await settled(edge)
    const before = [asked(web), asked(api)]

    edge.send({ kind: 'command', command: { kind: 'round', id: 'r1', service } })
    await until(() => {
      expect(edge.reports.at(-1)?.report.rounds).toEqual(['r1'])
    })

    expect(edge.reports.at(-1)).toMatchObject({ via: 'link', report: { kind: 'snapshot' } })
    const after = [asked(web), asked(api)]
    expect(after.map((count, i) => count - (before[i] ?? 0))).toEqual(more)
  })

  it('a pod says what it says now', async () => {
    const edge = await aLinkEdge()
    const { world, web } = await aTown(edge.url, { env: { INTERVAL_SECONDS: '60' } })
    await settled(edge)
    await world.pods.set(web, { kind: 'body', body: '<h1>new</h1>' })

    edge.send({ kind: 'command', command: { kind: 'pod', id: 'p1', service: 'web', pod: web } })
    edge.send({ kind: 'command', command: { kind: 'pod', id: 'p2', service: 'web', pod: 'gone' } })

    await until(() => {
      expect(edge.pods).toHaveLength(2)
    })
    expect(edge.pods).toContainEqual({
      kind: 'pod',
      id: 'p1',
      answer: { ok: true, status: 200, contentType: 'application/json', body: '<h1>new</h1>' },
    })
    expect(edge.pods).toContainEqual({
      kind: 'pod',
      id: 'p2',
      answer: { ok: false, reason: 'web has no pod of this name now' },
    })
  })

  it('what nobody understands is left alone', async () => {
    const edge = await aLinkEdge()
    const { exporter } = await aTown(edge.url)
    await reports(edge, 'link', 1)

    edge.send('{"kind":')
    edge.send({ kind: 'command', command: { kind: 'dance', id: 'd1' } })
    await reports(edge, 'link', 3)

    expect(edge.upgrades).toHaveLength(1)
    expect(exporter.log.join('\n')).toContain('does not know')
  })
})

describe('over HTTPS', () => {
  it('a fresh round may be asked for with the answer to a report', async () => {
    const edge = await aLinkEdge()
    edge.refusal = { status: 404 }
    let isAsked = false
    edge.reply = ({ kind }) => {
      if (kind !== 'snapshot' || isAsked) return TAKEN
      isAsked = true
      const commands = [{ kind: 'round', id: 'r1' }, { kind: 'dance' }]
      return { status: 202, body: { accepted: true, resend: false, commands } }
    }

    const { web, asked } = await aTown(edge.url, { env: { INTERVAL_SECONDS: '60' } })

    await until(() => {
      expect(edge.reports.at(-1)).toMatchObject({
        via: 'https',
        report: { kind: 'snapshot', rounds: ['r1'] },
      })
    })
    expect(asked(web)).toBe(2)
  })
})
