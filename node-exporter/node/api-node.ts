/** What the API server's answer says of this Node. Whatever isn't Kubernetes' own word on it says nothing. */
import * as v from 'valibot'
import type { Condition, NodeFacts } from '../checks/check.ts'
import type { ApiAnswer } from './api-connection.ts'

export type KnownNode = Pick<NodeFacts, 'isGone' | 'conditions' | 'isUnschedulable' | 'taints'>

export const NOTHING_KNOWN: KnownNode = {
  isGone: false,
  conditions: new Map(),
  isUnschedulable: false,
  taints: [],
}

/** Go writes null for an empty list. */
const nodeSchema = v.object({
  kind: v.literal('Node'),
  spec: v.optional(
    v.object({
      unschedulable: v.optional(v.boolean(), false),
      taints: v.nullish(v.array(v.object({ key: v.string(), effect: v.string() })), []),
    }),
    {},
  ),
  status: v.optional(
    v.object({
      conditions: v.nullish(
        v.array(
          v.object({
            type: v.string(),
            status: v.string(),
            reason: v.optional(v.string(), ''),
            message: v.optional(v.string(), ''),
            lastHeartbeatTime: v.nullish(v.string(), null),
          }),
        ),
        [],
      ),
    }),
    {},
  ),
})

const goneSchema = v.object({ kind: v.literal('Status'), reason: v.literal('NotFound') })

/** What to mend; the other statuses speak for themselves. */
const HINTS: Partial<Record<number, string>> = {
  401: ': it does not accept the token',
  403: ': the service account needs a ClusterRole with "get" on "nodes"',
}

/** Throws, in words for an operator, where the answer tells nothing of the Node. */
export function readNode({ status, text }: Pick<ApiAnswer, 'status' | 'text'>): KnownNode {
  // Of a proxy or a load balancer in between, a 404 says nothing about the Node.
  if (status === 404 && v.is(goneSchema, parseJson(text))) return { ...NOTHING_KNOWN, isGone: true }
  if (status !== 200) throw new Error(`the API server answers ${status}${HINTS[status] ?? ''}`)
  const parsed = v.safeParse(nodeSchema, parseJson(text))
  if (!parsed.success) throw new Error('the API server answers 200, but not with a Node')
  const { spec, status: said } = parsed.output
  return {
    isGone: false,
    conditions: new Map((said.conditions ?? []).map(readCondition)),
    isUnschedulable: spec.unschedulable ?? false,
    taints: spec.taints ?? [],
  }
}

function readCondition({
  type,
  lastHeartbeatTime,
  ...condition
}: Omit<Condition, 'lastHeartbeatMs'> & {
  type: string
  lastHeartbeatTime?: string | null | undefined
}): [string, Condition] {
  const heartbeatMs = Date.parse(lastHeartbeatTime ?? '')
  return [type, { ...condition, lastHeartbeatMs: Number.isNaN(heartbeatMs) ? null : heartbeatMs }]
}

/** undefined where it is no JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // an HTML page of whoever stands in between; the schema refuses it
  }
}
