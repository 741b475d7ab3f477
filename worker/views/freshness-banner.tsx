/** Says it loudly when what a page shows isn't fresh: what that means, and where to look. */
import type { HeldStatus } from '../domain/held.ts'
import type { ClusterFreshness } from '../domain/status.ts'
import { Shape, type Tone } from './chip.tsx'
import { Age, Moment } from './time.tsx'

type Stale = Exclude<ClusterFreshness, 'fresh'>

const WORDS: Record<Stale, { tone: Tone; heading: string; means: string; look: string }> = {
  late: {
    tone: 'warning',
    heading: 'The reports are late',
    means: 'Three reports in a row have not come. The last verdict stands for now.',
    look: 'If it goes on, look at the exporter: is its pod running, and can it reach this address?',
  },
  held: {
    tone: 'held',
    heading: 'The last verdict is held',
    means:
      'There is no fresh report, and the last verdict is kept on purpose. What stands below may have changed since.',
    look: 'If nobody asked for it, look at the exporter and its log, and whether others are silent too.',
  },
  dead: {
    tone: 'critical',
    heading: 'This cluster is dead: its reports have stopped',
    means:
      'Nothing is known of how it is now. What stands below is how it was when it was last heard.',
    look: 'Look at the cluster itself, at the exporter in it, and at the network between it and here.',
  },
  'no-data': {
    tone: 'unknown',
    heading: 'No report has ever come from this cluster',
    means: 'So nothing can be said of it.',
    look: 'Is the exporter installed? Check its CLUSTER_ID, WORKER_URL and PUSH_SECRET, and its log.',
  },
}

interface FreshnessBannerProps {
  freshness: ClusterFreshness
  freshAtMs: number | null
  held: HeldStatus | null
  nowMs: number
}

export function FreshnessBanner({ freshness, freshAtMs, held, nowMs }: FreshnessBannerProps) {
  if (freshness === 'fresh') return <></>
  const { tone, heading, means, look } = WORDS[freshness]
  return (
    <section class={`banner ${tone}`} aria-labelledby="banner">
      <Shape tone={tone} />
      <div>
        <h2 id="banner">{heading}</h2>
        <p>
          {means}
          {freshAtMs !== null && (
            <>
              {' '}
              The last fresh report is from <Age atMs={freshAtMs} nowMs={nowMs} /> (
              <Moment atMs={freshAtMs} />
              ).
            </>
          )}
        </p>
        {held !== null && (
          <p>
            {held.untilMs === null ? (
              'It is held until reports come again.'
            ) : (
              <>
                It is held until <Moment atMs={held.untilMs} />.
              </>
            )}{' '}
            {held.why}
          </p>
        )}
        <p>{look}</p>
      </div>
    </section>
  )
}
