/** Another operator's Deployment: as discovery holds it, and as a world has it, with pods that have probes of their own. */
import type { NodeOperator } from '../../../node-exporter/discovery/node-operator-objects.ts'
import type { OperatorSeen } from '../../../node-exporter/discovery/node-operator.ts'
import type { World } from '../../sandbox/world.ts'
import { serve } from './local-server.ts'

export const OPERATOR_LABELS = { app: 'node-operator' }

export function aNodeOperator(given: Partial<NodeOperator> = {}): NodeOperator {
  return {
    namespace: 'infra',
    name: 'controller',
    podSelector: 'app=node-operator',
    desired: 3,
    ready: 3,
    available: 3,
    isObserved: true,
    version: 'v1.4.2',
    commit: 'b414fdb',
    isAvailable: true,
    since: '2026-11-01T08:00:00Z',
    ...given,
  }
}

/** One Deployment and no pod. */
export function anOperatorSeen(given: Partial<OperatorSeen> = {}): OperatorSeen {
  return {
    selector: 'app=node-operator',
    operator: aNodeOperator(),
    others: [],
    isWhole: true,
    failing: [],
    pod: null,
    podsFailing: null,
    ...given,
  }
}

/** As the API server writes it, all of its replicas ready. */
export function aDeployment({ name = 'controller', replicas = 2 } = {}) {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'infra', labels: OPERATOR_LABELS },
    spec: {
      replicas,
      selector: { matchLabels: OPERATOR_LABELS },
      template: {
        metadata: { labels: { ...OPERATOR_LABELS, 'app.kubernetes.io/version': 'v1.4.2' } },
        spec: { containers: [{ name: 'manager', image: 'registry.example.com/operator:dev' }] },
      },
    },
    status: {
      replicas,
      observedGeneration: 1,
      readyReplicas: replicas,
      availableReplicas: replicas,
      conditions: [
        { type: 'Available', status: 'True', lastTransitionTime: '2026-11-01T08:00:00Z' },
      ],
    },
  }
}

/** What a pod's server answers, by path; another path is 404. */
export type Answers = Record<'/healthz' | '/readyz', number>

/** A running pod of it with both probes, the one by a named port. What it answers may be changed. */
export async function addOperatorPod(world: World, name: string): Promise<Answers> {
  const answers: Answers = { '/healthz': 200, '/readyz': 200 }
  const { port } = await serve(({ url }, response) => {
    const path = Object.entries(answers).find(([asked]) => asked === url)
    response.writeHead(path?.[1] ?? 404).end()
  })
  world.api.create({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'infra', labels: OPERATOR_LABELS },
    spec: {
      containers: [
        {
          name: 'manager',
          ports: [{ name: 'probes', containerPort: port }],
          livenessProbe: { httpGet: { path: '/healthz', port: 'probes' } },
          readinessProbe: { httpGet: { path: '/readyz', port } },
        },
      ],
    },
    status: {
      phase: 'Running',
      podIP: '127.0.0.1',
      conditions: [{ type: 'Ready', status: 'True' }],
    },
  })
  return answers
}
