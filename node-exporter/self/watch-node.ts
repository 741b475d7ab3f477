/** How the role node tells of itself: whether its checks go round, and whether the API server answers. */
import type { NodeFacts } from '../checks/check.ts'
import type { Log } from './log.ts'
import type { Self } from './self.ts'
import { judgeChecks, StallGuard } from './stall-guard.ts'

export interface NodeWatched {
  /** The same; each run of a check begins by asking for the facts. */
  facts(facts: () => NodeFacts): () => NodeFacts
  /** null: the API server answers. It is logged either way. */
  tellApi(problem: string | null): void
  /** Its port is open: its checks are there for whoever asks. */
  open(): void
}

export function watchNode(
  { health, roles }: Self,
  { nodeName, checks, log }: { nodeName: string | undefined; checks: string[]; log: Log },
): NodeWatched {
  const guard = new StallGuard()
  health.register('checks', () => judgeChecks(guard, { nodeName, warm: checks.length }))
  // Beside the role cluster, `kube_api` is that role's, whose whole work hangs on it; checks warn of their own access.
  const isAlone = !roles.includes('cluster')
  if (isAlone) health.register('kube_api')
  return {
    facts: (facts) => () => {
      guard.turned()
      return facts()
    },
    tellApi: (problem) => {
      if (isAlone && problem === null) health.update('kube_api', 'healthy')
      else if (isAlone) health.update('kube_api', 'degraded', problem ?? '')
      else if (problem === null) log.info('the node can ask the API server')
      else log.warn({ reason: problem }, 'the node can’t ask the API server: what needs it passes')
    },
    open: () => {
      const total = checks.length
      health.addSources(() => ({ loaded: nodeName === undefined ? 0 : total, total }))
    },
  }
}
