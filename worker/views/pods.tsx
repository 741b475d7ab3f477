/** `__pods-health`: one service, and what was last seen of each of its pods. */
import type { PodCheck, Target } from '../contract/report.ts'
import { tellStage, type ServiceStatus } from '../domain/status.ts'
import { AckActions, AckNote, OperateHint } from './ack-note.tsx'
import { Chip, ServiceChip } from './chip.tsx'
import { FreshnessBanner } from './freshness-banner.tsx'
import { Layout, lineOf, type ClusterPageProps } from './layout.tsx'
import { linksOf } from './links.ts'
import { Fact } from './texts.tsx'
import { Age } from './time.tsx'

export interface PodsProps extends ClusterPageProps {
  service: ServiceStatus
}

export function PodsPage(props: PodsProps) {
  const { frame, status, service } = props
  const links = linksOf(frame.base)
  const path = links.pods(service.name)
  const isPast = status.freshness === 'dead'
  return (
    <Layout
      frame={frame}
      title={`Pods of ${service.name}`}
      path={path}
      cluster={lineOf(props)}
      isLive={true}
      isRefreshable={true}
    >
      <div id="top" data-live>
        <FreshnessBanner {...status} nowMs={frame.nowMs} />
        <p class="crumbs">
          <a href={links.health()}>Services</a>
        </p>
        <h1>{service.name}</h1>
        <ServiceLine service={service} nowMs={frame.nowMs} isPast={isPast} />
        <AckActions service={service} frame={frame} />
        <OperateHint frame={frame} path={path} what="ack this service" />
        <dl class="facts">
          <Fact name="Business impact" text={service.businessImpact} />
          <Fact name="Panic guide" text={service.panicGuide} />
        </dl>
        <p>
          <a href={links.historyOf('service', service.name)}>History of this service</a>
        </p>
      </div>
      <div id="rows" data-live>
        <PodTable service={service} props={props} isPast={isPast} />
      </div>
    </Layout>
  )
}

interface ServiceLineProps {
  service: ServiceStatus
  nowMs: number
  isPast: boolean
}

/** How a service is, in a line; and its ack. */
export function ServiceLine({ service, nowMs, isPast }: ServiceLineProps) {
  const { output, sinceMs, desired, total, ack, isDaemon, isResilient } = service
  const kinds = [isDaemon ? 'daemon' : null, isResilient ? null : 'not resilient']
  return (
    <>
      <p class="standing">
        <ServiceChip service={service} isPast={isPast} />
        <span class="text">{output}</span>
        {desired !== null && desired !== total && <span class="quiet">{desired} desired</span>}
        {sinceMs !== null && (
          <span class="quiet">
            since <Age atMs={sinceMs} nowMs={nowMs} />
          </span>
        )}
        <span class="quiet">{kinds.filter((kind) => kind !== null).join(', ')}</span>
      </p>
      {ack !== null && (
        <div class="panel">
          <AckNote ack={ack} nowMs={nowMs} />
        </div>
      )}
    </>
  )
}

interface PodTableProps {
  service: ServiceStatus
  props: PodsProps
  isPast: boolean
}

function PodTable({ service: { targets, isDaemon }, props, isPast }: PodTableProps) {
  if (targets.length === 0) return <p class="panel">This service has no pods that are known.</p>
  // Where a daemon runs is what tells its pods apart; of others it is shown when it is known.
  const hasNode = isDaemon || targets.some(({ node }) => node !== undefined)
  return (
    <table id="pods" data-tools={targets.length > 7 ? 'pods' : undefined}>
      <caption class="unseen">Pods</caption>
      <thead>
        <tr>
          <th scope="col">Pod</th>
          <th scope="col">Status</th>
          <th scope="col" class="wide">
            Why
          </th>
          {hasNode && <th scope="col">Node</th>}
          <th scope="col">Ready</th>
          <th scope="col">Last checked</th>
        </tr>
      </thead>
      <tbody>
        {targets.map((target) => (
          <Row target={target} props={props} show={{ hasNode, isPast }} />
        ))}
      </tbody>
    </table>
  )
}

interface RowProps {
  target: Target
  props: PodsProps
  show: { hasNode: boolean; isPast: boolean }
}

function Row({ target, props: { frame, service }, show: { hasNode, isPast } }: RowProps) {
  const { id, ok, node, ready, checkedAt } = target
  // While the service is well, a pod that starts or leaves is part of a rollout.
  const isBad = !ok && (tellStage(target) === null || service.ok === false)
  return (
    <tr class={isBad ? 'bad' : undefined} data-failing={!ok}>
      <th scope="row">
        <a href={linksOf(frame.base).pod(service.name, id)}>{id}</a>
      </th>
      <td class="state" data-sort={ok ? 1 : 0}>
        <PodChip target={target} isPast={isPast} />
      </td>
      <td data-label="Why" class="text">
        {whyOf(target)}
      </td>
      {hasNode && <td data-label="Node">{node ?? 'not known'}</td>}
      <td data-label="Ready">{ready ? 'yes' : 'no'}</td>
      <td data-label="Last checked" data-sort={checkedAt}>
        <Age atMs={checkedAt} nowMs={frame.nowMs} />
      </td>
    </tr>
  )
}

export function PodChip({ target, isPast }: { target: Target; isPast: boolean }) {
  if (target.ok) return <Chip tone="ok" word="ok" isPast={isPast} />
  const stage = tellStage(target)
  if (stage !== null) return <Chip tone="unknown" word={stage} isPast={isPast} />
  if (!target.answered) return <Chip tone="critical" word="no answer" isPast={isPast} />
  const isCritical = target.checks.some(({ ok, severity }) => !ok && severity === 1)
  return <Chip tone={isCritical ? 'critical' : 'warning'} word="failing" isPast={isPast} />
}

function whyOf({ reason, checks }: Target): string {
  const failing = checks.filter(({ ok }) => !ok).map(sayCheck)
  return [...(reason === undefined ? [] : [reason]), ...failing].join('\n')
}

function sayCheck({ name, checkOutput }: PodCheck): string {
  return checkOutput === undefined || checkOutput === '' ? name : `${name}: ${checkOutput}`
}
