/**
 * The edge of an hour: the domain, driven as the objects drive it, for several clusters with one fleet. It decides
 * nothing. Storage is JSON, KV holds what was last published, and nobody but `look` hears the fleet.
 */
import type { Report } from '../../worker/contract/report.ts'
import { applyAct, passMoment, type Act } from '../../worker/domain/acts.ts'
import { applyReport, type Applied, type ClusterState } from '../../worker/domain/cluster.ts'
import { judgeFleet, type Episode, type Member } from '../../worker/domain/fleet.ts'
import { isLate, judgeFreshness, lateAtOf, withoutHand } from '../../worker/domain/freshness.ts'
import { judgeGtg, makeView, type Gtg } from '../../worker/domain/gtg.ts'
import type { Transition } from '../../worker/domain/history.ts'
import { publish, restoreState, type Published } from '../../worker/domain/restore.ts'
import type { Settled } from '../../worker/domain/settle.ts'
import { applyRuling, isFinal, isSameRuling, ruleSilence } from '../../worker/domain/silence.ts'
import { DEAD_AFTER_MS, RULES } from './apply.ts'
import { throughJson } from './through-json.ts'

interface Held {
  state: ClusterState
  copy: Published
  events: Transition[]
}

export class HourEdge {
  readonly #clusters = new Map<string, Held>()
  readonly #published = new Set<string>()
  #episode: Episode | null = null

  hear(cluster: string, report: Report, nowMs: number): Applied {
    const before = this.#find(cluster)
    const isSmall = report.kind !== 'snapshot'
    const given = isSmall ? withoutContent(before) : before
    const applied = applyReport(given, report, { ...RULES, nowMs })
    if (!applied.ok) return applied
    this.#keep(cluster, isSmall ? withContent(applied, before) : applied)
    return applied
  }

  act(cluster: string, act: Act, nowMs: number): boolean {
    const actor = { by: 'nina', address: '192.0.2.1' }
    const acted = applyAct(this.#find(cluster), act, { nowMs, actor })
    if (acted.ok) this.#keep(cluster, acted)
    return acted.ok
  }

  alarm(cluster: string, nowMs: number): void {
    const state = this.#find(cluster)
    if (state !== null) this.#keep(cluster, passMoment(state, nowMs))
  }

  evict(cluster: string): void {
    const held = this.#clusters.get(cluster)
    if (held !== undefined) held.state = throughJson(held.state)
  }

  loseStorage(cluster: string, nowMs: number): void {
    const held = this.#clusters.get(cluster)
    if (held !== undefined) this.#keep(cluster, restoreState(throughJson(held.copy), nowMs))
  }

  /** What a read does before it answers: silence is ruled on. */
  look(nowMs: number): void {
    for (const [cluster, { state }] of this.#clusters) {
      const { lease, intervalSeconds } = state.pulse
      if (!isLate(lease, intervalSeconds, nowMs) || isFinal(lease, nowMs)) continue
      const fleet = lease.ruling?.isAlone === true ? null : this.#askFleet(cluster, nowMs)
      const ruling = ruleSilence(lease, { onSilence: 'unhealthy', witness: null, fleet }, nowMs)
      if (isSameRuling(lease, ruling, nowMs)) continue
      this.#keep(cluster, applyRuling(state, ruling, nowMs))
    }
  }

  ask(cluster: string, categories: string[], nowMs: number): Gtg {
    return judgeGtg(makeView(this.#find(cluster)), categories, { nowMs, isCopy: false })
  }

  /** Whose copy in KV was written since this was last asked. */
  takePublished(): string[] {
    const published = [...this.#published]
    this.#published.clear()
    return published
  }

  eventsOf(cluster: string): Transition[] {
    return this.#clusters.get(cluster)?.events ?? []
  }

  /** bytes that all states take in storage, without their history. */
  size(): number {
    const states = [...this.#clusters.values()].map(({ state, copy }) => [state, copy])
    return JSON.stringify([states, this.#episode]).length
  }

  #askFleet(cluster: string, nowMs: number) {
    const members = [...this.#clusters].map(([name, { state }]) => tellMember(name, state, nowMs))
    const episodeMs = this.#find(cluster)?.pulse.lease.ruling?.episodeMs ?? null
    const question = {
      cluster,
      episodeMs,
      deadAfterMs: DEAD_AFTER_MS,
      mustHearWitnesses: false,
      unasked: 0,
    }
    const { word, episode } = judgeFleet(this.#episode, members, { ...question, nowMs })
    this.#episode = throughJson(episode)
    return word
  }

  #find(cluster: string): ClusterState | null {
    return this.#clusters.get(cluster)?.state ?? null
  }

  /** KV's copy follows what is published of a state, and not its pulse. */
  #keep(cluster: string, { state, transitions }: Settled): void {
    const held = this.#clusters.get(cluster)
    const copy = publish(state)
    const isNews = held === undefined || newsOf(copy) !== newsOf(held.copy)
    this.#clusters.set(cluster, {
      state,
      copy: isNews ? copy : held.copy,
      events: [...(held?.events ?? []), ...transitions],
    })
    if (isNews) this.#published.add(cluster)
  }
}

function newsOf({ isDead, facts, categories, decisions }: Published): string {
  return JSON.stringify([isDead, facts, categories, decisions])
}

/** Only a snapshot reads or changes what is large, as in the object. */
function withoutContent(state: ClusterState | null): ClusterState | null {
  return (
    state && { ...state, content: null, standing: { ...state.standing, services: {}, nodes: null } }
  )
}

function withContent({ state, transitions }: Settled, before: ClusterState | null): Settled {
  if (before === null) return { state, transitions }
  const { services, nodes } = before.standing
  const standing = { ...state.standing, services, nodes }
  return { state: { ...state, content: before.content, standing }, transitions }
}

function tellMember(cluster: string, { pulse }: ClusterState, nowMs: number): Member {
  return {
    cluster,
    freshAtMs: pulse.lease.freshAtMs,
    freshSinceMs: pulse.freshSinceMs,
    aliveSinceMs: pulse.aliveSinceMs,
    lateAtMs: lateAtOf(pulse.lease, pulse.intervalSeconds),
    isDead: judgeFreshness(withoutHand(pulse.lease), nowMs) === 'dead',
    witness: null,
  }
}
