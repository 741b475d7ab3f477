/** The verdict in words, for as long as it may be called one: of a dead cluster only the last one known is said. */
import type { CategoryStatus, ClusterFreshness, ClusterStatus } from '../domain/status.ts'
import { Shape, type Tone } from './chip.tsx'

export type VerdictWord = ClusterStatus['word'] | 'disabled'

const TONES: Record<VerdictWord, Tone> = {
  healthy: 'ok',
  unhealthy: 'warning',
  critical: 'critical',
  disabled: 'off',
}

export interface Standing {
  tone: Tone
  /** `healthy`, `unhealthy`, `critical`, `disabled`, or `unknown`. */
  word: string
  /** What follows the word: `1 acked`, `held`, `last known: healthy`. */
  notes: string[]
}

interface StandingFacts {
  word: VerdictWord
  freshness: ClusterFreshness
  /** How many services fail that are acked. */
  acked: number
}

export function findStanding({ word, freshness, acked }: StandingFacts): Standing {
  if (freshness === 'no-data') return { tone: 'unknown', word: 'unknown', notes: ['no data'] }
  if (freshness === 'dead') {
    return { tone: 'unknown', word: 'unknown', notes: ['dead', `last known: ${word}`] }
  }
  const notes = [
    ...(acked > 0 ? [`${acked} acked`] : []),
    ...(freshness === 'fresh' ? [] : [freshness]),
  ]
  return { tone: TONES[word], word, notes }
}

/** `healthy, 1 acked` */
export function sayStanding({ word, notes }: Standing): string {
  return [word, ...notes].join(', ')
}

/** Of some categories together: the worst among them. */
export function sumUp(categories: CategoryStatus[]): VerdictWord {
  const failing = categories.filter((category) => !category.passes)
  if (failing.length === 0) return 'healthy'
  if (failing.some((category) => category.reason === 'disabled')) return 'disabled'
  return failing.some((category) => category.severity === 1) ? 'critical' : 'unhealthy'
}

export function Verdict({ standing, of }: { standing: Standing; of: string }) {
  return (
    <h1 class={`verdict ${standing.tone}`}>
      <Shape tone={standing.tone} />
      <span>
        <span class="of">{of}</span>
        <span class="word">{standing.word}</span>
        {standing.notes.length > 0 && <span class="notes">, {standing.notes.join(', ')}</span>}
      </span>
    </h1>
  )
}
