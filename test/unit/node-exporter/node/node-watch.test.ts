/** What the node role knows of its Node, from an API server that is slow, refuses, hangs up, or isn't one at all. */
import type { RequestListener } from 'node:http'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { clock } from '../../../../node-exporter/checks/clock.ts'
import { runCheck } from '../../../../node-exporter/checks/check.ts'
import {
  NODE_TIMINGS,
  NodeWatch,
  type NodeTimings,
} from '../../../../node-exporter/node/node-watch.ts'
import type { ReflectorTimings } from '../../../../node-exporter/discovery/reflector.ts'
import { anApi, aNodeObject, sayNode, type Api } from '../../../support/exporter/an-api.ts'
import { anHttp2Api, answerWith, saySilence } from '../../../support/exporter/an-http2-api.ts'

const SOON = { timeout: 10_000, interval: 10 }
/** These servers speak HTTP/1.1 and end each watch at once, so a new one starts every 50 ms. */
const REFLECTOR: ReflectorTimings = { ...NODE_TIMINGS.reflector, backoffMs: [50, 100] }
const TIMINGS = { ...NODE_TIMINGS, reflector: REFLECTOR, askTimeoutMs: 5000, knownMs: 5000 }

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
    const { watch, turns } = aWatch(await anApi(hang), { askTimeoutMs: 300 })

    await watch.asked

    expect(turns).toEqual(['no answer in time'])
  })

  it('is told as missing with what to mend when nothing leads there', async () => {
    const access = { kubeconfig: undefined, accountRoot: '/nowhere', env: {} }
    const { watch, problem } = aWatch({ access })

    await watch.asked

    expect(problem()).toContain('KUBECONFIG is not set, and there is no service account')
  })

  it('is not asked for without a name, which would list all nodes', async () => {
    const api = await anApi(sayNode())
    const { watch, problem } = aWatch(api, {}, '')

    await watch.asked

    expect([problem(), api.requests.length]).toEqual(['NODE_NAME is not set', 0])
  })
})

describe('an answer that tells nothing of the Node', () => {
  const forbidden = JSON.stringify({ kind: 'Status', message: 'User "u" cannot list "nodes"' })
  const other = { ...aNodeObject(), metadata: { name: 'node-b' } }

  it.each<[string, RequestListener, string]>([
    ['401', refuse(401), 'HTTP 401: no reason given; it does not accept the credentials'],
    [
      '403',
      refuse(403, forbidden),
      'HTTP 403: User "u" cannot list "nodes"; give the user that it names "list" and "watch" on "nodes"',
    ],
    ['101', refuse(101), 'HTTP 101: no reason given'],
    ['429', refuse(429), 'HTTP 429: no reason given'],
    ['a redirect', refuse(302), 'HTTP 302: no reason given'],
    ['a 404 of a proxy', refuse(404, '<h1>Not Found</h1>'), 'HTTP 404: no reason given'],
    ['a page', refuse(200, '<html>'), 'an answer that is no JSON'],
    ['an empty object', refuse(200, '{}'), 'an answer that is no list'],
    ['a Node', refuse(200, '{"kind":"Node"}'), 'an answer that is no list'],
    ['another Node', sayNode(other), 'the API server answers, but not with this Node'],
    ['more than 4 MiB', refuse(200, 'x'.repeat(5 * 1024 * 1024)), 'the answer is too large'],
  ])('is a problem to tell, and not a Node that is gone: %s', async (_, say, words) => {
    const { watch, problem } = aWatch(await anApi(say))

    await watch.asked

    expect(problem()).toBe(words)
    expect(watch.facts().isGone).toBe(false)
  })

  it('is Kubernetes’ own word when the Node is gone', async () => {
    const empty = '{"kind":"NodeList","metadata":{"resourceVersion":"7"},"items":[]}'
    const { watch } = aWatch(await anApi(refuse(200, empty)))

    await watch.asked

    expect(watch.facts()).toMatchObject({ isGone: true, apiProblem: null })
  })
})

describe('one lost answer', () => {
  it('is made up for before what is known gets old', async () => {
    const api = await anApi(sayNode())
    const { watch, turns, problem } = aWatch(api, { knownMs: 10_000 })
    await watch.asked
    let asked = 0
    api.answer((request, response) => {
      asked += 1
      if (asked % 2 === 0) sayNode()(request, response)
      else request.socket.destroy()
    })
    const problems: (string | null)[] = []

    await vi.waitFor(() => {
      problems.push(problem())
      expect(asked).toBeGreaterThan(6)
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
      expect(turns.map((turn) => turn?.slice(0, 8) ?? null)).toEqual([null, 'HTTP 403', null])
    }, SOON)
  })
})

describe('what is known', () => {
  it('is listed anew after a watch that ended without a word', async () => {
    let ready = 'True'
    const api = await anHttp2Api((stream, path) => {
      if (path.includes('watch=true')) {
        saySilence(stream, 1000)
        return
      }
      const metadata = { resourceVersion: '9' }
      answerWith(
        stream,
        JSON.stringify({ kind: 'NodeList', metadata, items: [aNodeObject(ready)] }),
      )
    })
    const { watch } = aWatch(api, { reflector: { ...REFLECTOR, unconfirmedMs: 1000 } })
    await watch.asked

    ready = 'False'

    await vi.waitFor(() => {
      expect(watch.facts().conditions.get('Ready')).toMatchObject({ status: 'False' })
    }, SOON)
  })

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
    const { watch } = aWatch(await anApi(sayNode(aNodeObject(), seconds)))

    await vi.waitFor(async () => {
      const { passed, reason = '' } = await runCheck(clock, watch.facts())
      expect(passed).toBe(false)
      expect(reason).toMatch(words)
    }, SOON)
  })

  it('passes within two seconds, whatever the fraction of a second', async () => {
    const { watch } = aWatch(await anApi(sayNode(aNodeObject(), 1.2)))
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

  it('is not known after a jump, until the API server answers again', async () => {
    const api = await anApi(sayNode())
    const { watch } = aWatch(api, { askTimeoutMs: 500 })
    await watch.asked
    const isKnown = () => watch.facts().clockOffsetMs !== null
    expect(isKnown()).toBe(true)

    api.answer(hang)
    const asked = api.requests.length
    await vi.waitFor(() => {
      expect(api.requests.length).toBeGreaterThan(asked)
    }, SOON)
    const realNow = Date.now
    vi.spyOn(Date, 'now').mockImplementation(() => realNow() + 3_600_000)
    onTestFinished(() => {
      vi.restoreAllMocks()
    })
    expect(isKnown()).toBe(false)
    api.answer(sayNode())

    await vi.waitFor(() => {
      expect(isKnown()).toBe(true)
    }, SOON)
  })

  it('is not known any more when nobody tells it', async () => {
    const api = await anApi(sayNode(aNodeObject(), 3600))
    const { watch } = aWatch(api, { clockKnownMs: 150 })
    await watch.asked
    expect(watch.facts().clockOffsetMs).toBeGreaterThan(3_598_000)

    api.answer(hang)

    await vi.waitFor(() => {
      expect(watch.facts().clockOffsetMs).toBeNull()
    }, SOON)
  })
})
