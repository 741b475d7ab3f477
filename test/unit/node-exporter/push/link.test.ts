/** The live link against real WebSockets on loopback: how it is opened, what goes over it, and what becomes of it. */
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { packReport } from '../../../../node-exporter/push/content.ts'
import { EdgeClock } from '../../../../node-exporter/push/edge-clock.ts'
import { findBackoffMs, Link, type LinkTimings } from '../../../../node-exporter/push/link.ts'
import { Order } from '../../../../node-exporter/push/order.ts'
import { CLOSED } from '../../../../worker/contract/link.ts'
import { importSecret } from '../../../../worker/contract/signature.ts'
import { aHeartbeat } from '../../../support/a-report.ts'
import { aLog } from '../../../support/exporter/a-log.ts'
import {
  aLinkEdge,
  TAKEN,
  type LinkEdge,
  type Said,
} from '../../../support/exporter/a-link-edge.ts'
import { findDeadPort } from '../../../support/exporter/local-server.ts'
import { containing } from '../../../support/like.ts'
import { PUSH_SECRET } from '../../../support/secrets.ts'

const HOUR_MS = 3_600_000
const SOON = { timeout: 10_000, interval: 5 }
const error = { code: 'any', message: 'says why' }

async function aLink(url: string, timings: Partial<LinkTimings> = {}) {
  const { log, lines } = aLog()
  const clock = new EdgeClock()
  const order = new Order(3)
  const commands: unknown[] = []
  const link = new Link({
    workerUrl: new URL(url),
    cluster: 'c0',
    keys: [await importSecret(PUSH_SECRET)],
    clock,
    order,
    timings: { linkTimeoutMs: 5000, linkBackoffMs: [10, 40], noLinkMs: 20, ...timings },
    log,
    onCommand: (command) => {
      commands.push(command)
    },
  })
  onTestFinished(() => link.stop())
  /** A report over the link, which must be open. */
  const push = async () => {
    const { epoch, sequence } = order.next()
    const pushing = link.deliver(await packReport(aHeartbeat({ epoch, sequence })), sequence)
    if (pushing === null) throw new Error('the link is not open')
    return pushing
  }
  const logged = (text: string) => lines.filter((line) => line.includes(text))
  return { link, clock, order, commands, push, logged }
}

async function anOpenLink(timings: Partial<LinkTimings> = {}) {
  const edge = await aLinkEdge()
  const given = await aLink(edge.url, timings)
  given.link.open()
  await opens(given.link)
  return { edge, ...given }
}

function opens(link: Link, isOpen = true): Promise<void> {
  return vi.waitFor(() => {
    expect(link.isOpen).toBe(isOpen)
  }, SOON)
}

async function tries(edge: LinkEdge, count: number): Promise<void> {
  await vi.waitFor(() => {
    expect(edge.upgrades.length).toBeGreaterThanOrEqual(count)
  }, SOON)
}

describe('an upgrade', () => {
  it('is signed over its path, and takes a place in the order', async () => {
    const { edge, order, link, push } = await anOpenLink()

    link.open() // there is one
    await push()

    expect(edge.upgrades).toEqual([{ epoch: 3, sequence: 1, isSigned: true }])
    expect(order.next()).toEqual({ epoch: 3, sequence: 3 })
  })

  it('is made again with a later place, soon and quietly, where a report of its own overtook it', async () => {
    const edge = await aLinkEdge()
    edge.refusal = { status: 409, body: { error, held: { epoch: 3, sequence: 1 } } }
    const { link, order, logged } = await aLink(edge.url, { linkBackoffMs: [HOUR_MS, HOUR_MS] })

    link.open()
    await tries(edge, 1)
    order.next()
    edge.refusal = null
    await opens(link)

    const sequences = edge.upgrades.map(({ sequence }) => sequence)
    expect(sequences[0]).toBe(1)
    expect(sequences.at(-1)).toBeGreaterThan(2)
    expect(logged('no live link')).toEqual([])
  })

  it('tells the time when it is refused for that, and is made again at once', async () => {
    const edge = await aLinkEdge()
    edge.aheadMs = HOUR_MS
    const date = new Date(Date.now() + HOUR_MS).toUTCString()
    edge.refusal = { status: 401, headers: { date }, body: { error } }
    const { link, clock, logged } = await aLink(edge.url, { linkBackoffMs: [HOUR_MS, HOUR_MS] })

    link.open()
    await vi.waitFor(() => {
      expect(logged('no live link')).toHaveLength(1) // of the second, which was on time
    }, SOON)

    expect(edge.upgrades.map(({ isSigned }) => isSigned)).toEqual([false, true])
    expect(Math.abs(clock.now() - Date.now() - HOUR_MS)).toBeLessThan(60_000)
  })

  it.each<[string, LinkEdge['refusal']]>([
    ['by an edge that knows no links', { status: 404 }],
    ['by a proxy that strips the upgrade', { status: 426 }],
    ['by a page', { status: 200, body: 'welcome' }],
    ['for its signature', { status: 401, body: { error } }],
    ['for an object out of reach', { status: 503, body: { error } }],
    ['by silence', 'hang'],
  ])('that is refused %s is tried until it passes', async (_, refusal) => {
    const edge = await aLinkEdge()
    edge.refusal = refusal
    const { link, logged } = await aLink(edge.url, { linkTimeoutMs: 150 })

    link.open()
    await tries(edge, 3)
    expect(link.deliver(new Uint8Array(), 1)).toBeNull()
    edge.refusal = null
    await opens(link)

    expect(logged('; reports go over HTTPS')).toHaveLength(1)
    expect(logged('the live link is open')).toHaveLength(1)
  })

  it.each<[string, number, Partial<LinkTimings>]>([
    ['at the pace of an edge without links', 404, { linkBackoffMs: [HOUR_MS, HOUR_MS] }],
    ['at that of any fault', 503, { noLinkMs: HOUR_MS }],
    ['at that of any fault, whoever is to blame', 403, { noLinkMs: HOUR_MS }],
  ])('is made again %s', async (_, status, timings) => {
    const edge = await aLinkEdge()
    edge.refusal = { status }
    const { link } = await aLink(edge.url, timings)

    link.open()
    await tries(edge, 3)

    expect(link.isOpen).toBe(false)
  })

  it('can be waited for, and not for long', async () => {
    const edge = await aLinkEdge()
    const { link } = await aLink(edge.url)
    await link.settle(HOUR_MS) // nobody opens one
    link.open()

    await link.settle(HOUR_MS)
    await opens(link)
    edge.refusal = 'hang'
    edge.close()
    await tries(edge, 2)
    await link.settle(1)

    expect(link.isOpen).toBe(false)
  })

  it('that waits for its turn is given up at the end', async () => {
    const edge = await aLinkEdge()
    edge.refusal = { status: 404 }
    const { link, logged } = await aLink(edge.url, { noLinkMs: HOUR_MS })
    link.open()
    await vi.waitFor(() => {
      expect(logged('no live link: HTTP 404; reports go over HTTPS')).toHaveLength(1)
    }, SOON)

    await link.stop()

    expect(edge.upgrades).toHaveLength(1)
  })

  it('is no fault of anybody where nobody listens', async () => {
    const { link, logged } = await aLink(`http://127.0.0.1:${await findDeadPort()}`)

    link.open()
    await vi.waitFor(() => {
      expect(logged('no live link').length).toBeGreaterThan(2)
    }, SOON)

    expect(logged('ECONNREFUSED').length).toBeGreaterThan(2)
  })
})

describe('the backoff', () => {
  it.each([
    ['begins with the least', 1, 1000],
    ['doubles', 2, 2000],
    ['is below the most', 6, 32_000],
    ['ends at the most', 7, 60_000],
    ['stays there', 2000, 60_000],
  ])('%s', (_, failures, expected) => {
    expect(findBackoffMs(failures, [1000, 60_000])).toBe(expected)
  })
})

describe('a report', () => {
  it.each<[string, Said, object]>([
    ['taken', TAKEN, { kind: 'accepted', resend: false, commands: [] }],
    [
      'taken, and a snapshot asked for',
      { status: 202, body: { accepted: true, resend: true } },
      { kind: 'accepted', resend: true },
    ],
    [
      'refused for its place',
      { status: 409, body: { error, held: { epoch: 4, sequence: 9 } } },
      { kind: 'superseded', held: { epoch: 4, sequence: 9 } },
    ],
    [
      'refused for what it is',
      { status: 422, body: { error } },
      { kind: 'failed', reason: 'HTTP 422: says why' },
    ],
    [
      'not taken for a fault at the edge',
      { status: 503, body: { error } },
      { kind: 'failed', reason: 'HTTP 503: says why' },
    ],
    ['answered with nonsense', { status: 202, body: 7 }, { kind: 'failed', reason: 'HTTP 202' }],
  ])('is answered as over HTTPS, and the link stays: %s', async (_, said, expected) => {
    const { edge, link, push } = await anOpenLink()
    edge.reply = () => said

    expect(await push()).toMatchObject(expected)

    expect(edge.reports).toMatchObject([{ via: 'link', report: { kind: 'heartbeat' } }])
    expect(link.isOpen).toBe(true)
  })

  it('brings the time of the edge with its answer, to the millisecond', async () => {
    const { edge, clock, push } = await anOpenLink()
    edge.aheadMs = HOUR_MS

    await push()

    expect(Math.abs(clock.now() - Date.now() - HOUR_MS)).toBeLessThan(300)
  })

  it('hears its own answer, and none to another', async () => {
    const { edge, push } = await anOpenLink()
    edge.reply = ({ sequence }) => {
      edge.send({ kind: 'answer', sequence: sequence - 1, date: 0, status: 503, body: { error } })
      return TAKEN
    }

    expect(await push()).toMatchObject({ kind: 'accepted' })
  })

  it('that is not answered in time has failed, and so has the link', async () => {
    const { edge, link, push } = await anOpenLink({ linkTimeoutMs: 500 })
    edge.reply = () => null

    const delivered = await push()

    expect(delivered).toMatchObject({ kind: 'failed', reason: containing('in time') })
    expect(link.isOpen).toBe(false)
    expect(link.deliver(new Uint8Array(), 9)).toBeNull()
  })

  it('has failed when the link is cut before the answer', async () => {
    const { edge, push } = await anOpenLink()
    edge.reply = () => {
      edge.close()
      return null
    }

    expect(await push()).toMatchObject({
      kind: 'failed',
      reason: 'the live link was closed (1006)',
    })
  })
})

describe('a link', () => {
  it.each([
    ['cut without a word', undefined],
    ['closed for a newer one', CLOSED.superseded],
    ['closed for an object that was emptied', CLOSED.again],
    ['closed by an edge that starts anew', 1001],
  ])('is opened again when it was %s', async (_, code) => {
    const { edge, link, push, logged } = await anOpenLink()

    edge.close(code)
    await edge.opened(2)
    await opens(link)

    expect(await push()).toMatchObject({ kind: 'accepted' })
    expect(logged('the live link was closed')).toHaveLength(1)
  })

  it('that leads nowhere is not opened again for a while', async () => {
    const timings = { linkTimeoutMs: 500, noLinkMs: HOUR_MS, linkBackoffMs: [1, 1] as const }
    const { edge, link, push } = await anOpenLink(timings)
    edge.reply = () => null

    await push()
    await vi.waitFor(() => {
      expect(edge.closed).toHaveLength(1)
    }, SOON)
    await link.stop()

    expect(edge.upgrades).toHaveLength(1)
  })

  it.each<[string, string | Buffer | object]>([
    ['no JSON', '{"kind":'],
    ['no object', '7'],
    ['of a kind that is not known', { kind: 'song' }],
    ['binary', Buffer.from('{"kind":"command","command":7}')],
    ['an answer that nobody waits for', { kind: 'answer', sequence: 99, date: 0, ...TAKEN }],
    ['an answer without a date', { kind: 'answer', sequence: 2, ...TAKEN }],
  ])('stays when the edge says what is nonsense: %s', async (_, message) => {
    const { edge, link, clock, commands, push } = await anOpenLink()

    edge.send(message)

    expect(await push()).toMatchObject({ kind: 'accepted' })
    expect(link.isOpen).toBe(true)
    expect(commands).toEqual([])
    expect(Math.abs(clock.now() - Date.now())).toBeLessThan(1000)
  })

  it('hands commands on as they came', async () => {
    const { edge, commands } = await anOpenLink()

    edge.send({ kind: 'command', command: { kind: 'round', id: 'r1' } })
    edge.send({ kind: 'command', command: { kind: 'dance' } })

    await vi.waitFor(() => {
      expect(commands).toEqual([{ kind: 'round', id: 'r1' }, { kind: 'dance' }])
    }, SOON)
  })

  it('carries what a pod said, and nothing once it is closed', async () => {
    const { edge, link } = await anOpenLink()
    const said = { kind: 'pod', id: 'p1', answer: { ok: false, reason: 'busy' } } as const

    const before = link.send(said)
    await link.stop()

    expect([before, link.send(said)]).toEqual([true, false])
    expect(edge.pods).toEqual([said])
  })

  it('says goodbye at the end, and is not opened again', async () => {
    const { edge, link } = await anOpenLink()

    await link.stop()
    link.open()

    expect(link.isOpen).toBe(false)
    await vi.waitFor(() => {
      expect(edge.closed).toEqual([1000])
    }, SOON)
    expect(edge.upgrades).toHaveLength(1)
  })

  it('ends in the middle of an upgrade, too', async () => {
    const edge = await aLinkEdge()
    edge.refusal = 'hang'
    const { link, logged } = await aLink(edge.url, { linkTimeoutMs: HOUR_MS })
    link.open()
    await tries(edge, 1)

    await link.stop()

    expect(logged('live link')).toEqual([])
  })
})
