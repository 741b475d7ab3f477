/** One pod asked by its own probes: statuses to words, and whose answers count when another pod is followed. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { OperatorPod } from '../../../../node-exporter/discovery/node-operator-objects.ts'
import type { Asked } from '../../../../node-exporter/probing/ask.ts'
import {
  combineAnswers,
  OperatorProber,
  type ProbeAnswer,
} from '../../../../node-exporter/probing/operator-prober.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const PLACE = { namespace: 'infra', scheme: 'http', address: '10.0.0.1', port: 80 } as const
const UNKNOWN = { liveness: 'unknown', readiness: 'unknown' }

function aPod(name = 'a'): OperatorPod {
  const probes = {
    liveness: [{ ...PLACE, pod: name, path: '/live' }],
    readiness: [{ ...PLACE, pod: name, path: '/ready' }],
  }
  return { namespace: 'infra', name, isReady: true, isTerminating: false, probes }
}

function answered(status: number): Asked {
  return { isAnswer: true, status, contentType: '', text: '' }
}

/** `answer` is asked anew each time. */
function aCase(answer: (pod: string | null, path: string) => Promise<Asked>) {
  const asked: string[] = []
  const prober = new OperatorProber({
    ask: ({ pod, path }) => {
      asked.push(`${pod}${path}`)
      return answer(pod, path)
    },
    periodMs: 10_000,
    timeoutMs: 3000,
  })
  return { prober, asked }
}

function settle(ms = 0) {
  return vi.advanceTimersByTimeAsync(ms)
}

describe('an answer', () => {
  it.each<[string, Asked, ProbeAnswer]>([
    ['200', answered(200), 'ok'],
    ['a redirect', answered(302), 'ok'],
    ['399', answered(399), 'ok'],
    ['199', answered(199), 'not ok'],
    ['400', answered(400), 'not ok'],
    ['503', answered(503), 'not ok'],
    ['none', { isAnswer: false, reason: 'no answer in 3 s', mayRetry: false }, 'unknown'],
    ['no way to it', null, 'unknown'],
  ])('is taken as the kubelet takes it: %s', async (_, liveness, expected) => {
    const { prober } = aCase((_pod, path) =>
      Promise.resolve(path === '/live' ? liveness : answered(200)),
    )

    prober.follow(aPod())
    await settle()

    expect(prober.answers).toEqual({ liveness: expected, readiness: 'ok' })
    prober.stop()
  })

  it.each<[string, ProbeAnswer[], ProbeAnswer]>([
    ['no probe', [], 'unknown'],
    ['all ok', ['ok', 'ok'], 'ok'],
    ['one not ok', ['ok', 'unknown', 'not ok'], 'not ok'],
    ['one unknown', ['ok', 'unknown'], 'unknown'],
  ])('of several containers is theirs together: %s', (_, answers, expected) => {
    expect(combineAnswers(answers)).toBe(expected)
  })
})

describe('the pod that is followed', () => {
  it('is asked at once, and again with each period', async () => {
    let status = 200
    const { prober, asked } = aCase(() => Promise.resolve(answered(status)))
    prober.follow(aPod())
    await settle()
    status = 503

    await settle(9999)
    const before = prober.answers
    await settle(1)

    expect(before).toEqual({ liveness: 'ok', readiness: 'ok' })
    expect(prober.answers).toEqual({ liveness: 'not ok', readiness: 'not ok' })
    expect(asked).toEqual(['a/live', 'a/ready', 'a/live', 'a/ready'])
    prober.stop()
  })

  it('costs no question more for being told of again', async () => {
    const { prober, asked } = aCase(() => Promise.resolve(answered(200)))
    prober.follow(aPod())
    await settle()

    prober.follow({ ...aPod(), isReady: false })
    await settle()

    expect(asked).toHaveLength(2)
    expect(prober.answers).toEqual({ liveness: 'ok', readiness: 'ok' })
    prober.stop()
  })

  it('is unknown until it has answered, and a late answer of the one before is not heard', async () => {
    const late = Promise.withResolvers<Asked>()
    const { prober } = aCase((pod) => (pod === 'a' ? late.promise : new Promise(() => undefined)))
    prober.follow(aPod('a'))

    prober.follow(aPod('b'))
    late.resolve(answered(200))
    await settle()

    expect(prober.answers).toEqual(UNKNOWN)
    prober.stop()
  })

  it.each([
    ['gone', (prober: OperatorProber) => prober.follow(null)],
    ['no longer followed', (prober: OperatorProber) => prober.stop()],
  ])('is unknown and not asked once it is %s', async (_, end) => {
    const { prober, asked } = aCase(() => Promise.resolve(answered(200)))
    prober.follow(aPod())
    await settle()

    end(prober)
    await settle(60_000)

    expect(prober.answers).toEqual(UNKNOWN)
    expect(asked).toHaveLength(2)
  })
})
