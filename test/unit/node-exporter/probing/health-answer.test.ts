/** Status and body of a pod's answer into what it says of the pod (behaviour, section 1, Probe). */
import { describe, expect, it } from 'vitest'
import { judgeAnswer, notAnswered } from '../../../../node-exporter/probing/health-answer.ts'
import * as v from 'valibot'
import { podCheckSchema } from '../../../../worker/contract/report.ts'

function judge(document: unknown) {
  return judgeAnswer(200, JSON.stringify(document))
}

describe('an answer that is no health document', () => {
  it.each([
    ['an empty body', 200, '', 'the answer is not JSON'],
    ['HTML', 200, '<!doctype html><p>ok</p>', 'the answer is not JSON'],
    ['words', 200, 'OK', 'the answer is not JSON'],
    ['JSON that was cut off', 200, '{"checks": [', 'the answer is not JSON'],
    ['an outage without a body', 503, '', 'HTTP 503'],
    ['no content', 204, '', 'HTTP 204'],
    ['a redirect', 302, '', 'HTTP 302'],
    ['not there', 404, 'not found', 'HTTP 404'],
    ['a page of a proxy', 503, '<h1>503 Service Unavailable</h1>', 'HTTP 503'],
    ['an error of a proxy', 503, '{"error":"no healthy upstream"}', 'HTTP 503'],
    ['a message of a proxy', 502, '{"message":"bad gateway"}', 'HTTP 502'],
    ['JSON that says nothing', 503, '{}', 'HTTP 503'],
    ['JSON of no object', 503, '"DOWN"', 'HTTP 503'],
    ['a number', 500, '1', 'HTTP 500'],
    ['Spring’s error', 404, '{"status":404,"error":"Not Found","path":"/__health"}', 'HTTP 404'],
    ['JSend’s error', 404, '{"status":"error","message":"not found"}', 'HTTP 404'],
    ['JSend’s failure', 401, '{"status":"fail","data":{"token":"missing"}}', 'HTTP 401'],
    ['a refusal', 401, '{"success":false,"error":"unauthorized"}', 'HTTP 401'],
    ['a coded error', 503, '{"error":{"code":503,"status":"UNAVAILABLE"}}', 'HTTP 503'],
    [
      'Kubernetes’ Status',
      503,
      '{"kind":"Status","apiVersion":"v1","status":"Failure","message":"no","code":503}',
      'HTTP 503',
    ],
    ['FastAPI’s error', 503, '{"detail":"Service Unavailable"}', 'HTTP 503'],
    ['a map of texts', 503, '{"version":"1.2","database":"failing"}', 'HTTP 503'],
    ['no state of a route that is not there', 404, '{"status":"maintenance_mode"}', 'HTTP 404'],
    ['a login', 401, '{"status":"fail","reason":"no token"}', 'HTTP 401'],
    ['a refusal by its word', 403, '{"ok":false}', 'HTTP 403'],
    ['a method', 405, '{"success":false}', 'HTTP 405'],
    ['a proxy’s login', 407, '{"status":"unavailable"}', 'HTTP 407'],
    ['a limit', 429, '{"status":"error","reason":"too many requests"}', 'HTTP 429'],
    ['fields of a refusal', 403, '{"errors":{"token":"missing"}}', 'HTTP 403'],
    ['a list of errors', 503, '{"status":"error","errors":["no upstream"]}', 'HTTP 503'],
    ['a detail', 503, '{"ok":false,"detail":"no upstream"}', 'HTTP 503'],
    ['a title', 500, '{"status":"error","title":"An error occurred"}', 'HTTP 500'],
    ['an unknown word alone', 503, '{"state":"brewing"}', 'HTTP 503'],
  ])('counts as no answer: %s', (_, status, body, reason) => {
    const outcome = judgeAnswer(status, body)

    expect(outcome).toEqual({ ok: false, answered: false, checks: [], reason })
  })

  it('has a reason cut to what the wire takes', () => {
    const outcome = notAnswered('x'.repeat(5000))

    expect(Buffer.byteLength(outcome.reason ?? '')).toBe(1024)
  })
})

describe('a health document', () => {
  const good = { id: 'db', name: 'database', ok: true, severity: 1 }
  const bad = { ...good, ok: false }

  it.each<[string, unknown, boolean]>([
    ['FT, all well', { schemaVersion: 1, checks: [good] }, true],
    ['FT, one check fails', { schemaVersion: 1, checks: [good, bad] }, false],
    ['FT, no checks in it', { checks: [] }, true],
    ['FT, whole is ok although a check is not', { ok: true, checks: [bad] }, false],
    ['ok false on top', { ok: false }, false],
    ['ok false on top, all checks well', { ok: false, checks: [good] }, false],
    ['ok true on top', { ok: true }, true],
    ['Spring UP', { status: 'UP' }, true],
    ['Spring DOWN', { status: 'DOWN', components: {} }, false],
    ['Spring OUT_OF_SERVICE', { status: 'OUT_OF_SERVICE' }, false],
    ['Spring UNKNOWN', { status: 'UNKNOWN' }, true],
    ['health+json pass', { status: 'pass', checks: { 'db:time': [{ status: 'pass' }] } }, true],
    ['health+json warn', { status: 'warn' }, true],
    ['health+json fail', { status: 'fail', checks: { 'db:time': [{ status: 'fail' }] } }, false],
    ['health+json error', { status: 'error' }, false],
    ['health+json down', { status: 'down' }, false],
    ['MicroProfile UP', { status: 'UP', checks: [{ name: 'db', status: 'UP' }] }, true],
    ['MicroProfile DOWN', { status: 'DOWN', checks: [{ name: 'db', status: 'DOWN' }] }, false],
    ['a status in numbers', { status: 500 }, true],
    ['ok in words', { ok: 'false' }, false],
    ['ok null', { ok: null }, true],
  ])('is read as %s', (_, document, ok) => {
    const outcome = judge(document)

    expect(outcome).toMatchObject({ ok, answered: true })
  })

  it.each<[string, unknown, string | undefined]>([
    ['it itself, where no check does', { ok: false, checks: [good] }, 'it says so itself'],
    ['it itself, by its status', { status: 'DOWN' }, 'it says so itself'],
    ['the check, where one fails', { ok: false, checks: [bad] }, undefined],
  ])('names what is to blame: %s', (_, document, reason) => {
    const outcome = judge(document)

    expect(outcome.reason).toBe(reason)
  })

  const SILENT = 'answer JSON without checks'
  it.each<[string, unknown, string | undefined]>([
    ['an empty object', {}, SILENT],
    ['a number', 1, SILENT],
    ['null', null, SILENT],
    ['a text that is a state', 'ok', undefined],
    ['a list', [1, 2], SILENT],
    ['anything else', { uptime: 5 }, SILENT],
    ['a status in numbers', { status: 200 }, SILENT],
    ['checks of null', { checks: null }, SILENT],
    ['checks, though none in it', { checks: [] }, undefined],
    ['a state by ok', { ok: true }, undefined],
    ['a state by status', { status: 'UP' }, undefined],
    ['an unknown state', { status: 'brewing' }, 'say "brewing", which is no known state'],
    [
      'a long state',
      { status: 'x'.repeat(999) },
      `say "${'x'.repeat(64)}", which is no known state`,
    ],
  ])('without checks and state is available with a warning: %s', (_, document, warning) => {
    const outcome = judge(document)

    expect(outcome).toMatchObject({ ok: true, answered: true, checks: [] })
    expect(outcome.warning).toBe(warning)
  })
})

describe('a health document with another status than 200', () => {
  const bad = { id: 'db', name: 'database', ok: false, severity: 3, checkOutput: 'refused' }
  const spring = { status: 'DOWN', components: { db: { status: 'DOWN' }, disk: { status: 'UP' } } }

  it.each<[string, number, unknown, string[], string | undefined]>([
    ['FT', 503, { checks: [bad] }, ['db'], undefined],
    ['FT, by 500', 500, { checks: [bad] }, ['db'], undefined],
    ['FT, none failing', 503, { checks: [{ ...bad, ok: true }] }, [], 'HTTP 503'],
    ['FT, none at all', 503, { checks: [] }, [], 'HTTP 503'],
    ['FT, created', 201, { checks: [] }, [], 'HTTP 201'],
    ['Spring', 503, spring, ['db'], undefined],
    ['Spring without components', 503, { status: 'DOWN' }, [], 'HTTP 503'],
    [
      'Spring, up with a component that is not',
      503,
      { ...spring, status: 'UP' },
      ['db'],
      undefined,
    ],
    ['a state that is good', 500, { ok: true }, [], 'HTTP 500'],
    [
      'Terminus',
      503,
      { status: 'error', error: {}, details: { redis: { status: 'down', message: 'refused' } } },
      ['redis'],
      undefined,
    ],
    ['dropwizard', 500, { db: { healthy: false, message: 'x' } }, ['db'], undefined],
    ['heptiolabs/healthcheck', 503, { db: 'dial tcp: refused', gc: 'OK' }, ['db'], undefined],
    ['Django', 500, { Cache: 'working', Db: 'unavailable: refused' }, ['Db'], undefined],
    ['RabbitMQ', 503, { status: 'failed', reason: 'alarm' }, [], 'HTTP 503'],
    ['checks on any status', 404, { checks: [bad] }, ['db'], undefined],
    ['Consul warning', 429, [{ CheckID: 'mem', Status: 'warning' }], [], 'HTTP 429'],
  ])('is an answer, and unavailable: %s', (_, status, document, failing, reason) => {
    const outcome = judgeAnswer(status, JSON.stringify(document))

    expect(outcome).toMatchObject({ ok: false, answered: true })
    expect(outcome.checks.filter(({ ok }) => !ok).map(({ id }) => id)).toEqual(failing)
    expect(outcome.reason).toBe(reason)
  })

  it('keeps the texts and the severity of what fails', () => {
    const outcome = judgeAnswer(503, JSON.stringify({ checks: [bad] }))

    expect(outcome).toEqual({ ok: false, answered: true, checks: [bad] })
  })
})

describe('a check of it', () => {
  const texts = {
    businessImpact: 'no sales',
    technicalSummary: 'no database',
    panicGuide: 'call Ann',
    checkOutput: 'refused',
    lastUpdated: '2026-01-01T00:00:00Z',
  }

  function checksOf(...checks: unknown[]) {
    return judge({ checks }).checks
  }

  it('is whole when it fails', () => {
    const check = { id: 'db', name: 'database', ok: false, severity: 1, ...texts }

    const checks = checksOf({ ...check, _internal: 'secret' })

    expect(checks).toEqual([check])
  })

  it('keeps none of its texts when it passes', () => {
    const checks = checksOf({ id: 'db', name: 'database', ok: true, severity: 3, ...texts })

    expect(checks).toEqual([{ id: 'db', name: 'database', ok: true, severity: 3 }])
  })

  it.each<[unknown, number | undefined]>([
    [1, 1],
    [2, 2],
    [3, 3],
    [0, undefined],
    [4, undefined],
    [9, undefined],
    [1.5, undefined],
    ['1', undefined],
    [null, undefined],
  ])('has a severity of %j as %j', (severity, expected) => {
    const checks = checksOf({ id: 'db', ok: false, severity })

    expect(checks.map((check) => check.severity)).toEqual([expected])
  })

  it.each<[string, unknown, string, string]>([
    ['both', { id: 'db', name: 'database' }, 'db', 'database'],
    ['only an id', { id: 'db' }, 'db', 'db'],
    ['only a name', { name: 'database' }, 'database', 'database'],
    ['neither', {}, 'check 1', 'check 1'],
    ['null for both', { id: null, name: null }, 'check 1', 'check 1'],
    ['a number as id', { id: 7 }, '7', '7'],
    ['an object as name', { id: 'db', name: {} }, 'db', 'db'],
    ['an empty name', { id: 'db', name: '' }, 'db', 'unnamed'],
    ['a long name', { name: 'n'.repeat(300) }, 'n'.repeat(253), 'n'.repeat(253)],
  ])('goes by what it names: %s', (_, entry, id, name) => {
    const checks = checksOf(entry)

    expect(checks).toEqual([{ id, name, ok: true }])
  })

  it.each<[string, unknown, boolean]>([
    ['false', false, false],
    ['true', true, true],
    ['the word false', 'false', false],
    ['zero', 0, true],
    ['null', null, true],
    ['nothing', undefined, true],
  ])('fails by ok false, as a boolean or a word: %s', (_, ok, expected) => {
    const outcome = judge({ checks: [{ id: 'db', ok }] })

    expect(outcome).toMatchObject({ ok: expected, checks: [{ ok: expected }] })
  })

  it('is left out when it is no object at all', () => {
    const checks = checksOf(null, 'db', 7, { id: 'db', ok: true })

    expect(checks).toEqual([{ id: 'db', name: 'db', ok: true }])
  })

  it.each([
    ['at the limit', 1024, 1024, false],
    ['one byte over it', 1025, 1024, true],
  ])('has its texts cut to 1 KiB: %s', (_, given, bytes, isCut) => {
    const checks = checksOf({ id: 'db', ok: false, checkOutput: 'x'.repeat(given) })

    const output = checks[0]?.checkOutput ?? ''
    expect(Buffer.byteLength(output)).toBe(bytes)
    expect(output.endsWith('…')).toBe(isCut)
  })

  it('has texts of other types as words, or none', () => {
    const checks = checksOf({ id: 'db', ok: false, checkOutput: 42, panicGuide: ['a'] })

    expect(checks).toEqual([{ id: 'db', name: 'db', ok: false, checkOutput: '42' }])
  })

  it('is always one that the edge takes', () => {
    const odd = [
      { id: '', name: '' },
      { id: '😀'.repeat(200), ok: false, checkOutput: '\ud800' },
    ]

    const checks = checksOf(...odd)

    expect(v.safeParse(v.array(podCheckSchema), checks).issues).toBeUndefined()
  })
})

describe('a long answer', () => {
  const checks = Array.from({ length: 200 }, (_, i) => ({
    id: `check-${i}`,
    name: `check-${i}`,
    ok: i % 2 === 0,
    severity: i === 199 ? 1 : 3,
    checkOutput: 'x'.repeat(1000),
  }))

  it('keeps every name, and texts up to 8 KiB, the worst first', () => {
    const { ok, checks: kept } = judge({ checks })

    expect([ok, kept.length, kept[0]?.id]).toEqual([false, 200, 'check-199'])
    expect(kept.filter(({ checkOutput }) => checkOutput !== undefined)).toHaveLength(8)
  })

  it('keeps names up to 8 KiB, whatever the texts are', () => {
    const long = checks.map((check) => ({ ...check, id: check.id.padEnd(250, '.') }))
    const idsOf = (checkOutput: string) =>
      judge({ checks: long.map((check) => ({ ...check, checkOutput })) }).checks.map(({ id }) => id)

    expect(idsOf('x'.repeat(1000))).toHaveLength(31)
    expect(idsOf('another')).toEqual(idsOf('x'.repeat(1000)))
  })
})
