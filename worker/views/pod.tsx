/** `__pod-individual-health`: the checks of one pod, failing ones whole, the others by name. */
import type { PodAnswer } from '../contract/link.ts'
import type { PodCheck, Target } from '../contract/report.ts'
import type { ServiceStatus } from '../domain/status.ts'
import { OperateHint } from './ack-note.tsx'
import { Chip } from './chip.tsx'
import { countNoun } from './count-noun.ts'
import { FreshnessBanner } from './freshness-banner.tsx'
import { Layout, lineOf, type ClusterPageProps } from './layout.tsx'
import { linksOf } from './links.ts'
import { PodChip } from './pods.tsx'
import { Fact } from './texts.tsx'
import { Age, Moment } from './time.tsx'

export interface PodProps extends ClusterPageProps {
  /** The one that the pod stands behind. */
  service: ServiceStatus
  target: Target
  /** What it says now. null: there is no live link, or no answer came in time. */
  live: PodAnswer['answer'] | null
}

export function PodPage(props: PodProps) {
  const { frame, status, service, target, live } = props
  const links = linksOf(frame.base)
  const path = links.pod(service.name, target.id)
  const isPast = status.freshness === 'dead'
  const failing = target.checks.filter(({ ok }) => !ok)
  const passing = target.checks.filter(({ ok }) => ok)
  return (
    <Layout
      frame={frame}
      title={`Pod ${target.id}`}
      path={path}
      cluster={lineOf(props)}
      isLive={true}
      isRefreshable={true}
    >
      <div id="top" data-live>
        <FreshnessBanner {...status} nowMs={frame.nowMs} />
        <p class="crumbs">
          <a href={links.health()}>Services</a>
          <a href={links.pods(service.name)}>{service.name}</a>
        </p>
        <h1>{target.id}</h1>
        <p class="standing">
          <PodChip target={target} isPast={isPast} />
          <span class="text">{target.reason}</span>
          <span class="quiet">
            last checked <Age atMs={target.checkedAt} nowMs={frame.nowMs} /> (
            <Moment atMs={target.checkedAt} />)
          </span>
          <span class="quiet">{target.ready ? 'ready' : 'not ready'}</span>
          {target.node !== undefined && <span class="quiet">on node {target.node}</span>}
        </p>
        {target.checks.length === 0 && <p class="panel">No pod checks were reported.</p>}
        {failing.map((check) => (
          <FailingCheck check={check} isPast={isPast} />
        ))}
        <PassingChecks checks={passing} isPast={isPast} />
        {live !== null && <Live answer={live} />}
        {frame.viewer === null && (
          <OperateHint frame={frame} path={path} what="see what the pod says now" />
        )}
      </div>
    </Layout>
  )
}

function Live({ answer }: { answer: PodAnswer['answer'] }) {
  return (
    <section class="panel" aria-labelledby="live">
      <h2 id="live">What the pod says now</h2>
      {answer.ok ? (
        <>
          <p class="quiet">
            HTTP {answer.status} {answer.contentType}
          </p>
          <pre class="live" tabindex={0}>
            {indent(answer.body)}
          </pre>
        </>
      ) : (
        <p>It gave no answer: {answer.reason}</p>
      )}
    </section>
  )
}

/** JSON by lines; anything else as it came. */
function indent(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), null, 2)
  } catch {
    return body // no JSON: shown all the same
  }
}

function FailingCheck({ check, isPast }: { check: PodCheck; isPast: boolean }) {
  const severity = check.severity ?? 2 // a check that names none counts as 2 (behaviour, section 1)
  const tone = severity === 1 ? 'critical' : 'warning'
  return (
    <article class={`panel check ${tone}`}>
      <h2>{check.name}</h2>
      <p>
        <Chip tone={tone} word={tone} isPast={isPast} />{' '}
        <span class="quiet">failing, severity {severity}</span>
      </p>
      <dl class="facts">
        <Fact name="Output" text={check.checkOutput} />
        <Fact name="Technical summary" text={check.technicalSummary} />
        <Fact name="Business impact" text={check.businessImpact} />
        <Fact name="Panic guide" text={check.panicGuide} />
        <Fact name="Last updated" text={check.lastUpdated} />
        {check.id !== check.name && <Fact name="Id" text={check.id} />}
      </dl>
    </article>
  )
}

function PassingChecks({ checks, isPast }: { checks: PodCheck[]; isPast: boolean }) {
  if (checks.length === 0) return <></>
  return (
    <section class="panel" aria-labelledby="passing">
      <h2 id="passing">{countNoun(checks.length, 'passing check')}</h2>
      <ul class="plain-list">
        {checks.map(({ name, severity }) => (
          <li>
            <Chip tone="ok" word="ok" isPast={isPast} /> <span class="name">{name}</span>
            {severity !== undefined && <small> severity {severity}</small>}
          </li>
        ))}
      </ul>
    </section>
  )
}
