/** When this process speaks for its cluster: while it holds the Lease; without one always, until another takes over. */
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { Config, LeaseConfig } from '../config.ts'
import { KubeApi, readOwnNamespace } from '../discovery/kube-api.ts'
import { Candidate, type CandidateOptions } from './candidate.ts'
import { LeaseStore } from './lease-store.ts'

export interface LeadershipOptions extends Pick<
  CandidateOptions,
  'log' | 'onStandDown' | 'onStatus'
> {
  /** It speaks from now on. null: there is no Lease. */
  onLead: (epoch: number | null) => void
  /** Another exporter speaks for this cluster, and no Lease says which is right. */
  onSuperseded: () => void
}

export interface Leadership {
  start(): void
  /** The edge refused a report, for it holds one of `epoch`. */
  refuse(epoch: number): void
  /** The process was told to stop: whoever doesn't lead won't any more. */
  drain(): void
  /** Lets the next one begin at once. Only once nothing is sent any more. */
  stop(): Promise<void>
}

export function createLeadership(config: Config, options: LeadershipOptions): Leadership {
  return config.lease === null
    ? withoutLease(options)
    : withLease(config, { lease: config.lease, options })
}

function withoutLease({ onLead, onSuperseded }: LeadershipOptions): Leadership {
  return {
    start: () => {
      onLead(null)
    },
    refuse: onSuperseded,
    drain: () => undefined,
    stop: () => Promise.resolve(),
  }
}

function withLease(
  { kubeconfig, podName }: Config,
  { lease, options }: { lease: LeaseConfig; options: LeadershipOptions },
): Leadership {
  // A connection of its own: whatever fills or blocks the other one must cost nobody the Lease. Two tries fit into the
  // time that a renewal has.
  const api = new KubeApi({ kubeconfig, accountRoot: '', timeoutMs: lease.renewMs / 2 })
  const namespace = lease.namespace ?? readOwnNamespace('') ?? 'default'
  const candidate = new Candidate({
    ...options,
    ...lease,
    store: new LeaseStore(api, { namespace, name: lease.name }),
    identity: `${podName ?? hostname()}_${randomUUID().slice(0, 8)}`,
  })
  return {
    start: () => {
      candidate.start()
    },
    refuse: (epoch) => {
      candidate.refuse(epoch)
    },
    drain: () => {
      candidate.drain()
    },
    stop: async () => {
      await candidate.stop()
      await api.stop()
    },
  }
}
