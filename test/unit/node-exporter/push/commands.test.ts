/** What the edge asks for: rounds that many share, and what a pod says, by a scripted prober and pods. */
import { setImmediate as turn } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { describe, expect, it, vi } from 'vitest'
import * as v from 'valibot'
import { askDirectly, type Ask, type Asked } from '../../../../node-exporter/probing/ask.ts'
import { Commands } from '../../../../node-exporter/push/commands.ts'
import {
  POD_BODY_MAX_BYTES,
  podAnswerSchema,
  type PodAnswer,
} from '../../../../worker/contract/link.ts'
import { aKnownTarget } from '../../../support/exporter/a-discovered.ts'
import { aLog } from '../../../support/exporter/a-log.ts'
import { serve } from '../../../support/exporter/local-server.ts'

const SAID = { isAnswer: true, status: 200, contentType: 'application/json', text: '{}' } as const

/** Rounds answer when they are told to, and pods too unless the case asks them itself. */
function aCase(ask?: Ask) {
  const { log, lines } = aLog()
  const rounds: { service: string | undefined; forMs: number; end: () => void }[] = []
  const pods: { pod: string; forMs: number; say: (asked: Asked) => void }[] = []
  const told: string[][] = []
  const sent: PodAnswer[] = []
  const commands = new Commands({
    prober: {
      askNow: (service, forMs) => {
        const { promise, resolve } = Promise.withResolvers<void>()
        rounds.push({ service, forMs, end: resolve })
        return promise
      },
      find: (service, id) => (service === 'web' && id !== 'gone' ? aKnownTarget({ id }) : null),
    },
    ask: (place, forMs) => {
      if (ask !== undefined) return ask(place, forMs)
      const { pod } = place
      const { promise, resolve } = Promise.withResolvers<Asked>()
      pods.push({ pod: pod ?? '', forMs, say: resolve })
      return promise
    },
    roundMs: 8000,
    podMs: 7000,
    onRound: (ids) => {
      told.push(ids)
    },
    send: (answer) => {
      sent.push(v.parse(podAnswerSchema, answer))
    },
    log,
  })
  const round = (id: string, service?: string) => {
    commands.take({ kind: 'round', id, ...(service === undefined ? {} : { service }) })
  }
  const pod = (id: string, name = 'web-1', service = 'web') => {
    commands.take({ kind: 'pod', id, service, pod: name })
  }
  return { commands, rounds, pods, told, sent, lines, round, pod }
}

describe('a round', () => {
  it('is asked for once by a hundred who ask at once, and told to all', async () => {
    const { rounds, told, round } = aCase()
    const ids = Array.from({ length: 100 }, (_, i) => `r${i}`)

    for (const id of ids) round(id)
    rounds[0]?.end()
    await turn()

    expect(told).toEqual([ids])
    expect(rounds).toMatchObject([{ service: undefined, forMs: 8000 }])
  })

  it.each<[string, (string | undefined)[], (string | undefined)[]]>([
    ['of a service joins that of all', [undefined, 'web'], [undefined]],
    ['of a service joins that of the same', ['web', 'web'], ['web']],
    ['of a service does not join that of another', ['web', 'shop'], ['web', 'shop']],
    ['of all does not join that of a service', ['web', undefined], ['web', undefined]],
  ])('%s', (_, services, expected) => {
    const { rounds, round } = aCase()

    for (const [i, service] of services.entries()) round(`r${i}`, service)

    expect(rounds.map(({ service }) => service)).toEqual(expected)
  })

  it('that comes twice is told once', async () => {
    const { rounds, told, round } = aCase()

    round('r1')
    round('r1')
    rounds[0]?.end()
    await turn()

    expect(told).toEqual([['r1']])
  })

  it('is asked for anew when the one before is over', async () => {
    const { rounds, told, round } = aCase()
    round('r1')
    rounds[0]?.end()
    await turn()
    expect(told).toEqual([['r1']])

    round('r2')

    expect(rounds).toHaveLength(2)
  })
})

describe('a pod', () => {
  it('is asked now, and what it says is sent as it is', async () => {
    const { pods, sent, pod } = aCase()

    pod('p1')
    pods[0]?.say({ ...SAID, status: 503, contentType: 'text/html', text: '<b>no</b>' })

    const answer = { ok: true, status: 503, contentType: 'text/html', body: '<b>no</b>' } as const
    await turn()
    expect(sent).toEqual([{ kind: 'pod', id: 'p1', answer }])
    expect(pods).toMatchObject([{ pod: 'web-1', forMs: 7000 }])
  })

  it('is read as a probe reads it: unpacked, without a byte order mark', async () => {
    const body = gzipSync('\u{feff}{"ok":true}')
    const server = await serve((_, response) => {
      response.setHeader('content-encoding', 'gzip').end(body)
    })
    const { sent, pod } = aCase((place, forMs) =>
      askDirectly({ ...place, port: server.port }, forMs),
    )

    pod('p1')

    await vi.waitFor(() => {
      expect(sent).toMatchObject([{ answer: { ok: true, status: 200, body: '{"ok":true}' } }])
    }, 5000)
  })

  it.each<[string, Asked, string]>([
    ['it does not answer', { isAnswer: false, reason: 'refused', mayRetry: true }, 'refused'],
    ['the way to it is gone', null, 'the way to the pod is gone'],
    ['its status is none', { ...SAID, status: 999 }, 'it answers HTTP 999'],
    [
      'its bytes are no text, and become too many',
      { ...SAID, text: '\u{fffd}'.repeat(POD_BODY_MAX_BYTES / 3 + 1) },
      `the answer is over ${POD_BODY_MAX_BYTES} bytes`,
    ],
    [
      'its reason is endless',
      { isAnswer: false, reason: 'x'.repeat(5000), mayRetry: false },
      `${'x'.repeat(1021)}…`,
    ],
  ])('can’t be had, and why is said: %s', async (_, asked, reason) => {
    const { pods, sent, pod } = aCase()

    pod('p1')
    pods[0]?.say(asked)
    await turn()

    expect(sent).toEqual([{ kind: 'pod', id: 'p1', answer: { ok: false, reason } }])
  })

  it('may name its content type at any length', async () => {
    const { pods, sent, pod } = aCase()

    pod('p1')
    pods[0]?.say({ ...SAID, contentType: 'x'.repeat(5000) })
    await turn()

    expect(sent).toMatchObject([{ answer: { contentType: 'x'.repeat(256) } }])
  })

  it.each([
    ['no such pod', 'gone', 'web'],
    ['no such service', 'web-1', 'shop'],
  ])('that there isn’t is nobody to ask: %s', async (_, name, service) => {
    const { pods, sent, pod } = aCase()

    pod('p1', name, service)

    const reason = `${service} has no pod of this name now`
    await turn()
    expect(sent).toEqual([{ kind: 'pod', id: 'p1', answer: { ok: false, reason } }])
    expect(pods).toEqual([])
  })

  it('has to wait where four are asked already, and is told so', async () => {
    const { pods, sent, pod } = aCase()

    for (const id of ['p1', 'p2', 'p3', 'p4', 'p4', 'p5']) pod(id)
    await turn()

    expect(sent).toMatchObject([{ id: 'p5', answer: { ok: false } }])
    expect(pods).toHaveLength(4)
    pods[0]?.say(SAID)
    await turn()
    expect(sent).toHaveLength(2)
    pod('p6')
    expect(pods).toHaveLength(5)
  })
})

describe('a command', () => {
  it.each<[string, unknown]>([
    ['of a kind that is not known', { kind: 'dance', id: 'd1' }],
    ['without an id', { kind: 'round' }],
    ['that is no object', 'round'],
    ['that is nothing', null],
  ])('that can’t be read is left alone: %s', (_, given) => {
    const { commands, rounds, pods, told, sent, lines } = aCase()

    commands.take(given)

    expect([rounds, pods, told, sent]).toEqual([[], [], [], []])
    expect(lines.join('')).toContain('does not know')
  })
})
