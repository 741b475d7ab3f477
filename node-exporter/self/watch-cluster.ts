/** How the role cluster tells of itself: its components, its sources of checks, its counters. */
import type { Probe } from '../probing/probe.ts'
import type { Prober } from '../probing/prober.ts'
import type { Deliver } from '../push/deliver.ts'
import type { SourceCount } from './health-manager.ts'
import type { ProbeResult } from './metrics.ts'
import type { Self } from './self.ts'
import { judgeProber, StallGuard } from './stall-guard.ts'

export interface ClusterWatch {
  /** The same, counted. */
  probe(probe: Probe): Probe
  deliver(deliver: Deliver): Deliver
  start(parts: ClusterParts): void
}

export interface ClusterParts {
  /** null: it stands by, and asks nobody. */
  prober: () => Pick<Prober, 'overdueMs' | 'overdueTargets' | 'pace'> | null
  /** The longest that one probe may take. */
  probeTimeoutMs: number
  /** Collections of the API server: listed once, of all. */
  collections: () => SourceCount
  /** null: not known yet. */
  countNodes: () => number | null
  /** Categories of which something is left out. null: not known yet. */
  countIncomplete: () => number | null
  /** null: it stands by, and has none to open. */
  isLinkOpen: () => boolean | null
}

export function watchCluster({ health, metrics }: Self): ClusterWatch {
  const guard = new StallGuard()
  metrics.startCounting()
  for (const name of ['kube_api', 'discovery', 'prober', 'node_collector', 'push'] as const) {
    health.register(name)
  }
  return {
    probe: (probe) => async (target, timeoutMs) => {
      guard.turned()
      try {
        const probed = await probe(target, timeoutMs)
        metrics.countProbe(resultOf(probed))
        return probed
      } finally {
        guard.turned()
      }
    },
    deliver: (deliver) => async (body, sequence) => {
      const delivered = await deliver(body, sequence)
      metrics.countPush(delivered.kind)
      return delivered
    },
    start: ({ prober, probeTimeoutMs, collections, countNodes, countIncomplete, isLinkOpen }) => {
      health.addSources(collections)
      health.register('prober', () => {
        const now = prober()
        if (now === null) {
          guard.idleMs(false)
          return { status: 'unspecified', message: 'standing by' }
        }
        return judgeProber(guard, {
          ...now.pace(),
          timeoutMs: probeTimeoutMs,
          overdueMs: now.overdueMs(),
          overdueTargets: () => now.overdueTargets(),
        })
      })
      metrics.addGauges(() => {
        const now = prober()
        const nodes = countNodes()
        const incomplete = countIncomplete()
        const linkOpen = isLinkOpen()
        return {
          targets: now?.pace().targets ?? 0,
          overdueMs: now?.overdueMs() ?? 0,
          ...(nodes === null ? {} : { nodes }),
          ...(incomplete === null ? {} : { incomplete }),
          ...(linkOpen === null ? {} : { linkOpen }),
        }
      })
    },
  }
}

function resultOf(probed: Awaited<ReturnType<Probe>>): ProbeResult {
  if (probed === null) return 'unseen'
  if (!probed.answered) return 'unanswered'
  return probed.ok ? 'ok' : 'failing'
}
