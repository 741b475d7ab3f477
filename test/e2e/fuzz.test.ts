/** A small run of `npm run fuzz`, and that it finds what it looks for. */
import { expect, it } from 'vitest'
import { findFaults, findProbeFaults, findReportFaults } from '../fuzz/judge.ts'
import { makeRequest } from '../fuzz/requests.ts'
import { diceOf, runFuzz } from '../fuzz/run-fuzz.ts'
import type { Answer } from '../fuzz/send.ts'

const SENT = { method: 'GET', path: '/', headers: {}, body: null }

function anAnswer(status: number, body: string, headers: Record<string, string> = {}): Answer {
  const all = { 'x-content-type-options': 'nosniff', date: 'now', ...headers }
  return { status, body, headers: new Map(Object.entries(all)) }
}

const JSON_TYPE = { 'content-type': 'application/json' }
const gtg = (reason: string) => ({
  'x-gtg': reason === 'healthy' ? 'pass' : 'fail',
  'x-gtg-reason': reason,
  'cache-control': 'no-store',
})

it('random requests and bent reports break nothing', async () => {
  const { findings, requests, reports } = await runFuzz({
    seed: 20_261_201,
    requests: 600,
    reports: 200,
    tell: () => {},
  })

  expect(findings).toEqual([])
  expect(Object.keys(requests)).toEqual(expect.arrayContaining(['200', '400', '401', '404', '405']))
  expect(Object.keys(reports)).toEqual(expect.arrayContaining(['202', '401', '422']))
}, 180_000)

it('the same seed and number make the same request, another seed another', () => {
  const around = {
    routes: ['/__gtg'],
    acts: ['/hold'],
    readSession: 'a=b',
    operateSession: 'cookie=123456789',
  }
  const make = (seed: number) => makeRequest(diceOf(seed, 1, 42), around)

  expect(make(7)).toEqual(make(7))
  expect(make(8)).not.toEqual(make(7))
})

it.each<[string, Answer, string[]]>([
  ['a page', anAnswer(200, '<p>'), []],
  ['no nosniff', anAnswer(200, '', { 'x-content-type-options': '' }), ['no nosniff']],
  ['a 500', anAnswer(500, ''), ['status 500']],
  [
    'a 503 of a thrown error',
    anAnswer(503, '{"error":{"code":"internal","message":""}}', JSON_TYPE),
    ['503 internal'],
  ],
  [
    'a 503 that is defined',
    anAnswer(503, '{"error":{"code":"no-data","message":""}}', JSON_TYPE),
    [],
  ],
  ['a bare 503', anAnswer(503, 'oops'), ['undefined 503']],
  ['a redirect', anAnswer(302, ''), ['redirect 302']],
  ['a way out', anAnswer(303, '', { location: '//evil.example' }), ['leads elsewhere']],
  ['a stack', anAnswer(404, 'Error\n    at x (worker.js:1:2)'), ['a stack is told']],
  ['gtg', anAnswer(200, 'OK\ngtg=pass\n', gtg('healthy')), []],
  [
    'gtg with a name',
    anAnswer(503, 'UNAVAILABLE\ngtg=fail reason=stale web\n', gtg('stale')),
    ['gtg says something else'],
  ],
  [
    'gtg internal',
    anAnswer(503, 'UNAVAILABLE\ngtg=fail reason=internal\n', gtg('internal')),
    ['gtg internal'],
  ],
  ['gtg 404', anAnswer(404, 'OK\ngtg=pass\n', gtg('stale')), ['gtg status 404']],
  [
    'gtg that passes with 503',
    anAnswer(503, 'OK\ngtg=pass\n', gtg('healthy')),
    ['X-GTG is another'],
  ],
])('is judged: %s', (_, answer, faults) => {
  expect(findFaults(SENT, answer)).toEqual(faults)
})

it('is judged by its path: a probe without a verdict, a report with another status', () => {
  expect(findProbeFaults(SENT, anAnswer(404, ''))).toEqual(['404 without X-GTG'])
  expect(findReportFaults(SENT, anAnswer(429, ''))).toEqual(['status 429 to a report'])
})
