/** What a node's exporter may answer, and what counts as no answer at all. */
import { describe, expect, it } from 'vitest'
import { readNodeAnswer } from '../../../../node-exporter/probing/node-answer.ts'
import { TEXT_MAX_BYTES } from '../../../../worker/contract/limits.ts'

const READY = { name: 'node_ready', passed: true }
const FULL = { name: 'disk_pressure', passed: false, reason: '/var: 3 % free' }

function bodyOf(checks: unknown): string {
  return JSON.stringify({ status: 'ready', checks, total_duration_ms: 3 })
}

describe('an answer', () => {
  it.each([200, 503])('is its checks, whatever the status says of them: %i', (status) => {
    const checks = readNodeAnswer(status, bodyOf([{ ...READY, duration_ms: 1 }, FULL]))

    expect(checks).toEqual([READY, FULL])
  })

  it('keeps what to look at while a check passes', () => {
    const warned = { ...READY, warning: 'the API server is away' }

    expect(readNodeAnswer(200, bodyOf([warned]))).toEqual([warned])
  })

  it('has texts and names that the wire takes', () => {
    const long = { name: 'n'.repeat(300), passed: false, reason: 'é'.repeat(5000) }

    const [check] = readNodeAnswer(503, bodyOf([long])) ?? []

    expect(check?.name).toHaveLength(253)
    expect(Buffer.byteLength(check?.reason ?? '')).toBeLessThanOrEqual(TEXT_MAX_BYTES)
  })

  it('leaves out a check that an older exporter doesn’t know', () => {
    const unknown = { name: 'bogus', passed: false, reason: 'Unknown check: bogus' }

    expect(readNodeAnswer(503, bodyOf([READY, unknown]))).toEqual([READY])
    expect(readNodeAnswer(503, bodyOf([unknown]))).toEqual([])
  })

  it('of 101 checks keeps 100, and each that fails', () => {
    const many = Array.from({ length: 100 }, (_, i) => ({ name: `check_${i}`, passed: true }))

    const checks = readNodeAnswer(503, bodyOf([...many, FULL]))

    expect(checks).toHaveLength(100)
    expect(checks).toContainEqual(FULL)
  })
})

describe('no answer', () => {
  const good = bodyOf([READY])
  it.each<[string, number, string]>([
    ['is what a role without NODE_NAME says', 500, bodyOf([])],
    ['is any other status', 404, good],
    ['is a redirect', 302, good],
    ['is a page', 200, '<html>'],
    ['is nothing', 200, ''],
    ['is JSON of another kind', 200, '[]'],
    ['is a body without checks', 200, '{"status":"ready"}'],
    ['is a list without any check', 200, bodyOf([])],
    ['is a check that doesn’t say', 503, bodyOf([{ name: 'node_ready' }])],
    ['is a check that says it in words', 503, bodyOf([{ name: 'node_ready', passed: 'yes' }])],
    ['is a check without a name', 503, bodyOf([{ name: '', passed: true }])],
  ])('%s', (_, status, body) => {
    expect(readNodeAnswer(status, body)).toBeNull()
  })
})
