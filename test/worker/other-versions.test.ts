/** What other versions of the Worker left behind, in KV and in storage: an upgrade ends nothing that was decided (behaviour, section 3). */
import { env } from 'cloudflare:workers'
import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { NO_LEASE } from '../../worker/domain/freshness.ts'
import { aCategory, aContent, aService, aSnapshot } from '../support/a-report.ts'
import {
  RECORD_OF_5D55E31,
  RECORD_OF_6EA93D5,
  RECORD_OF_D93BC93,
  RECORD_OF_FC493A4,
  ROWS_OF_5D55E31,
  ROWS_OF_6EA93D5,
  ROWS_OF_D93BC93,
} from '../support/stored.ts'
import { ask, askJson, push, readAll, takeCluster } from './edge.ts'
import { countersOf, recordOf, runAlarm, stubOf } from './object.ts'
import { BEARER } from './visitors.ts'

beforeEach(() => {
  vi.spyOn(console, 'error').mockReturnValue()
})

async function aClusterOf(record: object): Promise<string> {
  const cluster = takeCluster()
  await env.STATE.put(`cluster/${cluster}`, JSON.stringify(record))
  return cluster
}

function pushTo(cluster: string): Promise<Response> {
  const services = ['web', 'api', 'shop'].map((name) => aService({ name }))
  const categories = [
    aCategory({ services: ['web'] }),
    aCategory({ name: 'latched', services: ['shop'], isSticky: true, enabled: true }),
  ]
  const content = aContent({ services, categories })
  return push(aSnapshot({ cluster, epoch: 4, observedAt: Date.now(), content }))
}

async function gtgOf(cluster: string, categories = ''): Promise<[number, string | null]> {
  const path = `/clusters/${cluster}/__gtg?cache=false&categories=${categories}`
  const response = await ask(path, { headers: BEARER })
  return [response.status, response.headers.get('x-gtg-reason')]
}

describe('a record that knew no decisions', () => {
  it('restores as none, and the next version goes over it', async () => {
    const cluster = await aClusterOf(RECORD_OF_FC493A4)

    const response = await pushTo(cluster)
    await runAlarm(cluster)

    expect([response.status, await gtgOf(cluster)]).toEqual([202, [200, 'healthy']])
    expect(await recordOf(cluster)).toMatchObject({
      version: 8,
      decisions: { acks: [], hiddenAcks: [], overrides: [] },
    })
  })
})

describe('a record with facts', () => {
  it.each([
    ['d93bc93', RECORD_OF_D93BC93, null, null],
    ['6ea93d5', RECORD_OF_6EA93D5, 'demo', null],
    ['5d55e31', RECORD_OF_5D55E31, 'demo', RECORD_OF_5D55E31.nodes],
  ])('restores wholly: %s', async (_, record, environment, nodes) => {
    const cluster = await aClusterOf(record)

    const state = await readAll(cluster)

    const { epoch, sequence, facts, categories, decisions } = record
    expect(state).toMatchObject({
      pulse: { environment, epoch, sequence, freshness: 'held' },
      standing: { facts, categories, nodes },
      decisions: {
        acks: decisions.acks.map((ack) => ({ ...ack, isRestored: true })),
        hiddenAcks: decisions.hiddenAcks,
        overrides: decisions.overrides.map((override) => ({ ...override, isRestored: true })),
      },
    })
    expect(await gtgOf(cluster, 'read')).toEqual([503, 'disabled'])
  })

  it.each([
    ['its facts', { facts: [{ name: 'read' }] }],
    ['its verdicts', { categories: [{ name: 'read', passes: true }] }],
    ['its lease', { lease: null }],
    ['all of it', { facts: 1, categories: 1, lease: 1, epoch: 'one', intervalSeconds: null }],
  ])('restores what was decided where this can’t be read: %s', async (_, broken) => {
    const cluster = await aClusterOf({ ...RECORD_OF_6EA93D5, ...broken })

    const response = await pushTo(cluster)

    const state = await readAll(cluster)
    expect(response.status).toBe(202)
    expect(state?.decisions).toMatchObject({
      acks: [{ service: 'web', message: 'known' }],
      hiddenAcks: RECORD_OF_6EA93D5.decisions.hiddenAcks,
      overrides: [{ category: 'latched' }, { category: 'read' }],
    })
    expect([await gtgOf(cluster, 'read'), await gtgOf(cluster, 'latched')]).toEqual([
      [503, 'disabled'],
      [503, 'disabled'],
    ])
  })

  it.each([
    ['an ack', { acks: [{ service: 'web' }] }],
    ['an override', { overrides: [{ category: 'read' }] }],
    ['a hidden ack', { hiddenAcks: ['api'] }],
  ])('refuses everything where a decision can’t be read: %s', async (_, broken) => {
    const decisions = { ...RECORD_OF_6EA93D5.decisions, ...broken }
    const record = { ...RECORD_OF_6EA93D5, decisions }
    const cluster = await aClusterOf(record)

    const response = await pushTo(cluster)
    await runAlarm(cluster)

    expect(response.status).toBe(503)
    expect(await recordOf(cluster)).toEqual(record)
  })
})

describe('rows of another version', () => {
  it.each([
    ['d93bc93', ROWS_OF_D93BC93, { environment: null, nodes: null }],
    ['6ea93d5', ROWS_OF_6EA93D5, { nodes: null }],
    ['5d55e31', ROWS_OF_5D55E31, {}],
  ])('are read wholly, and nothing is restored: %s', async (_, rows, since) => {
    const cluster = await aClusterOf(RECORD_OF_FC493A4)
    await storeRows(cluster, rows)
    vi.useFakeTimers({ toFake: ['Date'], now: rows.pulse.lease.freshAtMs })
    onTestFinished(() => {
      vi.useRealTimers()
    })

    const state = await readAll(cluster)

    const { counters: _counters, ...pulse } = rows.pulse
    const { facts, categories, services, content, decisions } = rows
    expect(state).toEqual({
      pulse: {
        ...pulse,
        ...since,
        freshSinceMs: null,
        aliveSinceMs: null,
        lease: { ...NO_LEASE, ...pulse.lease },
      },
      standing: {
        facts: facts.map((category) => ({ ...category, isKnown: category.isChecked, late: [] })),
        categories: categories.map((category) => ({ ...category, isChecked: true, late: [] })),
        services,
        memory: null,
        nodes: 'nodes' in rows ? rows.nodes : null,
      },
      content,
      decisions: { ...decisions, hold: null, orderSinceMs: null },
    })
    expect(await countersOf(cluster)).toEqual(['reports accepted 1', 'gtg_answers no-data 1'])
    const history = await askJson(`/clusters/${cluster}/history`)
    expect(await history.json()).toMatchObject({ events: [] })
  })

  it('written between two of ours go before what we left', async () => {
    const cluster = takeCluster()
    const tellOf = async (name: string) => (await ask(`/clusters/${cluster}/__gtg/${name}`)).status
    const withCategory = (name: string) => aContent({ categories: [aCategory({ name })] })
    await push(aSnapshot({ cluster, observedAt: Date.now(), content: withCategory('old') }))
    await runInDurableObject(stubOf(cluster), (_, { storage: { sql } }) => {
      const { buffer } = new TextEncoder().encode(JSON.stringify(withCategory('new')))
      sql.exec("INSERT OR REPLACE INTO state VALUES ('content', 0, ?)", buffer)
    })
    await evictDurableObject(stubOf(cluster))

    const held = (await readAll(cluster))?.content
    const content = { ...withCategory('new'), categories: null }
    await push(aSnapshot({ cluster, sequence: 2, digest: 'd2', observedAt: Date.now(), content }))

    expect(held).toEqual(withCategory('new'))
    expect([await tellOf('new'), await tellOf('old')]).toEqual([200, 400])
  })

  async function storeRows(cluster: string, rows: object): Promise<void> {
    await runInDurableObject(stubOf(cluster), (_, { storage: { sql } }) => {
      sql.exec('DELETE FROM state')
      for (const [key, row] of Object.entries(rows)) {
        const { buffer } = new TextEncoder().encode(JSON.stringify(row))
        sql.exec('INSERT INTO state VALUES (?, 0, ?)', key, buffer)
      }
    })
    await evictDurableObject(stubOf(cluster))
  }
})
