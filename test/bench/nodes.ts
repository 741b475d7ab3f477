/**
 * One collection of many nodes with 13 checks each, and what the report of them weighs. Their servers are in this process, so
 * the times are upper bounds.
 */
import { CHECK_NAMES } from '../../node-exporter/checks/index.ts'
import type { KnownNode } from '../../node-exporter/discovery/nodes.ts'
import { askDirectly } from '../../node-exporter/probing/ask.ts'
import { NodeCollector } from '../../node-exporter/probing/node-collector.ts'
import { packReport } from '../../node-exporter/push/content.ts'
import { aContent, aSnapshot } from '../support/a-report.ts'
import { LoopbackPods, type Behaviour } from '../sandbox/pods.ts'
import { print, tell } from './table.ts'

const CHECKS = [...CHECK_NAMES]
const TIMEOUT_MS = 3000
const GOOD: Behaviour = { kind: 'node', checks: CHECKS.map((name) => ({ name, passed: true })) }
const BAD: Behaviour = {
  kind: 'node',
  checks: CHECKS.map((name) => ({ name, passed: false, reason: `${name}: ${'why '.repeat(20)}` })),
}

export async function benchNodes(): Promise<void> {
  tell('200 nodes, in four states, then 1,000')
  print('Nodes collected by the cluster role', [
    await measure('all well', { nodes: 200 }),
    await measure('all fail', { nodes: 200, behaviour: BAD }),
    await measure('ten hang', { nodes: 200, hanging: 10 }),
    await measure('all hang', { nodes: 200, hanging: 200 }),
    await measure('all well', { nodes: 1000 }),
  ])
}

async function measure(
  what: string,
  {
    nodes,
    behaviour = GOOD,
    hanging = 0,
  }: { nodes: number; behaviour?: Behaviour; hanging?: number },
) {
  const pods = new LoopbackPods()
  const known: KnownNode[] = []
  for (let i = 0; i < nodes; i++) {
    // One after the other, so that addresses are the same in every run.
    // oxlint-disable-next-line no-await-in-loop
    const where = await pods.start(`node-${i}`, i < hanging ? { kind: 'hang' } : behaviour)
    known.push({
      name: `ip-10-0-${Math.floor(i / 250)}-${i % 250}.eu-west-1.compute.internal`,
      isSchedulable: true,
      isReady: true,
      exporter: { namespace: 'pilotlight', pod: `node-${i}`, scheme: 'http', ...where },
    })
  }
  const { promise: isKnown, resolve } = Promise.withResolvers<void>()
  const collector = new NodeCollector({
    ask: askDirectly,
    checks: CHECKS,
    selector: 'app=nodes',
    periodMs: 60_000,
    timeoutMs: TIMEOUT_MS,
    onChange: () => {
      resolve()
    },
  })
  const startMs = performance.now()
  collector.follow(known)
  await isKnown
  const tookMs = Math.round(performance.now() - startMs)
  collector.stop()
  await pods.stop()
  const content = aContent({ services: [], nodes: collector.describe() })
  const snapshot = aSnapshot({ content })
  return {
    nodes,
    what,
    'collected in ms': tookMs,
    'report bytes': Buffer.byteLength(JSON.stringify(snapshot)),
    'gzipped bytes': (await packReport(snapshot)).length,
  }
}
