/** `__health`: every service of a cluster, or of the categories asked for, under the verdict that they make. */
import type { CategoryStatus, ServiceStatus } from '../domain/status.ts'
import { OperateHint } from './ack-note.tsx'
import { CategoryList } from './category-list.tsx'
import { ServiceChip } from './chip.tsx'
import { countNoun } from './count-noun.ts'
import { Exporter } from './exporter.tsx'
import { FreshnessBanner } from './freshness-banner.tsx'
import { HoldNote } from './hold.tsx'
import { Layout, lineOf, type ClusterPageProps } from './layout.tsx'
import { linksOf } from './links.ts'
import { isFailing, rankOf, rowIdOf, ServiceTable, type MissingService } from './service-table.tsx'
import { findStanding, sayStanding, sumUp, Verdict } from './standing.tsx'
import { Warnings } from './warnings.tsx'

/** What is told at the top; the table below has them all. */
const FAILING_SHOWN_MAX = 10

export interface HealthProps extends ClusterPageProps {
  /** Names of the categories asked for, all of them known; none: every service. */
  categories: string[]
}

export function HealthPage(props: HealthProps) {
  const { frame, title, status, categories: asked } = props
  const links = linksOf(frame.base)
  const shown = status.categories.filter(({ name }) => asked.length === 0 || asked.includes(name))
  const services = findServices(props, shown)
  const missing = findMissing(shown)
  const isPast = status.freshness === 'dead'
  const standing = findStanding({
    word: asked.length === 0 ? status.word : sumUp(shown),
    freshness: status.freshness,
    acked: services.filter(({ ok, ack }) => ok === false && ack !== null).length,
  })
  const of = asked.length === 0 ? title : `${title}: ${asked.join(', ')}`
  const path = links.health(asked)
  const hasRows = services.length + missing.length > 0
  return (
    <Layout
      frame={frame}
      title={`${of}: ${sayStanding(standing)}`}
      path={path}
      cluster={lineOf(props)}
      isLive={true}
      isRefreshable={true}
    >
      <div id="top" data-live>
        <FreshnessBanner {...status} nowMs={frame.nowMs} />
        <Verdict standing={standing} of={of} />
        {hasRows && <p class="summary">{summarise(services, { missing, shown, isPast })}</p>}
        <CategoryList categories={status.categories} asked={asked} links={links} isPast={isPast} />
        <HoldNote status={status} frame={frame} />
        <FailingNow services={services.filter(isFailing)} isPast={isPast} />
        <OperateHint frame={frame} path={path} what="ack services" />
      </div>
      <div id="rows" data-live>
        {hasRows && (
          <ServiceTable frame={frame} services={services} missing={missing} isPast={isPast} />
        )}
      </div>
      <div id="below" data-live>
        <Warnings warnings={status.warnings} />
        <Exporter exporter={status.exporter} nowMs={frame.nowMs} isPast={isPast} />
      </div>
    </Layout>
  )
}

function findServices({ status, categories }: HealthProps, shown: CategoryStatus[]) {
  if (categories.length === 0) return status.services
  const names = new Set(shown.flatMap((category) => category.services))
  return status.services.filter((service) => names.has(service.name))
}

function findMissing(shown: CategoryStatus[]): MissingService[] {
  const named = shown.flatMap(({ name: by, missing }) => missing.map((name) => ({ name, by })))
  return [...Map.groupBy(named, ({ name }) => name)]
    .map(([name, each]) => ({ name, categories: each.map(({ by }) => by) }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

interface SummaryFacts {
  missing: MissingService[]
  shown: CategoryStatus[]
  isPast: boolean
}

function summarise(services: ServiceStatus[], { missing, shown, isPast }: SummaryFacts): string {
  const failing = services.filter(isFailing).length
  const disabled = shown.filter(({ reason }) => reason === 'disabled').length
  const countOf = (word: ServiceStatus['word']) =>
    services.filter((service) => service.word === word).length
  const [starting, unchecked] = [countOf('starting'), countOf('not checked yet')]
  return [
    countNoun(services.length, 'service'),
    isPast ? `${failing} were failing` : `${failing} failing`,
    ...(missing.length > 0 ? [`${missing.length} missing`] : []),
    ...(disabled > 0 ? [`${countNoun(disabled, 'category', 'categories')} disabled`] : []),
    ...(starting > 0 ? [`${starting} starting`] : []),
    ...(unchecked > 0 ? [`${unchecked} not checked yet`] : []),
  ].join(', ')
}

function FailingNow({ services, isPast }: { services: ServiceStatus[]; isPast: boolean }) {
  if (services.length === 0) return <></>
  const worstFirst = services.toSorted((a, b) => rankOf(a) - rankOf(b))
  const more = services.length - FAILING_SHOWN_MAX
  return (
    <section class="attention" aria-labelledby="failing">
      <h2 id="failing">{isPast ? 'Failing when last heard' : 'Failing now'}</h2>
      <ul>
        {worstFirst.slice(0, FAILING_SHOWN_MAX).map((service) => (
          <li>
            <ServiceChip service={service} isPast={isPast} />
            <a href={`#${rowIdOf(service.name)}`}>{service.name}</a>
            <span class="text">{service.output}</span>
          </li>
        ))}
      </ul>
      {more > 0 && <p>{more} more in the table</p>}
    </section>
  )
}
