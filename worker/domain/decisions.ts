/**
 * What people decided, and failures that latched: acks, and categories switched apart from their ConfigMap. It outlives
 * reports and evictions, and KV keeps a copy. What ends a decision without a person stands here too (behaviour, section 3).
 */
import type { Content } from '../contract/report.ts'
import { hasExpired, type Ack } from './acks.ts'
import type { CategoryFacts } from './verdict.ts'

/** A category that is on or off whatever its ConfigMap says. */
export interface Override {
  category: string
  isEnabled: boolean
  /** `trip`: failures latched it, nobody did. */
  cause: 'hand' | 'trip'
  /** null for a trip. */
  by: string | null
  why: string
  atMs: number
  /** What the ConfigMap said of `category.enabled` then. null: nothing. */
  saidThen: boolean | null
  isRestored: boolean
}

export interface Decisions {
  /** One per service. */
  acks: Ack[]
  /** Acks of the cluster's ConfigMap that were removed at the edge, by their text. */
  hiddenAcks: { service: string; message: string }[]
  /** One per category. */
  overrides: Override[]
  /** null: nobody keeps the last verdict standing for when the cluster falls silent. */
  hold: Hold | null
  /** ms; when a person started the order of reports anew: what was signed until then is refused. null: never. */
  orderSinceMs: number | null
}

/** An operator's word that the last verdict stands for a while, also where no report comes (behaviour, section 6). */
export interface Hold {
  untilMs: number
  by: string
  why: string
  atMs: number
  isRestored: boolean
}

export const NO_DECISIONS: Decisions = {
  acks: [],
  hiddenAcks: [],
  overrides: [],
  hold: null,
  orderSinceMs: null,
}

/** What was decided as it counts at one moment, by name: made once, for each category is judged by it. */
export interface DecisionsNow {
  /** Acks given at the edge, by service. */
  given: Map<string, Ack>
  /** Texts of the ConfigMap's acks that were removed at the edge, by service. */
  hidden: Map<string, string>
  /** By category. */
  overrides: Map<string, Override>
}

export function readDecisions(decisions: Decisions, nowMs: number): DecisionsNow {
  return {
    given: findGiven(decisions, nowMs),
    hidden: new Map(decisions.hiddenAcks.map((ack) => [ack.service, ack.message])),
    overrides: new Map(decisions.overrides.map((override) => [override.category, override])),
  }
}

export function isEnabled(
  { name, said }: Pick<CategoryFacts, 'name' | 'said'>,
  { overrides }: Pick<DecisionsNow, 'overrides'>,
): boolean {
  return overrides.get(name)?.isEnabled ?? said ?? ENABLED_BY_DEFAULT
}

/**
 * Only a ConfigMap that says something explicitly different ends an override: one that is gone or silent never does, and
 * one that was silent had said what its default is.
 */
export function hasConfigMapChanged({ saidThen }: Override, facts: CategoryFacts | undefined) {
  const said = facts?.said ?? null
  return said !== null && said !== (saidThen ?? ENABLED_BY_DEFAULT)
}

/** Of `category.enabled` (behaviour, section 1). */
const ENABLED_BY_DEFAULT = true

/**
 * An ack of the ConfigMap stays hidden until its text changes: manifests that are taken away and applied again must not
 * hide the fault anew. Where acks could not be read, all stay.
 */
export function keepHidden(
  hidden: Decisions['hiddenAcks'],
  honoured: Content['acks'],
): Decisions['hiddenAcks'] {
  const texts = new Map((honoured ?? []).map(({ service, message }) => [service, message]))
  const kept = hidden.filter(({ service, message }) =>
    isSameText(texts.get(service) ?? message, message),
  )
  return kept.length === hidden.length ? hidden : kept
}

/** The acks of the ConfigMap that count: the text by service. */
export function findHonoured(
  honoured: Content['acks'],
  hidden: Decisions['hiddenAcks'],
): Map<string, string> {
  const texts = new Map((honoured ?? []).map((ack) => [ack.service, ack.message]))
  for (const { service, message } of hidden) {
    const text = texts.get(service)
    if (text !== undefined && isSameText(text, message)) texts.delete(service)
  }
  return texts
}

/** Earlier exporters told an ack's text with the line break at its end, as a YAML block has it. */
export function isSameText(a: string, b: string): boolean {
  return a.trim() === b.trim()
}

/** The acks given at the edge that count at this moment, by service. */
export function findGiven({ acks }: Decisions, nowMs: number): Map<string, Ack> {
  return new Map(
    acks.filter((ack) => !hasExpired(ack, nowMs)).map((ack) => [ack.service, ack] as const),
  )
}
