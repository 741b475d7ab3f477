/** Which refusals of the API server mean that a replica lacks a right to its Lease: never one of an outage. */
import { describe, expect, it } from 'vitest'
import { KubeError, type Asked } from '../../../../node-exporter/discovery/kube-api.ts'
import type { SeenLease } from '../../../../node-exporter/leader/elector.ts'
import { LeaseStore } from '../../../../node-exporter/leader/lease-store.ts'

const CLAIM = { holder: 'a_1', transitions: 3, durationSeconds: 15 }
const { signal } = new AbortController()

/** What is asked, and the status of the answer; null: none. `written`: by another replica, just before. */
type Step = [what: 'get' | 'create' | 'update' | 'written', status?: number | null]

/** Gives the missing right after these steps, as its verb. */
async function play(steps: Step[]): Promise<string | null> {
  let version = 1
  let status: number | null = 200
  const send = ({ method }: Asked): Promise<unknown> => {
    if (status !== 200) return Promise.reject(new KubeError(`HTTP ${status}: no`, status))
    if (method !== 'GET') version += 1
    return Promise.resolve({ metadata: { resourceVersion: String(version) }, spec: {} })
  }
  const store = new LeaseStore({ send }, { namespace: 'pilotlight', name: 'l' })
  const over: SeenLease = { resourceVersion: '1', holder: 'b', transitions: 1, renewTime: '' }
  for (const [what, answer = 200] of steps) {
    status = answer
    if (what === 'written') version += 1
    else {
      const asked =
        what === 'get'
          ? store.read(signal)
          : store.write(CLAIM, what === 'create' ? null : over, signal)
      // oxlint-disable-next-line no-await-in-loop -- one after the other; whether it is rejected is no matter here
      await asked.catch(() => undefined)
    }
  }
  return /^the right to (\w+) leases/.exec(store.missingRight ?? '')?.[1] ?? null
}

describe('a right to the Lease', () => {
  it.each<[string, Step[], string | null]>([
    ['before anything was asked', [], null],
    ['refused from the start: get', [['get', 403]], 'get'],
    [
      'refused from the start: create',
      [
        ['get', 404],
        ['create', 403],
      ],
      'create',
    ],
    ['refused from the start: update', [['get'], ['update', 403]], 'update'],
    ['refused to a leader that could create it', [['create'], ['update', 403]], 'update'],
    ['refused, and a look works', [['get'], ['update', 403], ['get']], 'update'],
    [
      'refused, and then the API server is away',
      [
        ['get', 403],
        ['get', null],
      ],
      'get',
    ],
  ])('%s', async (_, steps, missing) => {
    expect(await play(steps)).toBe(missing)
  })

  it.each<[string, Step[]]>([
    ['no answer', [['get', null]]],
    ['401', [['get', 401]]],
    ['429', [['get', 429]]],
    ['500', [['get', 500]]],
    ['503 to a write', [['get'], ['update', 503]]],
    ['404', [['get', 404]]],
    ['409', [['get'], ['update', 409]]],
  ])('is not said to be missing on %s', async (_, steps) => {
    expect(await play(steps)).toBeNull()
  })

  it.each<[string, Step[]]>([
    ['it was granted before', [['get'], ['get', 403]]],
    ['it was granted before, to write', [['get'], ['update'], ['update', 403]]],
    ['a conflict has shown it', [['get'], ['update', 409], ['update', 403]]],
    ['it was found to be missing, and is granted', [['get', 403], ['get']]],
    ['another replica has written since', [['get'], ['update', 403], ['written'], ['get']]],
  ])('is not missing when %s', async (_, steps) => {
    expect(await play(steps)).toBeNull()
  })
})
