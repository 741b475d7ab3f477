/** `/nodes/{node}`: what each check said of one node. */
import type { NodeCheckStatus, NodeStatus } from '../domain/node-status.ts'
import { CheckMark, NodeChip } from './chip.tsx'
import { FreshnessBanner } from './freshness-banner.tsx'
import { Layout, lineOf, type ClusterPageProps } from './layout.tsx'
import { linksOf } from './links.ts'

export interface NodeProps extends ClusterPageProps {
  node: NodeStatus
}

export function NodePage(props: NodeProps) {
  const { frame, status, node } = props
  const links = linksOf(frame.base)
  const isPast = status.freshness === 'dead'
  return (
    <Layout
      frame={frame}
      title={`Node ${node.name}`}
      path={links.node(node.name)}
      cluster={lineOf(props)}
      isLive={true}
    >
      <div id="top" data-live>
        <FreshnessBanner {...status} nowMs={frame.nowMs} />
        <p class="crumbs">
          <a href={links.nodes}>Nodes</a>
        </p>
        <h1>{node.name}</h1>
        <p class="standing">
          <NodeChip node={node} isPast={isPast} />
          <span class="quiet">{sayReady(node.ready)}</span>
          {!node.isSchedulable && <span class="quiet">cordoned</span>}
        </p>
        {!node.answered && (
          <p class="panel">
            Its exporter does not answer, so the Node object’s own Ready condition decides, and what
            failed when it was last heard. Is the pod of the DaemonSet on this node running?
          </p>
        )}
        <table id="checks">
          <caption class="unseen">Checks</caption>
          <thead>
            <tr>
              <th scope="col">Check</th>
              <th scope="col">Status</th>
              <th scope="col" class="wide">
                What it says
              </th>
            </tr>
          </thead>
          <tbody>
            {node.checks.map((check) => (
              <Row check={check} isPast={isPast} />
            ))}
          </tbody>
        </table>
        <p>
          <a href={links.historyOf('node', node.name)}>History of this node</a>
        </p>
        <p class="quiet">
          A load balancer asks <code>{links.gtgOfNode(status.cluster, node.name)}</code>
        </p>
      </div>
    </Layout>
  )
}

function sayReady(ready: boolean | null): string {
  if (ready === null) return 'its Node object could not be read'
  return ready ? 'Ready' : 'not Ready'
}

function Row({ check, isPast }: { check: NodeCheckStatus; isPast: boolean }) {
  const { name, passed, reason, warning } = check
  const says = [reason, warning].filter((text) => text !== undefined)
  return (
    <tr class={passed === false ? 'bad' : undefined}>
      <th scope="row">{name}</th>
      <td class="state">
        <CheckMark check={check} isPast={isPast} />
      </td>
      <td data-label="What it says" class="text">
        {says.join('\n')}
      </td>
    </tr>
  )
}
