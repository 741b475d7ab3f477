/** A cluster's object from within: how a test makes it lose what it has, or meet a KV that fails. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { expect, vi, type MockInstance } from 'vitest'
import type { Cluster } from '../../worker/index.ts'
import { Fleet } from '../../worker/index.ts'

export function stubOf(cluster: string) {
  return env.CLUSTER.getByName(cluster)
}

/** As after a fault of the platform: the object is there again, with nothing in it. */
export async function loseStorage(cluster: string): Promise<void> {
  await runInDurableObject(stubOf(cluster), async (_: Cluster, state) => {
    await state.storage.deleteAlarm()
    await state.storage.deleteAll()
  })
  await evictDurableObject(stubOf(cluster))
}

/** The object's alarm, which puts to KV whatever is to be put. True when one was set. */
export function runAlarm(cluster: string): Promise<boolean> {
  return runDurableObjectAlarm(stubOf(cluster))
}

/** ms; when the object's alarm rings. null: none is set. */
export function alarmOf(cluster: string): Promise<number | null> {
  return runInDurableObject(stubOf(cluster), (_: Cluster, { storage }) => storage.getAlarm())
}

/** What the object asks of KV. */
interface Kv {
  get(key: string): Promise<string | null>
  put(key: string, value: string): Promise<void>
}

export const KV: Kv = {
  get: (key) => env.STATE.get(key),
  put: (key, value) => env.STATE.put(key, value),
}

/** From now until its next eviction the object has this KV. */
export async function giveKv(cluster: string, kv: Partial<Kv>): Promise<void> {
  await runInDurableObject(stubOf(cluster), (object: Cluster) => {
    Reflect.set(object, 'env', { ...env, STATE: { ...KV, ...kv } })
  })
}

/** What KV holds of a cluster. */
export async function recordOf(cluster: string): Promise<unknown> {
  return JSON.parse((await env.STATE.get(`cluster/${cluster}`)) ?? 'null')
}

/** Of the many clusters of a test file none is silent but the one that a case is about. */
export function judgeAlone(): void {
  vi.spyOn(Fleet.prototype, 'judge').mockResolvedValue({ kind: 'none', witnesses: 'few' })
}

/** How often the object was asked behind the answers, once what was asked has come back. */
export async function timesAsked(view: MockInstance): Promise<number> {
  await vi.waitFor(() => {
    expect(view).toHaveBeenCalled()
  })
  await Promise.allSettled(view.mock.results.map((result): unknown => result.value))
  return view.mock.calls.length
}

/** The counters that `/metrics` tells, as `reports accepted 1`: those that were stored last. */
export async function countersOf(cluster: string): Promise<string[]> {
  const how = { prefix: 'pilotlight', maxLength: 1_000_000, isKnown: true }
  const text = await stubOf(cluster).measure({ gtg: {}, reports: {} }, how)
  const line = /_(\w+)_total\{.*,\w+="([^"]*)"\} (\d+)$/gm
  return [...Object.values(text).join('').matchAll(line)].map((found) => found.slice(1).join(' '))
}

/** A minute passes, and a prober asks: counters are stored then, whatever else happens. Needs a time set by hand. */
export async function keepCounters(cluster: string): Promise<void> {
  vi.setSystemTime(Date.now() + 60_000)
  await stubOf(cluster).view({ gtg: {}, reports: {} })
}
