/** `__health` and the overview: every state has a word, and what is stale never looks fresh. */
import { describe, expect, it } from 'vitest'
import type { ClusterStatus } from '../../../../worker/domain/status.ts'
import { HealthPage } from '../../../../worker/views/health.tsx'
import { OverviewPage } from '../../../../worker/views/overview.tsx'
import {
  aCategoryStatus,
  aFailingService,
  aFrame,
  aServiceStatus,
  aStatus,
  NOW,
  render,
} from './a-page.ts'

const ACK = { message: 'known', given: null }

/** The text, as a reader has it: no tags, no space twice. */
async function read(status: ClusterStatus, categories: string[] = []): Promise<string> {
  const html = await render(HealthPage({ frame: aFrame(), title: 'Demo', status, categories }))
  return html
    .replace(/^.*<main/s, '<main')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ')
}

it.each([
  ['ok', aServiceStatus()],
  ['critical', aFailingService()],
  ['warning', aFailingService({ severity: 2, word: 'warning' })],
  ['critical acked', aFailingService({ ack: ACK })],
  ['late', aServiceStatus({ word: 'late' })],
  ['not checked yet', aServiceStatus({ ok: null, word: 'not checked yet' })],
])('says in a word that a service is %s', async (word, service) => {
  const text = await read(aStatus({ services: [{ ...service, output: 'x' }] }))

  expect(text).toMatch(new RegExp(`web ${word} `))
})

it.each([
  ['healthy', aCategoryStatus(), 'read healthy'],
  ['unhealthy', aCategoryStatus({ passes: false, reason: 'unhealthy' }), 'read unhealthy'],
  [
    'critical',
    aCategoryStatus({ passes: false, reason: 'unhealthy', severity: 1 }),
    'read critical',
  ],
  ['disabled', aCategoryStatus({ passes: false, reason: 'disabled' }), 'read disabled'],
  ['empty', aCategoryStatus({ passes: false, reason: 'empty' }), 'read empty'],
  ['acked in part', aCategoryStatus({ acked: ['web'] }), 'read healthy, 1 acked'],
  ['late in part', aCategoryStatus({ late: ['web'] }), 'read healthy, 1 late'],
])('says in a word that a category is %s', async (_state, category, words) => {
  expect(await read(aStatus({ categories: [category] }))).toContain(words)
})

describe('the verdict', () => {
  it('counts what is acked', async () => {
    const text = await read(aStatus({ services: [aFailingService({ ack: ACK })] }))

    expect(text).toContain('Demo healthy , 1 acked')
  })

  it('is that of the categories asked for', async () => {
    const failing = aCategoryStatus({ name: 'write', passes: false, reason: 'unhealthy' })
    const status = aStatus({ word: 'unhealthy', categories: [aCategoryStatus(), failing] })

    expect(await read(status, ['read'])).toContain('Demo: read healthy')
    expect(await read(status, ['read', 'write'])).toContain('Demo: read, write unhealthy')
  })

  it.each([
    ['late', 'healthy , late', 'The reports are late'],
    ['held', 'healthy , held', 'The last verdict is held'],
    ['dead', 'unknown , dead, last known: healthy', 'This cluster is dead'],
    ['no-data', 'unknown , no data', 'No report has ever come'],
  ] as const)('of a cluster that is %s says so', async (freshness, verdict, heading) => {
    const text = await read(aStatus({ freshness }))

    expect(text).toContain(`Demo ${verdict}`)
    expect(text).toContain(heading)
  })
})

it('says of a dead cluster only how things were', async () => {
  const text = await read(aStatus({ freshness: 'dead', freshAtMs: NOW - 3_600_000 }))

  expect(text).toContain('web was ok')
  expect(text).toContain('read was healthy')
  expect(text).toContain('The last fresh report is from 1 h 0 min ago')
  expect(text).not.toMatch(/ (read|web) (healthy|ok)/)
})

it('shows only services of the categories asked for', async () => {
  const services = [aServiceStatus(), aServiceStatus({ name: 'mailer' })]

  expect(await read(aStatus({ services }), ['read'])).not.toContain('mailer')
  expect(await read(aStatus({ services }))).toContain('mailer')
})

it('shows missing services, and who names them', async () => {
  const categories = [aCategoryStatus({ missing: ['gone'] })]

  expect(await read(aStatus({ categories }))).toContain('gone missing Named by read')
})

it('tells the failing ones first, worst on top', async () => {
  const services = [
    aFailingService({ name: 'a', severity: 2, word: 'warning' }),
    aFailingService({ name: 'b' }),
    aFailingService({ name: 'c', ack: ACK }),
  ]

  expect(await read(aStatus({ services }))).toMatch(/Failing now critical b .* warning a /)
})

describe('the overview', () => {
  it('has a row for a cluster that can not be read', async () => {
    const rows = [{ id: 'demo', title: 'Demo', seen: null }]

    const html = await render(OverviewPage({ frame: aFrame(), rows }))

    expect(html).toContain('href="/clusters/demo/__health"')
    expect(html).toContain('can’t be read now')
    expect(html).toContain('1 of 1 need a look')
  })

  it('never calls a cluster well that is stale', async () => {
    const counts = { failing: 0, acked: 0, disabled: 0 }
    const seen = { environment: 'demo', word: 'healthy', freshAtMs: NOW, ...counts } as const
    const rows = [{ id: 'demo', title: 'Demo', seen: { ...seen, freshness: 'dead' as const } }]

    const html = await render(OverviewPage({ frame: aFrame(), rows }))

    expect(html).toContain('unknown, dead, last known: healthy')
    expect(html).not.toContain('All clusters are well')
  })
})
