/** HAProxy's agent-check as HAProxy reads it: one line over TCP, then the end. */
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect, it, onTestFinished } from 'vitest'
import type { CheckResult } from '../../../../node-exporter/checks/check.ts'
import { startAgent } from '../../../../node-exporter/node/agent-check.ts'

const WELL: CheckResult = { name: 'node_ready', passed: true, duration_ms: 1 }

async function lineOf(result: CheckResult, isCordoned = false): Promise<string> {
  const server = await startAgent(0, {
    checks: [result.name],
    ask: () => Promise.resolve(result),
    isCordoned: () => isCordoned,
  })
  onTestFinished(() => {
    server.close()
  })
  const address = server.address()
  const port = address === null || typeof address === 'string' ? 0 : address.port
  return text(connect(port, '127.0.0.1'))
}

it.each([
  ['all is well', WELL, false, 'up ready\n'],
  ['it is cordoned', WELL, true, 'drain\n'],
  [
    'a check fails',
    { ...WELL, passed: false, reason: 'KubeletNotReady' },
    false,
    'down#node_ready: KubeletNotReady\n',
  ],
  [
    'a check fails while cordoned',
    { ...WELL, passed: false, reason: 'x' },
    true,
    'down#node_ready: x\n',
  ],
  [
    'a reason has lines',
    { ...WELL, passed: false, reason: 'a\nup\u2028b' },
    false,
    'down#node_ready: a up b\n',
  ],
  [
    'a reason is long',
    { ...WELL, passed: false, reason: 'x'.repeat(500) },
    false,
    `down#${'node_ready: '.padEnd(200, 'x')}\n`,
  ],
])('says in a line that %s', async (_, result, isCordoned, line) => {
  expect(await lineOf(result, isCordoned)).toBe(line)
})
