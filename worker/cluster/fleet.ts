/**
 * One object for all clusters: it keeps the open episode of a correlated silence. (Another one of this class, under a name of its
 * own, keeps the sessions that were ended: ended-sessions.ts.) It asks the clusters'
 * objects how they stand, lets the domain judge, and stores what came of it. And it looks at each of them now and then, so
 * that a silence is noticed also where nobody else asks.
 */
import { DurableObject } from 'cloudflare:workers'
import * as v from 'valibot'
import { byName } from '../contract/fields.ts'
import {
  judgeFleet,
  type Episode,
  type FleetWord,
  type Member,
  type Question,
} from '../domain/fleet.ts'
import { listCompared, readConfig, settingsOf, type Config, type Env } from '../env.ts'
import type { EndedSessions, Session } from '../domain/ended-sessions.ts'
import { EndedSessionsStore } from './ended-sessions.ts'
import { within } from './within.ts'

/** ms that one cluster's object may take: it may be cold, or far away. Nobody waits for it but the ruling. */
const ASK_TIMEOUT_MS = 2000
/** ms that answers are good for: all that are silent ask. */
const KNOWN_MS = 500

/** Its only name. */
export const FLEET_NAME = 'fleet'

const KEY = 'episode'
const episodeSchema: v.GenericSchema<unknown, Episode> = v.object({
  openedAtMs: v.number(),
  endedAtMs: v.nullable(v.number()),
  joinedAtMs: byName(v.number()),
})

interface Answers {
  members: Member[]
  /** How many could not be asked. */
  unasked: number
}

export class Fleet extends DurableObject<Env> {
  /** By whether witnesses were heard. Also while it is under way: those who ask at once share one round. */
  readonly #known = new Map<boolean, { atMs: number; members: Promise<Answers> }>()
  readonly #ended = new EndedSessionsStore(this.ctx.storage.kv)

  readEndedSessions(token: string): EndedSessions {
    return this.#ended.read(token)
  }

  endSession(token: string, session: Session): EndedSessions {
    return this.#ended.end(token, session, Date.now())
  }

  /** What holds for a cluster that is late. Throws when the configuration is wrong or storage fails. */
  async judge(question: Question): Promise<FleetWord> {
    const { members, unasked } = await this.#ask(question.mustHearWitnesses)
    const held = this.#load()
    const { word, episode } = judgeFleet(held, members, {
      ...question,
      unasked,
      nowMs: Date.now(),
    })
    if (JSON.stringify(episode) !== JSON.stringify(held)) this.ctx.storage.kv.put(KEY, episode)
    return word
  }

  /** From now on every cluster is looked at: true. Throws as `judge` does. */
  async watch(): Promise<true> {
    if ((await this.ctx.storage.getAlarm()) === null) await this.#arm()
    return true
  }

  override async alarm(): Promise<void> {
    await this.#arm() // first: whatever becomes of this look, there is a next one
    const ids = this.#readClusters().map(({ id }) => id)
    const looks = ids.map((id) => within(ASK_TIMEOUT_MS, this.env.CLUSTER.getByName(id).look()))
    await Promise.all(looks)
  }

  /** Once in the shortest time to dead: an episode opens up to twice that time after the last report. */
  async #arm(): Promise<void> {
    const everyMs = Math.min(...this.#readClusters().map(({ deadAfterMs }) => deadAfterMs))
    await this.ctx.storage.setAlarm(Date.now() + everyMs)
  }

  #readClusters(): { id: string; deadAfterMs: number }[] {
    const config = this.#readConfig()
    return [...config.PUSH_SECRETS.keys()].map((id) => ({
      id,
      deadAfterMs: settingsOf(config, id).DEAD_AFTER_SECONDS * 1000,
    }))
  }

  #readConfig(): Config {
    const read = readConfig(this.env)
    if (!read.ok) throw new Error('misconfigured')
    return read.config
  }

  #load(): Episode | null {
    const read = v.safeParse(episodeSchema, this.ctx.storage.kv.get(KEY))
    return read.success ? read.output : null
  }

  #ask(mustHearWitnesses: boolean): Promise<Answers> {
    const nowMs = Date.now()
    const known = this.#known.get(mustHearWitnesses)
    if (known !== undefined && nowMs - known.atMs <= KNOWN_MS) return known.members
    const members = this.#askAll(mustHearWitnesses)
    this.#known.set(mustHearWitnesses, { atMs: nowMs, members })
    return members
  }

  async #askAll(mustHearWitnesses: boolean): Promise<Answers> {
    const ids = listCompared(this.#readConfig())
    const asked = ids.map((id) =>
      within(ASK_TIMEOUT_MS, this.env.CLUSTER.getByName(id).tellMember(mustHearWitnesses)),
    )
    const members = (await Promise.all(asked)).filter((member) => member !== null)
    return { members, unasked: ids.length - members.length }
  }
}
