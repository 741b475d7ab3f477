/**
 * Hears whoever has a say while a cluster is silent, the witness and the fleet, and lets the domain rule. Behind the
 * answers: a prober waits for it only where nothing was ruled before the lease ended.
 */
import type { Pulse } from '../domain/cluster.ts'
import type { FleetWord } from '../domain/fleet.ts'
import { isLate, judgeFreshness, type Lease, type Ruling } from '../domain/freshness.ts'
import { isFinal, rulePending, ruleSilence } from '../domain/silence.ts'
import type { ClusterSettings } from '../env.ts'
import type { Fleet } from './fleet.ts'
import { within } from './within.ts'
import { Witness } from './witness.ts'

/** ms between two rulings; and how long whoever asks waits for the first, of the 450 that a prober's read may take. */
const RULE_EVERY_MS = 1000
const FIRST_TIMEOUT_MS = 250
const FLEET_TIMEOUT_MS = 3000

interface Options {
  /** Its witness was heard: rule upon it. */
  again: () => Promise<void>
  fleet: () => DurableObjectStub<Fleet>
  /** Stores what `rule` makes of the lease, if it is still the one that was looked at. */
  save: (lease: Lease, rule: (lease: Lease, nowMs: number) => Ruling) => Promise<void>
}

type Settings = ClusterSettings & { hasOthers: boolean }

export class SilenceWatch {
  readonly #cluster: string
  readonly #options: Options
  readonly #witness = new Witness(() => this.#ruleAgain())
  /** ms; when the last ruling began. */
  #ruledAtMs = -Infinity
  #ruling: Promise<void> | null = null

  constructor(cluster: string, options: Options) {
    this.#cluster = cluster
    this.#options = options
  }

  async consider(
    { lease, intervalSeconds }: Pulse,
    { settings, goOn }: { settings: Settings; goOn: (work: Promise<unknown>) => void },
  ): Promise<void> {
    const nowMs = Date.now()
    const isDead = judgeFreshness(lease, nowMs) === 'dead'
    if (!isLate(lease, intervalSeconds, nowMs) || isFinal(lease, nowMs)) return
    if (this.#ruling === null && (isDead || nowMs - this.#ruledAtMs > RULE_EVERY_MS)) {
      this.#ruledAtMs = nowMs
      this.#ruling = this.#rule(lease, settings).finally(() => {
        this.#ruling = null
      })
      goOn(this.#ruling)
    }
    if (!isDead || this.#ruling === null) return
    const ruled = await within(
      FIRST_TIMEOUT_MS,
      this.#ruling.then(() => true),
    )
    if (ruled === null && lease.ruling === null) await this.#options.save(lease, rulePending)
  }

  /** Its witness was heard: nobody need ask again for that to count. */
  async #ruleAgain(): Promise<void> {
    await this.#ruling
    this.#ruledAtMs = -Infinity
    await this.#options.again()
  }

  /** null: none is configured. */
  hearWitness(url: string | null, nowMs: number): ReturnType<Witness['hear']> | null {
    return url === null ? null : this.#witness.hear(url, nowMs)
  }

  async #rule(lease: Lease, settings: Settings): Promise<void> {
    const witness = this.hearWitness(settings.witness, Date.now())
    const fleet = await this.#askFleet(lease, {
      settings,
      mustHearWitnesses: witness?.word === 'bad',
    })
    const silence = { onSilence: settings.ON_SILENCE, witness, fleet }
    await this.#options.save(lease, (held, nowMs) => ruleSilence(held, silence, nowMs))
  }

  /** null: there is no other cluster to compare with, or this one is judged alone. */
  async #askFleet(
    { ruling }: Lease,
    { settings, mustHearWitnesses }: { settings: Settings; mustHearWitnesses: boolean },
  ): Promise<FleetWord | null> {
    if (!settings.hasOthers || ruling?.isAlone === true) return null
    const asked = this.#options.fleet().judge({
      cluster: this.#cluster,
      episodeMs: ruling?.episodeMs ?? null,
      deadAfterMs: settings.DEAD_AFTER_SECONDS * 1000,
      mustHearWitnesses,
    })
    const heard = await within(
      FLEET_TIMEOUT_MS,
      asked.then((word) => ({ word })),
    )
    return heard?.word ?? { kind: 'unreachable', witnesses: 'few' }
  }
}
