/**
 * Whether a service is ok, from counts of its targets alone: as `judgeService` of one that has served, at a cost that
 * doesn't grow with the number of targets. The exporter judges so with each probe, to count failed checks in a row.
 */
import type { Service, Target } from '../contract/report.ts'
import { isStaying, wantsNone } from './service-memory.ts'

/** How many targets there are of each kind. */
export interface ServiceTally {
  ok: number
  /** Not terminating. */
  okStaying: number
  failingStaying: number
  /** Neither starting nor terminating: they count even while another target is ok. */
  failingHard: number
}

export const NO_TALLY: ServiceTally = { ok: 0, okStaying: 0, failingStaying: 0, failingHard: 0 }

/** With one target more, or one less. */
export function tallyTarget(
  { ok, okStaying, failingStaying, failingHard }: ServiceTally,
  target: Pick<Target, 'ok' | 'starting' | 'terminating'>,
  by: 1 | -1,
): ServiceTally {
  const staying = isStaying(target) ? by : 0
  const hard = target.starting === true ? 0 : staying
  return target.ok
    ? { ok: ok + by, okStaying: okStaying + staying, failingStaying, failingHard }
    : {
        ok,
        okStaying,
        failingStaying: failingStaying + staying,
        failingHard: failingHard + hard,
      }
}

/** Of a service that was probed. */
export function isTallyOk(
  { ok, okStaying, failingStaying, failingHard }: ServiceTally,
  service: Pick<Service, 'desired' | 'isDaemon'>,
): boolean {
  const isNoneFine = wantsNone(service)
  const healthy = isNoneFine ? okStaying : ok
  return healthy > 0 ? failingHard === 0 : isNoneFine && failingStaying === 0
}
