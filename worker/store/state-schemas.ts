/** The parts of a cluster's state that outlive a version of the Worker, in storage and in KV: parsed, never trusted. */
import * as v from 'valibot'
import { ifPlain, isListOf, isString } from '../contract/plain.ts'
import { byName } from '../contract/fields.ts'
import { severitySchema } from '../contract/report.ts'
import type { CategoryStanding } from '../domain/cluster.ts'
import type { Decisions } from '../domain/decisions.ts'
import type { NodeFacts } from '../domain/nodes.ts'
import type { ServiceMemory } from '../domain/service-memory.ts'
import type { CategoryFacts } from '../domain/verdict.ts'

const timeMs = v.nullable(v.number())
const names = ifPlain(isListOf(isString), v.array(v.string()))
const severity = v.nullable(severitySchema)

export const leaseSchema = v.object({
  freshAtMs: timeMs,
  validUntilMs: timeMs,
  heldUntilMs: timeMs,
  byHandUntilMs: v.optional(timeMs, null),
  // Where another version's can't be read, it is ruled anew.
  ruling: v.fallback(
    v.optional(
      v.nullable(
        v.object({
          by: v.picklist(['witness', 'fleet', 'policy', 'pending']),
          untilMs: timeMs,
          episodeMs: timeMs,
          isAlone: v.boolean(),
          atMs: v.number(),
        }),
      ),
      null,
    ),
    null,
  ),
})

export const factsSchema: v.GenericSchema<unknown, CategoryFacts> = v.pipe(
  v.object({
    name: v.string(),
    services: names,
    refreshSeconds: v.nullable(v.number()),
    isSticky: v.boolean(),
    failureThreshold: v.number(),
    onMissing: v.picklist(['degrade', 'fail']),
    said: v.nullable(v.boolean()),
    isKnown: v.optional(v.boolean()),
    isChecked: v.boolean(),
    failures: v.array(
      v.object({ service: v.string(), severity: severitySchema, honoured: v.nullable(v.string()) }),
    ),
    missing: v.array(v.string()),
    late: v.optional(v.array(v.string()), []),
    isIncomplete: v.optional(v.boolean()),
  }),
  // Earlier versions told only whether something counts.
  v.transform((facts) => ({ ...facts, isKnown: facts.isKnown ?? facts.isChecked })),
)

export const categoryStandingSchema: v.GenericSchema<unknown, CategoryStanding> = v.object({
  name: v.string(),
  passes: v.boolean(),
  reason: v.picklist(['healthy', 'unhealthy', 'disabled', 'empty']),
  severity,
  failing: v.array(v.string()),
  acked: v.array(v.object({ service: v.string(), severity: severitySchema, expiresAtMs: timeMs })),
  missing: v.array(v.string()),
  late: v.optional(v.array(v.string()), []),
  isChecked: v.optional(v.boolean(), true),
  isIncomplete: v.optional(v.boolean()),
  sinceMs: v.number(),
})

/** null: written by a version that kept none. */
export const memorySchema: v.GenericSchema<unknown, ServiceMemory | null> = v.nullable(
  v.object({
    servedSinceMs: byName(v.number()),
    atZero: byName(
      v.object({
        sinceMs: v.number(),
        hasServingTargets: v.boolean(),
        isOwnedElsewhere: v.boolean(),
      }),
    ),
    overdue: v.optional(byName(v.object({ failsAtMs: v.number(), isFailing: v.boolean() })), {}),
  }),
)

export const nodesSchema: v.GenericSchema<unknown, NodeFacts[] | null> = v.nullable(
  v.array(
    v.object({
      name: v.string(),
      isSchedulable: v.boolean(),
      ready: v.nullable(v.boolean()),
      silentSinceMs: timeMs,
      passing: v.array(v.string()),
      failing: v.array(v.string()),
    }),
  ),
)

export const decisionsSchema: v.GenericSchema<unknown, Decisions> = v.object({
  acks: v.array(
    v.object({
      service: v.string(),
      message: v.string(),
      by: v.string(),
      atMs: v.number(),
      expiresAtMs: timeMs,
      until: v.picklist(['removed', 'recovery', 'change']),
      failure: v.object({ marks: v.array(v.string()), severity }),
      goodSinceMs: timeMs,
      isRestored: v.boolean(),
    }),
  ),
  hiddenAcks: v.array(v.object({ service: v.string(), message: v.string() })),
  overrides: v.array(
    v.object({
      category: v.string(),
      isEnabled: v.boolean(),
      cause: v.picklist(['hand', 'trip']),
      by: v.nullable(v.string()),
      why: v.string(),
      atMs: v.number(),
      saidThen: v.nullable(v.boolean()),
      isRestored: v.boolean(),
    }),
  ),
  hold: v.optional(
    v.nullable(
      v.object({
        untilMs: v.number(),
        by: v.string(),
        why: v.string(),
        atMs: v.number(),
        isRestored: v.boolean(),
      }),
    ),
    null,
  ),
  orderSinceMs: v.optional(timeMs, null),
})
