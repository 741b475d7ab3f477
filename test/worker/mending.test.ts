/** What another version left behind, and who waits while a cluster is restored or erased (behaviour, section 3). */
import { env } from 'cloudflare:workers'
import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { expect, it, vi } from 'vitest'
import { aBlind, aHeartbeat, aSnapshot } from '../support/a-report.ts'
import { RECORD_OF_6EA93D5, RECORD_OF_FC493A4 } from '../support/stored.ts'
import { ask, askJson, push, readAll, takeCluster, wireOf } from './edge.ts'
import { countersOf, keepCounters, KV, loseStorage, recordOf, stubOf } from './object.ts'
import { BEARER } from './visitors.ts'
import { aPutCluster, content, setTimeByHand } from './put-cluster.ts'

setTimeByHand()

it('asks for content that another version wrote, though heartbeats fit', async () => {
  const cluster = await aPutCluster()
  await runInDurableObject(stubOf(cluster), (_, state) => {
    const other = new TextEncoder().encode('{}').buffer
    state.storage.sql.exec("UPDATE state SET value = ? WHERE key = 'report'", other)
  })
  await evictDurableObject(stubOf(cluster))

  await askJson(`/clusters/${cluster}/__health`, { headers: BEARER })
  vi.setSystemTime(Date.now() + 10_000)
  const response = await push(aHeartbeat({ cluster, sequence: 2, observedAt: Date.now() }))

  expect(await response.json()).toEqual({ accepted: true, resend: true })
})

it('keeps the counters of a cluster that never reported', async () => {
  const cluster = takeCluster()
  await stubOf(cluster).view({ gtg: { 'no-data': 3 }, reports: {} })
  await keepCounters(cluster)

  await evictDurableObject(stubOf(cluster))

  expect(await countersOf(cluster)).toEqual(['gtg_answers no-data 3'])
})

it('keeps a report that waited behind a restore and an erase', async () => {
  const cluster = await aPutCluster()
  const record = await env.STATE.get(`cluster/${cluster}`)
  await loseStorage(cluster)

  const applied = await runInDurableObject(stubOf(cluster), async (object) => {
    const gate = Promise.withResolvers<string | null>()
    const get = vi
      .fn<() => Promise<string | null>>(() => Promise.resolve(record))
      .mockReturnValueOnce(gate.promise)
    Reflect.set(object, 'env', { ...env, STATE: { ...KV, get } })
    const turns = async () => {
      // oxlint-disable-next-line no-await-in-loop
      for (let turn = 0; turn < 20; turn++) await Promise.resolve()
    }
    const first = object.read()
    await turns()
    const erased = object.erase({ by: 'nina', address: '' })
    await turns()
    const report = aSnapshot({ cluster, sequence: 9, observedAt: Date.now(), content })
    const second = object.take(wireOf(report, Date.now() + 1000), { gtg: {}, reports: {} })
    await turns()
    gate.resolve(record)
    await Promise.all([first, erased])
    return second
  })

  expect(applied.ok).toBe(true)
  expect((await readAll(cluster))?.pulse.sequence).toBe(9)
})

it('holds a verdict and the order though the facts can’t be read', async () => {
  const cluster = takeCluster()
  const record = { ...RECORD_OF_6EA93D5, facts: [{ name: 'read' }] }
  await env.STATE.put(`cluster/${cluster}`, JSON.stringify(record))

  const response = await ask(`/clusters/${cluster}/__gtg/read`)
  const deposed = await push(aBlind({ cluster, epoch: 2, observedAt: Date.now() }))

  expect([response.headers.get('x-gtg-reason'), deposed.status]).toEqual(['disabled', 409])
})

it('refuses decisions that can’t be read, also beside a view', async () => {
  const cluster = takeCluster()
  const record = { ...RECORD_OF_FC493A4, decisions: { acks: [{ service: 'web' }] } }
  await env.STATE.put(`cluster/${cluster}`, JSON.stringify(record))

  const response = await push(aSnapshot({ cluster, observedAt: Date.now() }))

  expect(response.status).toBe(503)
  expect(await recordOf(cluster)).toEqual(record)
})
