/** Bent reports of one cluster, one after the other, each in its place in the order; and what is read of it then. */
import { setImmediate as breathe } from 'node:timers/promises'
import * as v from 'valibot'
import { refusedSchema, type Place } from '../../worker/contract/report.ts'
import type { Dice } from '../support/hour-dice.ts'
import type { FuzzedEdge } from './edge.ts'
import { findFaults, findProbeFaults, findReportFaults } from './judge.ts'
import { makeReport } from './reports.ts'
import { send, type Answer, type Sent } from './send.ts'

/** All that a visitor reads of a cluster. */
const READS = ['__health', 'categories', 'history', 'nodes', '__pods-health?service-name=service-0']
const ACCEPTS = ['application/json', 'text/html', 'application/health+json']
/** Taken reports between two looks at all of it. */
const READ_EVERY = 25
/** Beyond it no next epoch fits. */
const EPOCH_MAX = 2 ** 31 - 2

const heldSchema = v.pipe(v.string(), v.parseJson(), refusedSchema)

export class ReportRun {
  readonly #edge: FuzzedEdge
  readonly #cluster: string
  #place: Place = { epoch: 1, sequence: 1 }
  #taken = 0

  constructor(edge: FuzzedEdge, cluster: string) {
    this.#edge = edge
    this.#cluster = cluster
  }

  async next(dice: Dice): Promise<{ status: number | string; faults: string[] }> {
    await breathe()
    const facts = { cluster: this.#cluster, place: this.#place, nowMs: Date.now() }
    const { sent, how } = await makeReport(dice, facts)
    const answer = await ask(this.#edge.url, sent)
    if (typeof answer === 'string') return { status: 'none', faults: [`${answer} (${how})`] }
    const faults = findReportFaults(sent, answer).map((fault) => `${fault} (${how})`)
    await this.#advance(answer)
    if (answer.status !== 202) return { status: answer.status, faults }
    const after = (await this.#read()).map((fault) => `after it ${fault} (${how})`)
    return { status: 202, faults: [...faults, ...after] }
  }

  /** As an exporter does: the next sequence, or behind what is held. */
  async #advance({ status, body }: Answer): Promise<void> {
    this.#place = { ...this.#place, sequence: this.#place.sequence + 1 }
    const refused = v.safeParse(heldSchema, body)
    if (status !== 409 || !refused.success || refused.output.held === undefined) return
    const { epoch, sequence } = refused.output.held
    if (epoch < EPOCH_MAX && sequence < Number.MAX_SAFE_INTEGER) {
      this.#place = { epoch: epoch + 1, sequence: 1 }
      return
    }
    await this.#edge.operate(`/clusters/${this.#cluster}/erase`, { confirm: this.#cluster })
    this.#place = { epoch: 1, sequence: 1 }
  }

  async #read(): Promise<string[]> {
    this.#taken += 1
    const probe = await this.#look('__gtg', '*/*')
    if (this.#taken % READ_EVERY !== 0) return probe
    const accept = ACCEPTS[(this.#taken / READ_EVERY) % ACCEPTS.length] ?? '*/*'
    const pages = await Promise.all(READS.map((path) => this.#look(path, accept)))
    const metrics = await this.#look('metrics', '*/*')
    return [...probe, ...pages.flat(), ...metrics]
  }

  async #look(path: string, accept: string): Promise<string[]> {
    const place = path === 'metrics' ? '/metrics' : `/clusters/${this.#cluster}/${path}`
    const sent = { method: 'GET', path: place, headers: { accept }, body: null }
    const answer = await ask(this.#edge.url, sent)
    if (typeof answer === 'string') return [`${place}: ${answer}`]
    const faults = (path === '__gtg' ? findProbeFaults : findFaults)(sent, answer)
    return faults.map((fault) => `${place} (${accept}): ${fault}`)
  }
}

async function ask(url: string, sent: Sent): Promise<Answer | string> {
  try {
    return await send(url, sent)
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
