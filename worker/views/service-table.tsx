/** The services of a cluster, a row each, by name; those that are named but not there come last. */
import type { ServiceStatus } from '../domain/status.ts'
import { AckActions, AckNote } from './ack-note.tsx'
import { Chip, ServiceChip } from './chip.tsx'
import type { Frame } from './layout.tsx'
import { linksOf } from './links.ts'
import { Age } from './time.tsx'

interface ServiceTableProps {
  frame: Frame
  services: ServiceStatus[]
  missing: MissingService[]
  /** The data is too old to say how it is now. */
  isPast: boolean
}

export interface MissingService {
  name: string
  /** Those that name it. */
  categories: string[]
}

export function ServiceTable({ frame, services, missing, isPast }: ServiceTableProps) {
  const hasAction = frame.viewer?.canOperate === true
  return (
    <table id="services" data-tools="services">
      <caption class="unseen">Services</caption>
      <thead>
        <tr>
          <th scope="col">Service</th>
          <th scope="col">Status</th>
          <th scope="col" class="wide">
            Output
          </th>
          <th scope="col">Last updated</th>
          <th scope="col" class="broad">
            Ack
          </th>
          {hasAction && <th scope="col">Action</th>}
        </tr>
      </thead>
      <tbody>
        {services.map((service) => (
          <Row service={service} frame={frame} isPast={isPast} />
        ))}
        {missing.map((service) => (
          <MissingRow {...service} hasAction={hasAction} />
        ))}
      </tbody>
    </table>
  )
}

/** Worst first: how a column of states is sorted. */
export function rankOf({ ok, severity, ack }: ServiceStatus): number {
  if (ok === null) return 5
  if (ok) return 6
  return ack === null ? (severity ?? 2) : 4
}

export function isFailing({ ok, ack }: ServiceStatus): boolean {
  return ok === false && ack === null
}

/** Where a service's row can be jumped to. Encoded: names hold characters that an id must not. */
export function rowIdOf(name: string): string {
  return `service-${encodeURIComponent(name.toWellFormed())}`
}

interface RowProps {
  service: ServiceStatus
  frame: Frame
  isPast: boolean
}

function Row({ service, frame, isPast }: RowProps) {
  const { name, ok, output, checkedAtMs, sinceMs, ack, isDaemon, isNodes, desired, total } = service
  const links = linksOf(frame.base)
  return (
    <tr
      id={rowIdOf(name)}
      class={isFailing(service) ? 'bad' : undefined}
      data-failing={ok === false}
    >
      <th scope="row">
        <a href={isNodes ? links.nodes : links.pods(name)}>{name}</a>
        {isDaemon && <small>{isNodes ? 'built in' : 'daemon'}</small>}
      </th>
      <td class="state" data-sort={rankOf(service)}>
        <ServiceChip service={service} isPast={isPast} />
        {ok === false && sinceMs !== null && (
          <small>
            since <Age atMs={sinceMs} nowMs={frame.nowMs} />
          </small>
        )}
      </td>
      <td data-label="Output" class="text">
        {output}
        {desired !== null && desired > total && <small>{desired} desired</small>}
      </td>
      <td data-label="Last updated" data-sort={checkedAtMs ?? 0}>
        {checkedAtMs === null ? 'never' : <Age atMs={checkedAtMs} nowMs={frame.nowMs} />}
      </td>
      <td data-label="Ack">{ack !== null && <AckNote ack={ack} nowMs={frame.nowMs} />}</td>
      {frame.viewer?.canOperate === true && (
        <td data-label="Action">
          {(ok === false || ack !== null) && <AckActions service={service} frame={frame} />}
        </td>
      )}
    </tr>
  )
}

function MissingRow({ name, categories, hasAction }: MissingService & { hasAction: boolean }) {
  return (
    <tr data-failing={false}>
      <th scope="row">{name}</th>
      <td class="state" data-sort={3}>
        <Chip tone="unknown" word="missing" />
      </td>
      <td data-label="Output" class="text">
        Named by {categories.join(', ')}, but not in the cluster
      </td>
      <td></td>
      <td></td>
      {hasAction && <td></td>}
    </tr>
  )
}
