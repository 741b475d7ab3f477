/** What every object of Kubernetes says of itself: its name, its age and its version. */
import * as v from 'valibot'
import type { Known } from './bounded-items.ts'

export const metadataSchema = v.object({
  metadata: v.object({
    name: v.optional(v.string(), ''),
    namespace: v.optional(v.string(), ''),
    resourceVersion: v.optional(v.string(), ''),
    creationTimestamp: v.nullish(v.string()),
  }),
})

/** Throws where it is no object. */
export function readKnown(object: unknown): Known {
  const { metadata } = v.parse(metadataSchema, object)
  const { namespace, name, creationTimestamp } = metadata
  return { namespace, name, createdAt: creationTimestamp ?? '' }
}
