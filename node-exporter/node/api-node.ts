/** What a Node object says, as lists and watches give it. */
import * as v from 'valibot'
import type { Condition, NodeFacts } from '../checks/check.ts'

export type KnownNode = Pick<NodeFacts, 'conditions' | 'isUnschedulable' | 'taints'>

export const NOTHING_KNOWN: KnownNode = {
  conditions: new Map(),
  isUnschedulable: false,
  taints: [],
}

/** Go writes null for an empty list. */
const nodeSchema = v.object({
  metadata: v.object({ name: v.string() }),
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

/** Throws where it is no Node, or another: what was asked for is this one alone. */
export function readNode(object: unknown, name: string): KnownNode {
  const parsed = v.safeParse(nodeSchema, object)
  if (!parsed.success || parsed.output.metadata.name !== name) {
    throw new Error('the API server answers, but not with this Node')
  }
  const { spec, status: said } = parsed.output
  return {
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
