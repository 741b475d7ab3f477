/** `/nodes`: a table of nodes by checks. */
import { NODE_CHECKS_MAX } from '../contract/limits.ts'
import type { NodeCheckStatus, NodesStatus, NodeStatus } from '../domain/node-status.ts'
import { CheckMark, NodeChip } from './chip.tsx'
import { countNoun } from './count-noun.ts'
import { FreshnessBanner } from './freshness-banner.tsx'
import { Layout, lineOf, type ClusterPageProps } from './layout.tsx'
import { linksOf, type Links } from './links.ts'

export function NodesPage(props: ClusterPageProps) {
  const { frame, title, status } = props
  const links = linksOf(frame.base)
  const isPast = status.freshness === 'dead'
  return (
    <Layout
      frame={frame}
      title={`Nodes of ${title}`}
      path={links.nodes}
      cluster={lineOf(props)}
      isLive={true}
    >
      <div id="top" data-live>
        <FreshnessBanner {...status} nowMs={frame.nowMs} />
        <h1>Nodes</h1>
        {status.nodes === null ? (
          <p class="panel">
            No exporter has told of this cluster’s nodes yet. It needs to be allowed to list them.
          </p>
        ) : (
          <p class="summary">{sumUp(status.nodes)}</p>
        )}
      </div>
      <div id="rows" data-live>
        {status.nodes !== null && status.nodes.all.length > 0 && (
          <NodeTable nodes={status.nodes.all} links={links} isPast={isPast} />
        )}
      </div>
    </Layout>
  )
}

function sumUp({ all, schedulable, passing, least }: NodesStatus): string {
  const silent = all.filter(({ answered }) => !answered).length
  const cordoned = all.length - schedulable
  return [
    countNoun(all.length, 'node'),
    `${passing} of ${schedulable} schedulable pass`,
    ...(least === null ? [] : [`${least} must`]),
    ...(cordoned > 0 ? [`${cordoned} cordoned`] : []),
    ...(silent > 0 ? [`${silent} without an answer from its exporter`] : []),
  ].join(', ')
}

interface NodeTableProps {
  nodes: NodeStatus[]
  links: Links
  isPast: boolean
}

/** Rows of a page that renders within a second; scripts read them all. */
const SHOWN_MAX = 500

function NodeTable({ nodes: all, links, isPast }: NodeTableProps) {
  const isAll = all.length <= SHOWN_MAX
  const worstFirst = all.toSorted((a, b) => rankOf(a) - rankOf(b)).slice(0, SHOWN_MAX)
  const nodes = isAll ? all : worstFirst
  const told = new Set(nodes.flatMap(({ checks }) => checks.map(({ name }) => name)))
  const checks = [...told].slice(0, NODE_CHECKS_MAX)
  return (
    <>
      {!isAll && <p>The {SHOWN_MAX} worst are shown; as JSON there are all of them.</p>}
      {told.size > checks.length && (
        <p>{NODE_CHECKS_MAX} checks are shown; as JSON there are all of them.</p>
      )}
      <table id="nodes" class="matrix" data-tools={nodes.length > 7 ? 'nodes' : undefined}>
        <caption class="unseen">Nodes by checks</caption>
        <thead>
          <tr>
            <th scope="col">Node</th>
            <th scope="col" class="wide">
              Status
            </th>
            {checks.map((name) => (
              <th scope="col" class="check">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {nodes.map((node) => (
            <Row node={node} checks={checks} show={{ links, isPast }} />
          ))}
        </tbody>
      </table>
    </>
  )
}

interface RowProps {
  node: NodeStatus
  /** Of all nodes. */
  checks: string[]
  show: { links: Links; isPast: boolean }
}

function Row({ node, checks, show: { links, isPast } }: RowProps) {
  const own = new Map(node.checks.map((check) => [check.name, check]))
  return (
    <tr class={node.passes ? undefined : 'bad'} data-failing={!node.passes}>
      <th scope="row">
        <a href={links.node(node.name)}>{node.name}</a>
        {!node.isSchedulable && <small>cordoned</small>}
      </th>
      <td class="state" data-sort={rankOf(node)}>
        <NodeChip node={node} isPast={isPast} />
        {whyOf(node).map((why) => (
          <small class="text">{why}</small>
        ))}
      </td>
      {checks.map((name) => (
        <Cell name={name} check={own.get(name)} isPast={isPast} />
      ))}
    </tr>
  )
}

interface CellProps {
  name: string
  /** undefined: this node never told it. */
  check: NodeCheckStatus | undefined
  isPast: boolean
}

function Cell({ name, check, isPast }: CellProps) {
  if (check === undefined) return <td class="check"></td>
  const isFine = check.passed === true && check.warning === undefined
  return (
    <td class={isFine ? 'check fine' : 'check'} data-label={name} data-sort={wordOf(check)}>
      <CheckMark check={check} isPast={isPast} />
    </td>
  )
}

/** Worst first. */
function rankOf({ passes, answered }: NodeStatus): number {
  if (!passes) return 1
  return answered ? 3 : 2
}

function wordOf({ passed, warning }: NodeCheckStatus): number {
  if (passed === false) return 1
  if (passed === null) return 2
  return warning === undefined ? 4 : 3
}

/** What fails, and what warns. */
function whyOf({ answered, checks }: NodeStatus): string[] {
  const silent = answered ? [] : ['its exporter does not answer']
  const failing = checks
    .filter(({ passed }) => passed === false)
    .map(({ name, reason }) => (reason === undefined ? name : `${name}: ${reason}`))
  return [...silent, ...failing]
}
