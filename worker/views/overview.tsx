/** All clusters, one row each; also those that can't be read, for they are the ones to look at. */
import type { ClusterFreshness, ClusterStatus } from '../domain/status.ts'
import { Chip, FreshnessChip, Shape } from './chip.tsx'
import { countNoun } from './count-noun.ts'
import { Layout, type Frame } from './layout.tsx'
import { linkToCluster } from './links.ts'
import { findStanding, sayStanding } from './standing.tsx'
import { Age } from './time.tsx'

export interface OverviewProps {
  frame: Frame
  rows: ClusterRow[]
}

export interface ClusterRow {
  id: string
  title: string
  /** null: its object can't be reached. */
  seen: SeenCluster | null
}

interface SeenCluster {
  environment: string
  word: ClusterStatus['word']
  freshness: ClusterFreshness
  freshAtMs: number | null
  /** Services failing, not acked. */
  failing: number
  /** Services failing, acked. */
  acked: number
  /** Categories disabled. */
  disabled: number
}

export function OverviewPage({ frame, rows }: OverviewProps) {
  const bad = rows.filter((row) => !isWell(row)).length
  const headline = bad === 0 ? 'All clusters are well' : `${bad} of ${rows.length} need a look`
  return (
    <Layout frame={frame} title={headline} path="/" cluster={null} isLive={true}>
      <div id="top" data-live>
        <h1 class={rows.length === 0 || bad > 0 ? 'verdict warning' : 'verdict ok'}>
          <Shape tone={rows.length === 0 || bad > 0 ? 'warning' : 'ok'} />
          <span>
            <span class="of">{countNoun(rows.length, 'cluster')}</span>
            <span class="word">{rows.length === 0 ? 'No cluster is configured' : headline}</span>
          </span>
        </h1>
      </div>
      <div id="rows" data-live>
        <table id="clusters" data-tools={rows.length > 7 ? 'clusters' : undefined}>
          <caption class="unseen">All clusters</caption>
          <thead>
            <tr>
              {COLUMNS.map((name) => (
                <th scope="col">{name}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <Row row={row} nowMs={frame.nowMs} />
            ))}
          </tbody>
        </table>
      </div>
    </Layout>
  )
}

const COLUMNS = [
  'Cluster',
  'Verdict',
  'Data',
  'Last fresh',
  'Services failing',
  'Services acked',
  'Categories disabled',
]

function isWell({ seen }: ClusterRow): boolean {
  return seen !== null && seen.word === 'healthy' && seen.freshness === 'fresh'
}

function Row({ row, nowMs }: { row: ClusterRow; nowMs: number }) {
  const { id, title, seen } = row
  return (
    <tr class={isWell(row) ? undefined : 'bad'} data-failing={!isWell(row)}>
      <th scope="row">
        <a href={linkToCluster(id)}>{title}</a>
        <small>{sayNames(row)}</small>
      </th>
      {seen === null ? (
        <td colspan={6}>
          <Chip tone="unknown" word="can’t be read now" />
          <small>Try again in a minute. If it stays so, look at the Worker’s log.</small>
        </td>
      ) : (
        <SeenCells seen={seen} nowMs={nowMs} />
      )}
    </tr>
  )
}

/** Its other names, where they say more than its title. */
function sayNames({ id, title, seen }: ClusterRow): string {
  const names = seen === null ? [id] : [id, seen.environment]
  return [...new Set(names)].filter((name) => name !== title).join(' · ')
}

function SeenCells({ seen, nowMs }: { seen: SeenCluster; nowMs: number }) {
  const { freshness, freshAtMs, failing, acked, disabled } = seen
  const standing = findStanding(seen)
  return (
    <>
      <td class="state">
        <Chip tone={standing.tone} word={sayStanding(standing)} />
      </td>
      <td data-label="Data">
        <FreshnessChip freshness={freshness} />
      </td>
      <td data-label="Last fresh" data-sort={freshAtMs ?? 0}>
        {freshAtMs === null ? 'never' : <Age atMs={freshAtMs} nowMs={nowMs} />}
      </td>
      <td data-label="Services failing">{failing}</td>
      <td data-label="Services acked">{acked}</td>
      <td data-label="Categories disabled">{disabled}</td>
    </>
  )
}
