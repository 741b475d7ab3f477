/**
 * What an exporter does while it speaks for its cluster: it probes and pushes, all of it under one epoch. Every term begins
 * with nothing seen, so with `blind`; what streaks count, it counts anew.
 */
import type { ExporterInfo } from '../worker/contract/report.ts'
import type { SigningKey } from '../worker/contract/signature.ts'
import type { Config } from './config.ts'
import type { Discovered } from './discovery/discovery.ts'
import type { Nodes } from './nodes.ts'
import type { Ask } from './probing/ask.ts'
import type { PodReader } from './probing/pod-reader.ts'
import type { Probe } from './probing/probe.ts'
import { Prober } from './probing/prober.ts'
import { createCarrier } from './push/carrier.ts'
import { Commands } from './push/commands.ts'
import { buildContent } from './push/content.ts'
import type { Deliver } from './push/deliver.ts'
import type { EdgeClock } from './push/edge-clock.ts'
import { Link, type LinkTimings } from './push/link.ts'
import { Order } from './push/order.ts'
import { Pusher, type PusherOptions } from './push/pusher.ts'
import type { HealthManager } from './self/health-manager.ts'
import type { Log } from './self/log.ts'

export interface TermOptions {
  /** `leaseTransitions`; null: there is no Lease. */
  epoch: number | null
  config: Config
  timings: Pick<PusherOptions, 'textEveryMs' | 'gatherMs'> & LinkTimings & CommandTimings
  /** One pod, for somebody who waits; and one target in its turn. */
  ask: Ask
  probe: Probe
  pods: Pick<PodReader, 'read' | 'warnings'>
  nodes: Nodes
  clock: EdgeClock
  keys: SigningKey[]
  /** Over HTTPS. */
  deliver: Deliver
  /** The same, counted. */
  counted: (deliver: Deliver) => Deliver
  /** Which process this is. */
  self: Pick<ExporterInfo, 'version' | 'commit' | 'startedAt'>
  health: HealthManager
  log: Log
  /** The edge holds newer reports: this term is over. */
  onSuperseded: PusherOptions['onSuperseded']
}

/** ms that somebody's fresh round may take, and a pod that is asked for somebody. */
export interface CommandTimings {
  roundMs: number
  podMs: number
}

export interface Term {
  isLinkOpen(): boolean
  readonly prober: Pick<Prober, 'overdueMs' | 'overdueTargets' | 'pace'>
  /** null: they are not known yet. */
  countNodes(): number | null
  /** What exists, once all of it was listed. */
  follow(discovered: Discovered): void
  change(what: 'verdict' | 'text'): void
  /** Nothing more is probed or sent. Resolves when the push under way, if any, has come to its end, and the link to its. */
  stop(): Promise<void>
}

const NOTHING: Discovered = {
  services: [],
  categories: null,
  acks: null,
  incomplete: [],
  warnings: [],
}

export function startTerm(options: TermOptions): Term {
  const { epoch, config, timings, clock, nodes, health, log, self } = options
  const order = new Order(epoch ?? 0)
  const prober = new Prober({
    probe: options.probe,
    readPodStart: options.pods.read,
    startingDeadlineMs: config.startingDeadlineMs,
    periodMs: config.intervalMs,
    timeoutMs: config.probeTimeoutMs,
    maxAttempts: config.maxAttempts,
    cooldownMs: config.cooldownMs,
    concurrency: config.probeConcurrency,
    now: () => clock.now(),
    onChange: (what) => {
      pusher.change(what)
    },
    onTurn: (turn) => {
      log.info(turn, turn.ok ? 'target is good again' : 'target is failing')
    },
  })
  const collector = nodes.collect()

  let known: Discovered | null = null
  let isFirstPassDone = false
  const canSee = () => {
    isFirstPassDone ||= known !== null && prober.isComplete()
    return isFirstPassDone && !prober.isBlind()
  }

  const commands = new Commands({
    prober,
    ask: options.ask,
    ...timings,
    onRound: (ids) => {
      pusher.tellRounds(ids)
    },
    send: (answer) => {
      link.send(answer)
    },
    log,
  })
  const onCommand = (command: unknown) => {
    commands.take(command)
  }
  const { workerUrl, clusterId: cluster } = config
  const { keys } = options
  const link = new Link({ workerUrl, cluster, keys, clock, order, timings, log, onCommand })
  const carrier = createCarrier({ link, deliver: options.deliver, onCommand })

  const pusher = new Pusher({
    cluster,
    hasLease: epoch !== null,
    order,
    intervalMs: config.intervalMs,
    ...timings,
    clock,
    deliver: options.counted(carrier.deliver),
    via: carrier.via,
    canSee,
    see: () =>
      buildContent({
        environment: config.environment,
        discovered: known ?? NOTHING,
        prober,
        collector,
        areNodesCut: nodes.isCut,
        moreWarnings: [...nodes.warnings(), ...options.pods.warnings()],
      }),
    streaks: () => prober.streaks(),
    overdueMs: () => prober.overdueMs(),
    stuckMs: () => prober.stuckMs(),
    exporter: () => {
      const { status, message } = collector.health()
      health.update('node_collector', status, message)
      return { type: 'pilotlight', ...self, ...health.report() }
    },
    components: health,
    log,
    onSuperseded: options.onSuperseded,
  })
  const pushing = pusher.run()

  return {
    isLinkOpen: () => link.isOpen,
    prober,
    countNodes: () => collector.describe()?.length ?? null,
    follow: (discovered) => {
      known = discovered
      prober.follow(discovered.services)
      pusher.change('verdict')
      pusher.change('text')
    },
    change: (what) => {
      pusher.change(what)
    },
    stop: async () => {
      collector.stop()
      prober.stop()
      pusher.stop()
      await pushing
      await link.stop()
    },
  }
}
