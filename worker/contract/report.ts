/**
 * The report: what an exporter pushes, and all that the edge learns of a cluster. Owned by the receiver.
 * Times are ms since 1970 by the edge's clock. Unknown keys are ignored, so either side may be the newer one. How many of each
 * it may hold stands in counts.ts.
 */
import * as v from 'valibot'
import {
  byName,
  counter,
  isName,
  isText,
  name,
  seconds,
  text,
  TIME_MAX_MS,
  timeMs,
} from './fields.ts'
import { LABEL_MAX_LENGTH, NAME_MAX_LENGTH, SUBDOMAIN_MAX_LENGTH } from './limits.ts'
import { ifPlain, isBoolean, isCounter, isListOf, isNameUpTo, isShape } from './plain.ts'

/** A cluster's id: it stands in URLs and names an object, so nothing but a DNS-1123 label. */
export const clusterIdSchema = v.pipe(
  v.string(),
  v.maxLength(LABEL_MAX_LENGTH),
  v.regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, 'is not a DNS-1123 label (a-z, 0-9 and -)'),
)

/** 1 worst to 3. A check that names none counts as 2 (behaviour, section 1). */
export const severitySchema = v.picklist([1, 2, 3])
export type Severity = v.InferOutput<typeof severitySchema>

/** One entry of a pod's `__health`: whole when it fails, without its texts when it passes. */
export const podCheckSchema = v.object({
  id: name,
  name,
  ok: v.boolean(),
  severity: v.optional(severitySchema),
  businessImpact: v.optional(text),
  technicalSummary: v.optional(text),
  panicGuide: v.optional(text),
  checkOutput: v.optional(text),
  lastUpdated: v.optional(text),
})
export type PodCheck = v.InferOutput<typeof podCheckSchema>

/** As it travels: `name` is the id and `ok` is true where they are left out. */
const wireCheckSchema = v.object({
  ...podCheckSchema.entries,
  name: v.optional(name),
  ok: v.optional(v.boolean()),
})
type WireCheck = v.InferOutput<typeof wireCheckSchema>

const areWireChecks = isListOf(
  isShape<WireCheck>(
    { id: isName },
    {
      name: isName,
      ok: isBoolean,
      severity: (input) => input === 1 || input === 2 || input === 3,
      businessImpact: isText,
      technicalSummary: isText,
      panicGuide: isText,
      checkOutput: isText,
      lastUpdated: isText,
    },
  ),
)
const wireChecksSchema = ifPlain(areWireChecks, v.array(wireCheckSchema))

/** By what it is, and not by trying: so that a fault names its path. */
function indexOr<T>(schema: v.GenericSchema<unknown, T>): v.GenericSchema<unknown, number | T> {
  return v.lazy((input) => (typeof input === 'number' ? counter : schema))
}

/**
 * As it travels. `checks`: the list, or which of `checkSets` it is; `node`: the name, or which of `nodeNames`. `ok`, `ready`
 * and `answered` are true where they are left out, `starting` and `terminating` false.
 */
export const targetSchema = v.object({
  id: v.pipe(v.string(), v.nonEmpty(), v.maxLength(SUBDOMAIN_MAX_LENGTH)),
  node: v.optional(indexOr(v.pipe(v.string(), v.maxLength(SUBDOMAIN_MAX_LENGTH)))),
  ready: v.optional(v.boolean()),
  ok: v.optional(v.boolean()),
  answered: v.optional(v.boolean()),
  starting: v.optional(v.boolean()),
  terminating: v.optional(v.boolean()),
  reason: v.optional(text),
  checkedAt: timeMs,
  checks: indexOr(wireChecksSchema),
})
export type WireTarget = v.InferOutput<typeof targetSchema>

function isTimeMs(input: unknown): input is number {
  return isCounter(input) && input <= TIME_MAX_MS
}

const areWireTargets = isListOf(
  isShape<WireTarget>(
    {
      id: isNameUpTo(SUBDOMAIN_MAX_LENGTH),
      checkedAt: isTimeMs,
      checks: isCounter,
    },
    {
      node: isCounter,
      ready: isBoolean,
      ok: isBoolean,
      answered: isBoolean,
      starting: isBoolean,
      terminating: isBoolean,
      reason: isText,
    },
  ),
)

/**
 * What the last probe of one address saw. `answered`: it gave a health document, good or bad. `starting`: it fails, and its
 * pod has never been ready. `terminating`: its pod is being deleted, and it still serves because no other target does.
 */
export type Target = Pick<
  WireTarget,
  'id' | 'reason' | 'checkedAt' | 'starting' | 'terminating'
> & {
  node?: string
  ready: boolean
  ok: boolean
  answered: boolean
  checks: PodCheck[]
}

/**
 * `targets: null`: known, but not probed yet, so the edge's own result stands.
 * `desired: null`: no workload stands behind it. `desired` absent: it could not be listed, the edge keeps its own.
 */
const wireServiceSchema = v.object({
  name, // `name` in the home namespace, else `name.namespace`
  isResilient: v.boolean(),
  isDaemon: v.boolean(),
  desired: v.optional(v.nullable(counter)),
  targets: v.nullable(v.array(targetSchema)),
  /** It has no targets, and hasn't been without for long: it may be new, or scaled up from zero. */
  starting: v.optional(v.boolean()),
  /** Its workloads want no pods, and still have some. */
  scalingDown: v.optional(v.boolean()),
  /** A new result of a target is due since then, and what is known of it may be good by an old one; absent: none is. */
  overdueSince: v.optional(timeMs),
  /** s; each target was asked within that time. Absent: as often as the categories say. */
  periodSeconds: v.optional(v.pipe(counter, v.minValue(1))),
  /** Targets that must be ok; absent: all of them. Of the built-in service `nodes` (behaviour, section 7). */
  leastOk: v.optional(counter),
  businessImpact: v.optional(text),
  panicGuide: v.optional(text),
})
type WireService = v.InferOutput<typeof wireServiceSchema>

const areWireServices = isListOf(
  isShape<WireService>(
    {
      name: isName,
      isResilient: isBoolean,
      isDaemon: isBoolean,
      targets: (input) => input === null || areWireTargets(input),
    },
    {
      desired: (input) => input === null || isCounter(input),
      starting: isBoolean,
      scalingDown: isBoolean,
      overdueSince: isTimeMs,
      periodSeconds: (input) => isCounter(input) && input >= 1,
      leastOk: isCounter,
      businessImpact: isText,
      panicGuide: isText,
    },
  ),
)

export type Service = Omit<WireService, 'targets'> & { targets: Target[] | null }

/** `enabled` absent: the ConfigMap doesn't say, which is not the same as saying true. */
export const categorySchema = v.object({
  name,
  services: ifPlain(isListOf(isName), v.array(name)),
  refreshSeconds: v.optional(seconds),
  isSticky: v.boolean(),
  enabled: v.optional(v.boolean()),
  failureThreshold: v.pipe(counter, v.minValue(1)),
  onMissing: v.picklist(['degrade', 'fail']),
})
export type Category = v.InferOutput<typeof categorySchema>

/** The category that always exists and always holds every service. */
export const DEFAULT_CATEGORY = 'default'

/**
 * What a node's exporter told, and what its Node object says. `answered: false`: its exporter is silent, and there are no
 * checks. `ready: null`: the Node object could not be read.
 */
export const nodeSchema = v.object({
  name: v.pipe(v.string(), v.nonEmpty(), v.maxLength(SUBDOMAIN_MAX_LENGTH)),
  schedulable: v.boolean(),
  ready: v.nullable(v.boolean()),
  answered: v.boolean(),
  checks: v.array(
    v.object({
      name,
      passed: v.boolean(),
      reason: v.optional(text),
      warning: v.optional(text),
    }),
  ),
})
export type Node = v.InferOutput<typeof nodeSchema>

const isBooleanOrNull = (input: unknown) => input === null || isBoolean(input)
const areNodes = isListOf(
  isShape<Node>(
    {
      name: isNameUpTo(SUBDOMAIN_MAX_LENGTH),
      schedulable: isBoolean,
      ready: isBooleanOrNull,
      answered: isBoolean,
      checks: isListOf(
        isShape<Node['checks'][number]>(
          { name: isName, passed: isBoolean },
          { reason: isText, warning: isText },
        ),
      ),
    },
    {},
  ),
)

/** An acknowledgement that stands in the cluster's own ConfigMap: honoured, read-only. */
export const honouredAckSchema = v.object({ service: name, message: text })

/** A value that was malformed or can't be served, and what was done instead. */
export const warningSchema = v.object({ subject: text, message: text })
export type Warning = v.InferOutput<typeof warningSchema>

const sections = {
  environment: v.pipe(v.string(), v.maxLength(NAME_MAX_LENGTH)),
  categories: v.nullable(v.array(categorySchema)),
  nodes: v.nullable(ifPlain(areNodes, v.array(nodeSchema))),
  acks: v.nullable(v.array(honouredAckSchema)),
  /**
   * Names of categories of which the exporter left something out, because there is more than it may report or keep: they
   * are never shown as whole. Absent: none.
   */
  incomplete: v.optional(v.array(name)),
  warnings: v.array(warningSchema),
}
const wireContentSchema = v.object({
  ...sections,
  services: v.nullable(ifPlain(areWireServices, v.array(wireServiceSchema))),
  checkSets: v.optional(ifPlain(isListOf(areWireChecks), v.array(v.array(wireCheckSchema)))),
  nodeNames: v.optional(v.array(v.pipe(v.string(), v.maxLength(SUBDOMAIN_MAX_LENGTH)))),
})
/** A content as it travels; compact.ts makes it. */
export type WireContent = v.InferOutput<typeof wireContentSchema>

/** A section that could not be read is `null`: the edge keeps its own, nothing vanishes for want of a list. */
export type Content = Omit<WireContent, 'services' | 'checkSets' | 'nodeNames'> & {
  services: Service[] | null
}

export const contentSchema = v.pipe(
  wireContentSchema,
  v.rawTransform(({ dataset: { value }, addIssue, NEVER }): Content => {
    const { checkSets, nodeNames = [], services, ...rest } = value
    const sets = checkSets?.map(wholeChecks) ?? []
    const isUnknown = ({ checks, node }: WireTarget) =>
      (typeof checks === 'number' && sets[checks] === undefined) ||
      (typeof node === 'number' && nodeNames[node] === undefined)
    if (services?.some(({ targets }) => targets?.some(isUnknown)) === true) {
      addIssue({ message: 'a target names a checkSet or a nodeName that is not there' })
      return NEVER
    }
    const whole = (target: WireTarget): Target => {
      const { node, checks, ok = true, ready = true, answered = true } = target
      // The very object that was read: thousands of copies would cost more than reading them did.
      return Object.assign(target, {
        ...(node === undefined ? {} : { node: nameOf(node) }),
        ok,
        ready,
        answered,
        checks: typeof checks === 'number' ? (sets[checks] ?? []) : wholeChecks(checks),
      })
    }
    const nameOf = (node: string | number) =>
      typeof node === 'number' ? (nodeNames[node] ?? '') : node
    return {
      ...rest,
      services:
        services?.map((service) => ({
          ...service,
          targets: service.targets?.map(whole) ?? null,
        })) ?? null,
    }
  }),
)

function wholeChecks(checks: WireCheck[]): PodCheck[] {
  return checks.map((check) => ({ ...check, name: check.name ?? check.id, ok: check.ok ?? true }))
}

/** Words for a component of the exporter, from best to worst. */
export const componentStatusSchema = v.picklist(['unspecified', 'healthy', 'degraded', 'unhealthy'])
export type ComponentStatus = v.InferOutput<typeof componentStatusSchema>

export const exporterSchema = v.object({
  type: name,
  version: name,
  commit: v.pipe(v.string(), v.maxLength(NAME_MAX_LENGTH)),
  startedAt: timeMs,
  status: componentStatusSchema, // the worst of its components
  components: byName(v.object({ status: componentStatusSchema, message: v.optional(text) })),
})
export type ExporterInfo = v.InferOutput<typeof exporterSchema>

/** A place in the order of what exporters send: `epoch` first, then `sequence`. */
export const placeSchema = v.object({
  epoch: v.pipe(counter, v.maxValue(2 ** 31 - 1)), // leaseTransitions is an int32
  sequence: counter,
})
export type Place = v.InferOutput<typeof placeSchema>

const commandId = v.pipe(v.string(), v.nonEmpty(), v.maxLength(64))

/**
 * What the edge asks of an exporter, for somebody who waits. `round`: ask every target now, of all services or of one, then
 * report with this id in `rounds`. `pod`: what this pod itself says now; over the live link alone.
 */
export const commandSchema = v.variant('kind', [
  v.object({ kind: v.literal('round'), id: commandId, service: v.optional(name) }),
  v.object({ kind: v.literal('pod'), id: commandId, service: name, pod: name }),
])
export type Command = v.InferOutput<typeof commandSchema>

/** Commands in one answer, ids in one report. */
export const COMMANDS_MAX = 16

const envelope = {
  cluster: clusterIdSchema,
  ...placeSchema.entries,
  observedAt: timeMs,
  intervalSeconds: seconds,
  digest: v.pipe(v.string(), v.maxLength(128)),
  streaks: byName(v.pipe(counter, v.minValue(1))),
  exporter: exporterSchema,
  /** Ids of the commands whose rounds are in it. */
  rounds: v.optional(v.pipe(v.array(commandId), v.maxLength(COMMANDS_MAX))),
}

export const snapshotSchema = v.object({
  kind: v.literal('snapshot'),
  ...envelope,
  content: contentSchema,
})
export const heartbeatSchema = v.object({ kind: v.literal('heartbeat'), ...envelope })
export const blindSchema = v.object({ kind: v.literal('blind'), ...envelope })

/** `snapshot`: all of it. `heartbeat`: still the content with this digest. `blind`: alive, but can't see. */
export const reportSchema = v.variant('kind', [snapshotSchema, heartbeatSchema, blindSchema])
export type Report = v.InferOutput<typeof reportSchema>
export type Snapshot = v.InferOutput<typeof snapshotSchema>
export type Heartbeat = v.InferOutput<typeof heartbeatSchema>

/**
 * 202: `resend` asks for a snapshot with the next report. `commands`: what waits, where there is no live link. `overdue`: the
 * edge judges services that are overdue one by one, as long as there are any; one that doesn't knows only `observedAt`.
 */
export const acceptedSchema = v.object({
  accepted: v.literal(true),
  resend: v.boolean(),
  overdue: v.optional(v.literal(true)),
  commands: v.optional(v.pipe(v.array(commandSchema), v.maxLength(COMMANDS_MAX))),
})
export type Accepted = v.InferOutput<typeof acceptedSchema>

/** Any refusal. `held` comes with 409: the place in the order that a report must exceed. */
export const refusedSchema = v.object({
  error: v.object({ code: v.string(), message: v.string() }),
  held: v.optional(placeSchema),
})
