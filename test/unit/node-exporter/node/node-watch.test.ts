/** What the node role knows of its Node, from an API server that is slow, refuses, hangs up, or isn't one at all. */
import type { RequestListener } from 'node:http'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { clock } from '../../../../node-exporter/checks/clock.ts'
import { runCheck } from '../../../../node-exporter/checks/check.ts'
import { NodeWatch, type NodeTimings } from '../../../../node-exporter/node/node-watch.ts'
import { anApi, aNodeObject, sayNode, type Api } from '../../../support/exporter/an-api.ts'

const SOON = { timeout: 10_000, interval: 10 }
const TIMINGS = {
  askEveryMs: 50,
  askTimeoutMs: 300,
  knownMs: 2000,
  sampleEveryMs: 20,
  agentReadyMs: 60_000,
}

function aWatch(
  { access }: Pick<Api, 'access'>,
  timings: Partial<NodeTimings> = {},
  name = 'node-a',
) {
  const turns: (string | null)[] = []
  const watch = new NodeWatch({
    name,
    hostRoot: '',
    access,
    onTurn: (problem) => turns.push(problem),
    timings: { ...TIMINGS, ...timings },
  })
  onTestFinished(() => {
    watch.stop()
  })
  return { watch, turns, problem: () => watch.facts().apiProblem }
}

function refuse(status: number, body = ''): RequestListener {
  return ({ socket }, response) => {
    if (status === 101)
      return void socket.end('HTTP/1.1 101 Switched\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n')
    response.writeHead(status).end(body)
  }
}

const hang: RequestListener = () => undefined

describe('the first answer', () => {
  it('is there when the watch says that it asked', async () => {
    const { watch } = aWatch(await anApi(sayNode(aNodeObject('False'))))

    await watch.asked

    expect(watch.facts()).toMatchObject({ apiProblem: null, taints: [] })
    expect(watch.facts().conditions.get('Ready')).toMatchObject({ status: 'False' })
  })

  it('is told as missing when there is none', async () => {
    const { watch, turns } = aWatch(await anApi(hang))

    await watch.asked

    expect(turns).toEqual(['the API server did not answer in 0.3 s'])
  })

  it('is told as missing in time when nothing leads there, and nobody waits for it', async () => {
    const access = () => new Promise<never>(() => undefined)
    const { watch, turns } = aWatch({ access }, { askTimeoutMs: 100 })

    await watch.asked

    expect(turns).toEqual(['no way to the API server was found in 0.1 s'])
  })

  it('is not asked for without a name, which would list all nodes', async () => {
    const api = await anApi(sayNode())
    const { watch, problem } = aWatch(api, {}, '')

    await watch.asked

    expect([problem(), api.requests.length]).toEqual(['NODE_NAME is not set', 0])
  })
})

describe('an answer that tells nothing of the Node', () => {
  it.each<[string, RequestListener, string | RegExp]>([
    ['401', refuse(401), 'the API server answers 401: it does not accept the token'],
    [
      '403',
      refuse(403),
      'the API server answers 403: the service account needs a ClusterRole with "get" on "nodes"',
    ],
    ['101', refuse(101), 'the API server answers 101'],
    ['429', refuse(429), 'the API server answers 429'],
    ['a redirect', refuse(302), 'the API server answers 302'],
    ['a 404 of a proxy', refuse(404, '<h1>Not Found</h1>'), 'the API server answers 404'],
    [
      'a 404 of another kind',
      refuse(404, '{"kind":"Status","reason":"Gone"}'),
      'the API server answers 404',
    ],
    ['a page', refuse(200, '<html>'), 'the API server answers 200, but not with a Node'],
    ['an empty object', refuse(200, '{}'), 'the API server answers 200, but not with a Node'],
    [
      'a list',
      refuse(200, '{"kind":"NodeList","items":[]}'),
      'the API server answers 200, but not with a Node',
    ],
  ])('is a problem to tell, and not a Node that is gone: %s', async (_, say, words) => {
    const { watch, problem } = aWatch(await anApi(say))

    await watch.asked

    expect(problem()).toBe(words)
    expect(watch.facts().isGone).toBe(false)
  })

  it('is Kubernetes’ own word when the Node is gone', async () => {
    const { watch } = aWatch(await anApi(refuse(404, '{"kind":"Status","reason":"NotFound"}')))

    await watch.asked

    expect(watch.facts()).toMatchObject({ isGone: true, apiProblem: null })
  })
})

describe('one lost answer', () => {
  it('is made up for before what is known gets old', async () => {
    const api = await anApi(sayNode())
    const { watch, turns, problem } = aWatch(api, {
      askEveryMs: 400,
      askTimeoutMs: 400,
      knownMs: 1100, // as 2, 2 and 5 s, with less to spare
    })
    await watch.asked
    let lost = 0
    api.answer((request, response) => {
      lost += 1
      if (lost % 2 === 0) sayNode()(request, response)
    })
    const problems: (string | null)[] = []

    await vi.waitFor(() => {
      problems.push(problem())
      expect(lost).toBeGreaterThan(6)
    }, SOON)

    expect(new Set(problems)).toEqual(new Set([null]))
    expect(turns).toEqual([null])
  })

  it('is told once when no other follows, and once when it is over', async () => {
    const api = await anApi(sayNode())
    const { watch, turns } = aWatch(api, { knownMs: 150 })
    await watch.asked

    api.answer(refuse(403))
    await vi.waitFor(() => {
      expect(turns).toHaveLength(2)
    }, SOON)
    const asked = api.requests.length
    await vi.waitFor(() => {
      expect(api.requests.length).toBeGreaterThan(asked + 5)
    }, SOON)
    api.answer(sayNode())

    await vi.waitFor(() => {
      expect(turns.map((turn) => turn?.slice(0, 26) ?? null)).toEqual([
        null,
        'the API server answers 403',
        null,
      ])
    }, SOON)
  })
})

describe('what is known', () => {
  it('is told as gone when it gets old, though no answer comes', async () => {
    const api = await anApi(sayNode())
    const { watch, turns } = aWatch(api, { askTimeoutMs: 60_000, knownMs: 150 })
    await watch.asked

    api.answer(hang)

    await vi.waitFor(() => {
      expect(turns).toEqual([null, 'nothing new from the API server'])
    }, SOON)
  })
})

describe('the clock', () => {
  it.each([
    ['3.2 s behind', 3.2, /^this machine's clock is (2\.[7-9]|3\.\d) s behind the API server's$/],
    ['3.2 s ahead', -3.2, /^this machine's clock is (2\.[7-9]|3\.\d) s ahead of the API server's$/],
  ])('fails with the offset when it is %s', async (_, seconds, words) => {
    const { watch } = aWatch(await anApi(sayNode(aNodeObject(), seconds)), { askEveryMs: 70 })

    await vi.waitFor(async () => {
      const { passed, reason = '' } = await runCheck(clock, watch.facts())
      expect(passed).toBe(false)
      expect(reason).toMatch(words)
    }, SOON)
  })

  it('passes within two seconds, whatever the fraction of a second', async () => {
    const { watch } = aWatch(await anApi(sayNode(aNodeObject(), 1.2)), { askEveryMs: 70 })
    await watch.asked

    const { passed, warning } = await runCheck(clock, watch.facts())

    expect([passed, warning]).toEqual([true, undefined])
  })

  it('is told by a refusal as well', async () => {
    const { watch, problem } = aWatch(await anApi(refuse(403)))

    await watch.asked

    expect(problem()).toContain('403')
    expect(Math.abs(watch.facts().clockOffsetMs ?? Infinity)).toBeLessThan(1000)
  })

  it('is not known any more when nobody tells it', async () => {
    const api = await anApi(sayNode(aNodeObject(), 3600))
    const { watch } = aWatch(api, { knownMs: 150 })
    await watch.asked
    expect(watch.facts().clockOffsetMs).toBeGreaterThan(3_598_000)

    api.answer(hang)

    await vi.waitFor(() => {
      expect(watch.facts().clockOffsetMs).toBeNull()
    }, SOON)
  })
})
