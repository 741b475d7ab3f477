/** All categories: what each says and why, whom it names, and the switches that turn it off and on. */
import type { CategoryStatus, ClusterStatus } from '../domain/status.ts'
import { OperateHint } from './ack-note.tsx'
import { CategoryChip } from './category-list.tsx'
import { countNoun } from './count-noun.ts'
import { FreshnessBanner } from './freshness-banner.tsx'
import { HoldForm, HoldNote } from './hold.tsx'
import { Layout, lineOf, type ClusterPageProps, type Frame } from './layout.tsx'
import { linksOf } from './links.ts'
import { Override } from './override.tsx'
import { Age } from './time.tsx'

export type CategoriesProps = ClusterPageProps

export function CategoriesPage(props: CategoriesProps) {
  const { frame, title, status } = props
  const path = linksOf(frame.base).categories
  return (
    <Layout
      frame={frame}
      title={`Categories of ${title}`}
      path={path}
      cluster={lineOf(props)}
      isLive={true}
      hasFields={frame.viewer?.canOperate === true}
    >
      <div id="top" data-live>
        <FreshnessBanner {...status} nowMs={frame.nowMs} />
        <h1>Categories</h1>
        <OperateHint frame={frame} path={path} what="disable or enable categories" />
        <HoldNote status={status} frame={frame} />
        <HoldForm status={status} frame={frame} />
        {status.categories.length === 0 && <p class="panel">No categories are known yet.</p>}
      </div>
      <div id="rows" class="cards" data-live>
        {status.categories.map((category) => (
          <Card category={category} frame={frame} status={status} />
        ))}
      </div>
    </Layout>
  )
}

interface CardProps {
  category: CategoryStatus
  frame: Frame
  status: ClusterStatus
}

function Card({ category, frame, status }: CardProps) {
  const { name, sinceMs, override } = category
  const links = linksOf(frame.base)
  return (
    <article class={category.passes ? 'panel card' : 'panel card bad'}>
      <h2>
        <a href={links.health([name])}>{name}</a>
      </h2>
      <p class="standing">
        <CategoryChip category={category} isPast={status.freshness === 'dead'} />
        <span class="quiet">
          since <Age atMs={sinceMs} nowMs={frame.nowMs} />
        </span>
      </p>
      {override !== null && <Override override={override} nowMs={frame.nowMs} />}
      <Members category={category} frame={frame} />
      <Sticky category={category} />
      <p>
        <a href={links.historyOf('category', name)}>
          History<span class="unseen"> of {name}</span>
        </a>
      </p>
      {frame.viewer?.canOperate === true && <Switch category={category} frame={frame} />}
    </article>
  )
}

function Members({ category, frame }: { category: CategoryStatus; frame: Frame }) {
  const { services, failing, acked, missing } = category
  const links = linksOf(frame.base)
  const states = new Map([
    ...failing.map((name): [string, string] => [name, 'failing']),
    ...acked.map((name): [string, string] => [name, 'acked']),
    ...missing.map((name): [string, string] => [name, 'missing']),
  ])
  const others = services.filter((name) => !states.has(name))
  const named = [...states.keys(), ...others].map((name) => (
    <li>
      {states.get(name) === 'missing' ? name : <a href={links.pods(name)}>{name}</a>}
      {states.has(name) && <small class={states.get(name)}> {states.get(name)}</small>}
    </li>
  ))
  if (named.length === 0) return <p>It names no services.</p>
  return (
    <details
      id={`members-${encodeURIComponent(category.name.toWellFormed())}`}
      open={named.length <= 8}
    >
      <summary>{[countNoun(named.length, 'service'), ...sayCounts(category)].join(', ')}</summary>
      <ul class="members">{named}</ul>
    </details>
  )
}

function sayCounts({ failing, acked, missing, isIncomplete }: CategoryStatus): string[] {
  return [
    ...(failing.length > 0 ? [`${failing.length} failing`] : []),
    ...(acked.length > 0 ? [`${acked.length} acked`] : []),
    ...(missing.length > 0 ? [`${missing.length} missing`] : []),
    ...(isIncomplete === true ? ['the exporter left something out'] : []),
  ]
}

function Sticky({
  category: { isSticky, failureThreshold, counts },
}: {
  category: CategoryStatus
}) {
  if (!isSticky) return <></>
  return (
    <div class="sticky">
      <p>Sticky: {countNoun(failureThreshold, 'failed check')} in a row trip it.</p>
      <ul>
        {Object.entries(counts).map(([name, count]) => (
          <li>
            {count} of {failureThreshold} failed checks counted for <span class="name">{name}</span>
          </li>
        ))}
      </ul>
    </div>
  )
}

function Switch({ category: { name, reason }, frame }: { category: CategoryStatus; frame: Frame }) {
  const links = linksOf(frame.base)
  if (reason === 'disabled') {
    return (
      <form method="post" action={links.enableCategory(name)}>
        <button>
          Enable<span class="unseen"> {name}</span>
        </button>
      </form>
    )
  }
  const id = encodeURIComponent(name.toWellFormed())
  return (
    <details id={`disable-${id}`}>
      <summary>
        Disable<span class="unseen"> {name}</span>…
      </summary>
      <form class="fields" method="post" action={links.disableCategory(name)}>
        <p>While it is disabled it fails for everybody who asks.</p>
        <div class="field">
          <label for={`why-${id}`}>Why</label>
          <input id={`why-${id}`} name="why" required autocomplete="off" />
        </div>
        <button class="primary">
          Disable<span class="unseen"> {name}</span>
        </button>
      </form>
    </details>
  )
}
