/** `__gtg` word for word: what each reason says to each kind of prober (behaviour, section 4). */
import { describe, expect, it } from 'vitest'
import { replyAs, replyGtg } from '../../../../worker/dialects/gtg-text.ts'
import type { GtgReason } from '../../../../worker/domain/gtg.ts'
import { aGtg, aStanding } from '../../../support/a-view.ts'

const PASSING: GtgReason[] = ['healthy', 'degraded', 'held']
const FAILING: [GtgReason, number][] = [
  ['unhealthy', 503],
  ['disabled', 503],
  ['stale', 503],
  ['no-data', 503],
  ['internal', 503],
  ['unknown-category', 400],
  ['unknown-cluster', 400],
  ['ambiguous-cluster', 400],
]
const REASONS = [...PASSING, ...FAILING.map(([reason]) => reason)]

function reply(reason: GtgReason, method = 'GET'): Response {
  return replyGtg(method, aGtg({ reason, passes: PASSING.includes(reason) }))
}

function headersOf(response: Response): Record<string, string> {
  return Object.fromEntries(response.headers)
}

describe('the body and status', () => {
  it.each(PASSING)('are one and the same for all that pass: %s', async (reason) => {
    const response = reply(reason)

    expect(response.status).toBe(200)
    expect(await response.text()).toBe('OK\ngtg=pass\n')
  })

  it.each(FAILING)('name the reason of what fails: %s', async (reason, status) => {
    const response = reply(reason)

    expect(response.status).toBe(status)
    expect(await response.text()).toBe(`UNAVAILABLE\ngtg=fail reason=${reason}\n`)
  })

  it.each(FAILING)('never hold a word of passing when failing: %s', async (reason) => {
    const body = await reply(reason).text()

    expect(body).not.toMatch(/ok|gtg=pass/i)
  })

  it('never hold a name from outside', async () => {
    const categories = [aStanding({ name: 'gtg=pass', failing: ['web'], missing: ['bank'] })]

    const response = replyGtg('GET', aGtg({ passes: false, reason: 'unhealthy', categories }))

    expect(await response.text()).toBe('UNAVAILABLE\ngtg=fail reason=unhealthy\n')
    expect(JSON.stringify(headersOf(response))).not.toMatch(/web|bank|gtg=pass/)
  })
})

describe('the headers', () => {
  it('of what passes are these and no others', () => {
    expect(headersOf(reply('healthy'))).toEqual({
      'access-control-allow-origin': '*',
      'cache-control': 'no-store',
      'content-length': '12',
      'content-type': 'text/plain; charset=utf-8',
      'x-content-type-options': 'nosniff',
      'x-gtg': 'pass',
      'x-gtg-age': '3',
      'x-gtg-reason': 'healthy',
    })
  })

  it('of what fails are these and no others', () => {
    expect(headersOf(reply('unhealthy'))).toEqual({
      'access-control-allow-origin': '*',
      'cache-control': 'no-store',
      'content-length': '38',
      'content-type': 'text/plain; charset=utf-8',
      'retry-after': '10',
      'x-content-type-options': 'nosniff',
      'x-gtg': 'fail',
      'x-gtg-age': '3',
      'x-gtg-reason': 'unhealthy',
    })
  })

  it.each(REASONS)('tell Envoy of degradation and draining: %s', (reason) => {
    const headers = headersOf(reply(reason))

    const isDegraded = reason === 'degraded' || reason === 'held'
    expect(headers['x-envoy-degraded']).toBe(isDegraded ? 'true' : undefined)
    expect(headers['x-envoy-immediate-health-check-fail']).toBe(
      reason === 'disabled' ? 'true' : undefined,
    )
  })

  it.each(REASONS)('say when to ask again with 503 alone: %s', (reason) => {
    const response = reply(reason)

    expect(response.headers.has('retry-after')).toBe(response.status === 503)
  })

  it('say none for an age that nobody knows', () => {
    const response = replyGtg('GET', aGtg({ passes: false, reason: 'no-data', ageSeconds: null }))

    expect(response.headers.get('x-gtg-age')).toBe('none')
  })

  it('count the bytes of a body, not its characters', () => {
    const response = replyAs('GET', aGtg(), { body: '€😀', contentType: 'text/plain' })

    expect(response.headers.get('content-length')).toBe('7')
  })
})

describe('the methods', () => {
  it.each(REASONS)('HEAD has the status and headers of GET: %s', async (reason) => {
    const response = reply(reason, 'HEAD')

    expect(await response.text()).toBe('')
    expect(response.status).toBe(reply(reason).status)
    expect(headersOf(response)).toEqual(headersOf(reply(reason)))
  })

  it.each(REASONS)('OPTIONS answers the verdict, never 204: %s', async (reason) => {
    const response = reply(reason, 'OPTIONS')

    expect(await response.text()).toBe('')
    expect(response.status).toBe(reply(reason).status)
    expect(headersOf(response)).toEqual({
      ...headersOf(reply(reason)),
      'content-length': '0',
      allow: 'GET, HEAD, OPTIONS',
    })
  })
})
