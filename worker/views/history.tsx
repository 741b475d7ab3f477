/** What happened, newest first, by day, in words. */
import type { HistoryEvent } from '../domain/status.ts'
import { Layout, lineOf, type ClusterPageProps } from './layout.tsx'
import { linksOf, type Links } from './links.ts'
import { formatClock, formatDay } from './time.tsx'

export interface HistoryProps extends ClusterPageProps {
  /** Newest first. */
  events: HistoryEvent[]
  /** null: of all. */
  about: { kind: 'service' | 'category' | 'node'; name: string } | null
}

const CAUSES: Record<HistoryEvent['cause'], string> = {
  report: 'seen in a report',
  silence: 'the reports stopped',
  threshold: 'the failure threshold was reached',
  expired: 'it expired',
  recovered: 'the service is well again',
  changed: 'the service fails in another way',
  configmap: 'by its ConfigMap',
  hand: 'by hand',
  restored: 'restored from the copy',
}

/** Words before the name, where the name alone would be taken for a service. */
const SUBJECTS: Record<HistoryEvent['subject'], string> = {
  service: '',
  category: 'category ',
  node: 'node ',
  ack: 'ack of ',
  trip: 'category ',
  hold: 'the last verdict',
  cluster: 'the cluster',
}

export function HistoryPage(props: HistoryProps) {
  const { frame, events, about } = props
  const links = linksOf(frame.base)
  const days = Map.groupBy(events, ({ atMs }) => formatDay(atMs))
  return (
    <Layout
      frame={frame}
      title={about === null ? 'History' : `History of ${about.name}`}
      path={pathOf(props)}
      cluster={lineOf(props)}
      isLive={true}
    >
      <div id="top" data-live>
        {about !== null && (
          <p class="crumbs">
            <a href={links.history}>History</a>
            <a href={linkOf(about, links)}>{about.name}</a>
          </p>
        )}
        <h1>{about === null ? 'History' : `History of ${about.name}`}</h1>
        <p class="quiet">Times are in UTC.</p>
        {events.length === 0 && <p class="panel">Nothing has happened yet.</p>}
      </div>
      <div id="rows" data-live>
        {[...days].map(([day, ofDay]) => (
          <section>
            <h2>{day}</h2>
            <ol class="events">
              {ofDay.map((event) => (
                <Event event={event} />
              ))}
            </ol>
          </section>
        ))}
      </div>
    </Layout>
  )
}

function linkOf({ kind, name }: NonNullable<HistoryProps['about']>, links: Links): string {
  switch (kind) {
    case 'service':
      return links.pods(name)
    case 'category':
      return links.health([name])
    case 'node':
      return links.node(name)
  }
}

function pathOf({ frame, about }: HistoryProps): string {
  const links = linksOf(frame.base)
  if (about === null) return links.history
  return links.historyOf(about.kind, about.name)
}

function Event({ event }: { event: HistoryEvent }) {
  const { atMs, subject, name, cause, actor, note } = event
  const change = sayChange(event)
  return (
    <li>
      <time datetime={new Date(atMs).toISOString()}>{formatClock(atMs)}</time>
      <div>
        <p>
          {SUBJECTS[subject]}
          {name !== '' && <strong>{name}</strong>}: {change}
        </p>
        <p class="quiet">
          {CAUSES[cause]}
          {actor !== null &&
            `, by ${actor.by}${actor.address === '' ? '' : ` from ${actor.address}`}`}
        </p>
        {note !== '' && note !== change && <q class="text">{note}</q>}
      </div>
    </li>
  )
}

/** `ok → failing`; what wasn't there before is only named, what is no longer there is gone; where nothing turned, the note says it. */
function sayChange({ from, to, subject, note }: HistoryEvent): string {
  if (from === to) return to === null ? note : `still ${to}`
  const end = subject === 'ack' || subject === 'trip' ? 'ended' : 'gone'
  if (from === null) return to ?? end
  return `${from} → ${to ?? end}`
}
