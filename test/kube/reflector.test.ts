/** The copy of one collection, over an API server that is cut off, hangs, refuses or has forgotten: and what that costs it. */
import * as v from 'valibot'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { CountBound } from '../../node-exporter/discovery/bounded-items.ts'
import { KubeApi } from '../../node-exporter/discovery/kube-api.ts'
import {
  Reflector,
  REFLECTOR_TIMINGS,
  type ReflectorTimings,
} from '../../node-exporter/discovery/reflector.ts'
import type { AccessOptions } from '../../node-exporter/kubernetes/access.ts'
import { PINGS } from '../../node-exporter/kubernetes/connection.ts'
import type { SeenRequest } from '../sandbox/api-server/api-server.ts'
import type { World } from '../sandbox/world.ts'
import { aKubectlProxy } from '../support/exporter/a-kubectl-proxy.ts'
import { aTcpFront } from '../support/exporter/a-tcp-front.ts'
import { anApi, aServiceAccount } from '../support/exporter/an-api.ts'
import { anHttp2Api, answerWith, saySilence } from '../support/exporter/an-http2-api.ts'
import { aWorld } from '../support/exporter/a-setup.ts'

const SOON = { timeout: 15_000, interval: 20 }
const PATH = '/api/v1/namespaces/default/configmaps'
const named = v.object({ metadata: v.object({ name: v.string() }) })

function readName(object: unknown): string {
  return v.parse(named, object).metadata.name
}

interface Given {
  timings?: Partial<ReflectorTimings>
  pageSize?: number
  parse?: (object: unknown) => string
  bound?: CountBound
}

const PLENTY: CountBound = { items: { perNamespace: 10_000, inAll: 10_000 } }

function aReflector(
  access: AccessOptions,
  { timings = {}, pageSize, parse = readName, bound = PLENTY }: Given = {},
) {
  const api = new KubeApi({ ...access, timeoutMs: 10_000, pings: PINGS })
  const errors: string[] = []
  const collection = { path: PATH, ...(pageSize === undefined ? {} : { pageSize }) }
  const reflector: Reflector<string> = new Reflector(api, collection, {
    parse,
    bound,
    timings: { ...REFLECTOR_TIMINGS, ...timings },
    onChange: () => {
      const said = reflector.state.error?.message
      if (said !== undefined && said !== errors.at(-1)) errors.push(said)
    },
  })
  onTestFinished(async () => {
    reflector.stop()
    await api.stop()
  })
  void reflector.run()
  return { reflector, errors }
}

function addMap(world: World, name: string): void {
  world.api.create({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: 'default' },
  })
}

async function aMappedWorld(names: string[] = ['a']) {
  const world = await aWorld()
  for (const name of names) addMap(world, name)
  const { url, caPem, tokens } = world.api
  return { world, access: aServiceAccount(url, { caPem, token: [...tokens][0] ?? '' }) }
}

function listsOf(world: World): SeenRequest[] {
  return world.api.seen.requests.filter(({ path, watch }) => path === PATH && !watch)
}

function watchesOf(world: World): SeenRequest[] {
  return world.api.seen.requests.filter(({ path, watch }) => path === PATH && watch)
}

function secondsOf({ query }: SeenRequest): number {
  return Number(new URLSearchParams(query).get('timeoutSeconds'))
}

async function untilWatched(world: World): Promise<void> {
  await vi.waitFor(() => {
    expect(world.api.seen.openWatches).toBe(1)
  }, SOON)
}

async function untilHas(reflector: Reflector<string>, names: string[]): Promise<void> {
  await vi.waitFor(() => {
    expect(reflector.items).toEqual(names)
  }, SOON)
}

describe('what is more than the bound', () => {
  const TWO = { items: { perNamespace: 2, inAll: 2 } }
  const OFTEN = { refillMs: 300 }

  it('is left out, in a list and in a watch, and taken in when there is room', async () => {
    const { world, access } = await aMappedWorld(['a', 'b', 'c'])
    const { reflector } = aReflector(access, { bound: TWO, timings: OFTEN })
    await untilWatched(world)
    expect([reflector.items, [...reflector.cut]]).toEqual([['a', 'b'], ['default']])

    addMap(world, 'd')
    world.api.remove({ kind: 'ConfigMap', namespace: 'default', name: 'a' })

    await untilHas(reflector, ['b', 'c'])
    world.api.remove({ kind: 'ConfigMap', namespace: 'default', name: 'd' })
    world.api.remove({ kind: 'ConfigMap', namespace: 'default', name: 'b' })
    await untilHas(reflector, ['c'])
    await vi.waitFor(() => {
      expect([...reflector.cut]).toEqual([])
    }, SOON)
  })

  it('is told as soon as a watch brings it', async () => {
    const { world, access } = await aMappedWorld(['a', 'b'])
    const { reflector } = aReflector(access, { bound: TWO })
    await untilWatched(world)

    addMap(world, 'c')

    await vi.waitFor(() => {
      expect([...reflector.cut]).toEqual(['default'])
    }, SOON)
    expect(reflector.items).toEqual(['a', 'b'])
  })
})

describe('a page that is plenty', () => {
  it('is followed by smaller ones', async () => {
    const { world, access } = await aMappedWorld([])
    for (let i = 0; i < 12; i++) {
      const metadata = { name: `large-${i}`, namespace: 'default' }
      const data = { text: 'x'.repeat(900_000) }
      world.api.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data })
    }
    const timings: Given['timings'] = { watchSeconds: [1, 1], relistMs: 100 }
    aReflector(access, { pageSize: 12, timings })

    await vi.waitFor(() => {
      const limits = listsOf(world).map(({ query }) => new URLSearchParams(query).get('limit'))
      expect(limits.slice(0, 2)).toEqual(['12', '6'])
    }, SOON)
  })
})

describe('a watch over HTTP/2', () => {
  it('is asked for minutes, and nothing else is asked', async () => {
    const { world, access } = await aMappedWorld()
    const { reflector } = aReflector(access)
    await untilWatched(world)

    addMap(world, 'b')
    await untilHas(reflector, ['a', 'b'])

    expect(world.api.seen.requests).toHaveLength(2)
    expect(watchesOf(world).map(secondsOf)[0]).toBeGreaterThanOrEqual(300)
  })

  it.each<[string, (front: { hang(): void; cut(): void }) => void]>([
    ['hangs', (front) => front.hang()],
    ['is cut', (front) => front.cut()],
  ])('is resumed without a list or a word when its connection %s', async (_, strike) => {
    const { world, access } = await aMappedWorld()
    const front = await aTcpFront(world.api.url)
    const env = { ...access.env, KUBERNETES_SERVICE_PORT: String(front.port) }
    const { reflector, errors } = aReflector({ ...access, env })
    await untilWatched(world)

    strike(front)
    addMap(world, 'b')

    await untilHas(reflector, ['a', 'b'])
    expect([listsOf(world).length, errors]).toEqual([1, []])
  })

  it('is resumed after a list when it hangs on a connection that lives', async () => {
    const { world, access } = await aMappedWorld()
    const timings = { silenceMs: 1000, unconfirmedMs: 1000 }
    const { reflector, errors } = aReflector(access, { timings })
    await untilWatched(world)

    world.api.faults.hangWatches()
    addMap(world, 'b')

    await untilHas(reflector, ['a', 'b'])
    expect([listsOf(world).length, errors]).toEqual([2, []])
  })
})

describe('a watch where HTTP/2 can’t be had', () => {
  it('ends every few seconds, and is resumed without a list', async () => {
    const { world } = await aMappedWorld()
    const proxy = await aKubectlProxy(world)
    const { reflector } = aReflector(proxy, { timings: { unprovenSeconds: [1, 1] } })

    await vi.waitFor(() => {
      expect(watchesOf(world).length).toBeGreaterThan(2)
    }, SOON)

    expect(new Set(watchesOf(world).map(secondsOf))).toEqual(new Set([1]))
    expect([reflector.items, listsOf(world).length]).toEqual([['a'], 1])
  })

  it('is found out when it hangs, for the server ends each in time', async () => {
    const { world } = await aMappedWorld()
    const { reflector } = aReflector(await aKubectlProxy(world))
    await untilWatched(world)

    world.api.faults.hangWatches()
    addMap(world, 'b')

    await untilHas(reflector, ['a', 'b'])
    expect(listsOf(world)).toHaveLength(1)
  })
})

describe('a watch that is refused', () => {
  it.each([429, 503, 500, 403])(
    'with %s is resumed, and nothing is listed again',
    async (status) => {
      const { world, access } = await aMappedWorld()
      const { reflector, errors } = aReflector(access, { timings: { backoffMs: [50, 200] } })
      await untilWatched(world)

      world.api.faults.answer({ status, path: /watch=true/, times: 4 })
      world.api.faults.dropWatches()
      addMap(world, 'b')

      await untilHas(reflector, ['a', 'b'])
      expect(errors).toEqual([`HTTP ${status}: the API server was told to answer ${status}`])
      expect(listsOf(world)).toHaveLength(1)
    },
  )

  it('with 410 is followed by a list, each spaced', async () => {
    const { world, access } = await aMappedWorld()
    world.api.faults.answer({ status: 410, path: /watch=true/ })
    const { errors } = aReflector(access)

    await vi.waitFor(() => {
      expect(listsOf(world)).toHaveLength(3)
    }, SOON)

    const [first, second, third] = listsOf(world).map(({ atMs }) => atMs)
    expect((second ?? 0) - (first ?? 0)).toBeGreaterThanOrEqual(500)
    expect((third ?? 0) - (second ?? 0)).toBeGreaterThanOrEqual(1000)
    expect(errors[0]).toContain('HTTP 410')
  })

  it('by an event of 410 is followed by one list, without a word', async () => {
    const { world, access } = await aMappedWorld()
    const { reflector, errors } = aReflector(access)
    await untilWatched(world)

    world.api.faults.expireWatches()
    addMap(world, 'b')

    await untilHas(reflector, ['a', 'b'])
    expect([listsOf(world).length, errors]).toEqual([2, []])
  })

  it('by an event that can’t be read is followed by a list', async () => {
    const { world, access } = await aMappedWorld()
    let isBroken = true
    const parse = (object: unknown) => {
      const name = readName(object)
      if (name === 'b' && isBroken) throw new Error('unreadable')
      return name
    }
    const { reflector } = aReflector(access, { parse })
    await untilWatched(world)

    addMap(world, 'b')
    await vi.waitFor(() => {
      expect(listsOf(world).length).toBeGreaterThan(1)
    }, SOON)
    isBroken = false

    await untilHas(reflector, ['a', 'b'])
  })
})

/** Lists `items` of the version; watches by `watch`. */
async function aSilentApi(watch: (stream: Parameters<typeof saySilence>[0]) => void) {
  const now = { version: '9', names: ['old'] }
  const api = await anHttp2Api((stream, path) => {
    if (path.includes('watch=true')) {
      watch(stream)
      return
    }
    const metadata = { resourceVersion: now.version }
    const items = now.names.map((name) => ({ metadata: { name } }))
    answerWith(stream, JSON.stringify({ kind: 'ConfigMapList', metadata, items }))
  })
  const listsOfIt = () => api.paths.filter((path) => !path.includes('watch=true')).length
  return { ...api, now, countLists: listsOfIt }
}

describe('an etcd that was restored to an older state', () => {
  const SOON_SILENT = { silenceMs: 300, backoffMs: [20, 100] } satisfies Partial<ReflectorTimings>

  it.each<[string, number | undefined, Partial<ReflectorTimings>]>([
    ['falls silent', undefined, { relistMs: 400 }],
    ['falls silent', undefined, { unconfirmedMs: 300 }],
    ['ends without a word', 200, { relistMs: 400 }],
    ['ends without a word', 200, { unconfirmedMs: 200 }],
  ])('is listed, for a watch of a later version %s', async (_, endMs, timings) => {
    const api = await aSilentApi((stream) => {
      saySilence(stream, endMs)
    })
    const { reflector } = aReflector(api.access, { timings: { ...SOON_SILENT, ...timings } })
    await untilHas(reflector, ['old'])

    api.now.version = '3'
    api.now.names = ['new']

    await untilHas(reflector, ['new'])
    expect(reflector.state.isSynced).toBe(true)
  })

  it('is not suspected where each watch has its bookmarks', async () => {
    const api = await aSilentApi((stream) => {
      saySilence(stream)
      const object = { metadata: { resourceVersion: '9' } }
      const word = `${JSON.stringify({ type: 'BOOKMARK', object })}\n`
      const timer = setInterval(() => stream.write(word), 50)
      stream.on('close', () => {
        clearInterval(timer)
      })
      setTimeout(() => stream.end(), 1000)
    })
    const timings = { ...SOON_SILENT, unconfirmedMs: 800 }
    aReflector(api.access, { timings })

    await vi.waitFor(() => {
      expect(api.paths.length).toBeGreaterThan(3)
    }, SOON)

    expect(api.countLists()).toBe(1)
  })
})

describe('a list from time to time', () => {
  it.each([403, 500])('keeps the copy true where each watch gets %s', async (status) => {
    const api = await aSilentApi((stream) => {
      answerWith(stream, '{}', status)
    })
    const timings: Partial<ReflectorTimings> = { backoffMs: [20, 100], relistMs: 400 }
    const { reflector, errors } = aReflector(api.access, { timings })
    await untilHas(reflector, ['old'])

    api.now.names = ['new']

    await untilHas(reflector, ['new'])
    expect(new Set(errors)).toEqual(new Set([`HTTP ${status}: no reason given`]))
  })

  it('that is refused costs no change: the watch goes on', async () => {
    const { world, access } = await aMappedWorld()
    const timings: Partial<ReflectorTimings> = { watchSeconds: [1, 1], relistMs: 3000 }
    const { reflector, errors } = aReflector(access, { timings })
    await untilWatched(world)
    const { length } = watchesOf(world)

    world.api.faults.answer({ status: 429, path: /configmaps\?(?!.*watch)/ })
    await vi.waitFor(() => {
      expect(errors).toHaveLength(1)
    }, SOON)
    addMap(world, 'b')

    await untilHas(reflector, ['a', 'b'])
    expect(watchesOf(world).length).toBeGreaterThan(length)
  })

  it('follows at once when the API server has gone back in time', async () => {
    const tooLarge = {
      kind: 'Status',
      code: 504,
      message: 'Too large resource version',
      details: { causes: [{ reason: 'ResourceVersionTooLarge' }] },
    }
    let version = 9
    const api = await anApi(({ url = '' }, response) => {
      const asked = new URL(url, 'http://a').searchParams
      if (!asked.has('watch')) {
        response.end(
          JSON.stringify({ kind: 'ConfigMapList', metadata: { resourceVersion: `${version}` } }),
        )
        version = 3
      } else if (asked.get('resourceVersion') === '9') {
        response.writeHead(504).end(JSON.stringify(tooLarge))
      } else {
        response.flushHeaders()
      }
    })
    aReflector(api.access)

    await vi.waitFor(() => {
      expect(api.requests.map(({ url = '' }) => /resourceVersion=(\d+)/.exec(url)?.[1])).toEqual([
        undefined,
        '9',
        undefined,
        '3',
      ])
    }, SOON)
  })
})

describe('an API server that is back', () => {
  it('is listed at once when it has forgotten the version, however long it was away', async () => {
    const { world, access } = await aMappedWorld()
    const { reflector, errors } = aReflector(access, { timings: { backoffMs: [20, 200] } })
    await untilWatched(world)

    await world.api.faults.goAway()
    await vi.waitFor(() => {
      expect(errors.join()).toContain('ECONNREFUSED')
    }, SOON)
    world.api.faults.expireWatches()
    addMap(world, 'b')
    await world.api.faults.comeBack()
    await untilHas(reflector, ['a', 'b'])

    expect(errors.filter((error) => error.includes('too old'))).toEqual([])
  })

  it('tells why it is busy, in its own words', async () => {
    const api = await anApi((_, response) => {
      response.writeHead(429, { 'content-type': 'text/plain; charset=utf-8' })
      response.end('Too many requests, please try again later.\n')
    })

    const { errors } = aReflector(api.access)

    await vi.waitFor(() => {
      expect(errors).toEqual(['HTTP 429: Too many requests, please try again later.'])
    }, SOON)
  })
})

describe('a list whose pages have expired', () => {
  const names = ['a', 'b', 'c']

  it('is asked for as a whole, once, and nothing fails', async () => {
    const { world, access } = await aMappedWorld(names)
    world.api.faults.answer({ status: 410, path: /continue=/ })

    const { reflector, errors } = aReflector(access, { pageSize: 2 })
    await untilHas(reflector, names)
    await untilWatched(world)

    expect(errors).toEqual([])
    expect(listsOf(world).map(({ query }) => new URLSearchParams(query).get('limit'))).toEqual([
      '2',
      '2',
      null,
    ])
  })

  it.each([
    ['the first page', /^[^?]*configmaps\?(?!.*watch)/],
    ['the whole as well', /^[^?]*configmaps\?(?!.*limit=2$)(?!.*watch)/],
  ])('is tried again at growing distances, and says why: %s', async (_, path) => {
    const { world, access } = await aMappedWorld(names)
    const allow = world.api.faults.answer({ status: 410, path })

    const { reflector, errors } = aReflector(access, { pageSize: 2 })
    await vi.waitFor(() => {
      expect(errors).toEqual(['HTTP 410: the API server was told to answer 410'])
    }, SOON)
    const { length } = listsOf(world)
    allow()
    await untilHas(reflector, names)

    expect(length).toBeLessThanOrEqual(3)
    expect(reflector.state.error).toBeNull()
  })
})

describe('an API server that says when to come again', () => {
  it.each([
    ['a list, in seconds', /configmaps\?(?!.*watch)/, () => '2'],
    [
      'a list, by a date',
      /configmaps\?(?!.*watch)/,
      () => new Date(Date.now() + 3000).toUTCString(),
    ],
    ['a watch, in seconds', /watch=true/, () => '2'],
  ])('is not asked sooner: %s', async (_, path, say) => {
    const { world, access } = await aMappedWorld()
    world.api.faults.answer({ status: 429, path, times: 1, retryAfter: say() })
    const { reflector } = aReflector(access, { timings: { backoffMs: [10, 20] } })

    await untilWatched(world)

    const asked = world.api.seen.requests.filter(({ path: at, query }) =>
      path.test(`${at}?${query}`),
    )
    const [first, second] = asked.map(({ atMs }) => atMs)
    expect((second ?? 0) - (first ?? 0)).toBeGreaterThanOrEqual(1900)
    expect([reflector.items, asked.length]).toEqual([['a'], 2])
  })
})

describe('what answers in the place of an API server', () => {
  it.each([
    ['an empty object', '{}', 'an answer that is no list'],
    [
      'a list without a version',
      '{"kind":"ConfigMapList","metadata":{}}',
      'an answer that is no list',
    ],
    ['a page', '<html>', 'an answer that is no JSON'],
  ])('is no empty collection: %s', async (_, body, words) => {
    const api = await anApi((_request, response) => response.end(body))
    const { reflector, errors } = aReflector(api.access)

    await vi.waitFor(() => {
      expect(errors).toEqual([words])
    }, SOON)

    expect(reflector.state.isSynced).toBe(false)
  })
})
