/**
 * Tells a pod that is starting from one that broke: reads the Pod itself, so that a new process or leader knows it, too.
 * Only pods whose target is not ready and fails are read.
 */
import pLimit, { type LimitFunction } from 'p-limit'
import * as v from 'valibot'
import type { Warning } from '../../worker/contract/report.ts'
import { KubeError, type KubeApi } from '../discovery/kube-api.ts'
import type { DiscoveredTarget } from '../discovery/targets.ts'

const podSchema = v.object({
  metadata: v.object({ uid: v.nullish(v.string()) }),
  status: v.nullish(
    v.object({
      startTime: v.nullish(v.string(), ''),
      conditions: v.nullish(
        v.array(
          v.object({
            type: v.string(),
            status: v.string(),
            lastTransitionTime: v.nullish(v.string(), ''),
          }),
        ),
        [],
      ),
    }),
    {},
  ),
})

/** A time: the pod has never been ready. `unread`: it could not be read, or is another one by now. */
export type PodStart = { startedAtMs: number } | 'ready' | 'has-been-ready' | 'unread'

export type ReadPodStart = (target: DiscoveredTarget) => Promise<PodStart>

export interface PodReaderOptions {
  /** ms that a read may take, and may wait for its turn before: the target's failure isn't counted until then. */
  timeoutMs: number
  /** ms without further reads after one that failed: in its namespace, or in all where the API server didn't answer. */
  pauseMs: number
}

export const POD_READER_TIMINGS = { timeoutMs: 2000, pauseMs: 10_000 }

/** Reads side by side, and of one namespace: a whole node pool may start at once, and one tenant's pods must not keep others waiting. */
const CONCURRENCY = 16
const CONCURRENCY_OF_NAMESPACE = 8

/** ms for which a fault goes on being told where nothing is read any more. */
const FAULT_SHOWN_MS = 60_000

/** ms; the kubelet sets `startTime` and the condition in one go, each rounded down to a second. */
const SAME_MOMENT_MS = 1000

interface Fault {
  message: string
  untilMs: number
}

/** The namespace of a fault that holds for all of them. */
const ALL = ''

export class PodReader {
  readonly #api: Pick<KubeApi, 'send'>
  readonly #options: PodReaderOptions
  readonly #limit = pLimit(CONCURRENCY)
  /** By namespace, while something of it is read. */
  readonly #limits = new Map<string, LimitFunction>()
  /** By namespace. */
  readonly #faults = new Map<string, Fault>()

  constructor(api: Pick<KubeApi, 'send'>, options: PodReaderOptions) {
    this.#api = api
    this.#options = options
  }

  readonly read: ReadPodStart = async (target) => {
    const { namespace } = target
    const askedAtMs = performance.now()
    const limit = this.#limits.get(namespace) ?? pLimit(CONCURRENCY_OF_NAMESPACE)
    this.#limits.set(namespace, limit)
    const start = await limit(() => this.#limit(() => this.#read(target, askedAtMs)))
    if (limit.activeCount + limit.pendingCount === 0) this.#limits.delete(namespace)
    return start
  }

  async #read({ namespace, pod, uid }: DiscoveredTarget, askedAtMs: number): Promise<PodStart> {
    if (pod === null || this.#isPaused(namespace) || this.#isPaused(ALL)) return 'unread'
    const { timeoutMs } = this.#options
    // Its turn comes too late: that says nothing of the API server, so others are read all the same.
    if (performance.now() - askedAtMs > timeoutMs) return 'unread'
    try {
      const path = `/api/v1/namespaces/${namespace}/pods/${pod}`
      const signal = AbortSignal.timeout(timeoutMs)
      const start = findStart(await this.#api.send({ method: 'GET', path }, signal), uid)
      this.#faults.delete(namespace)
      this.#faults.delete(ALL)
      return start
    } catch (error) {
      this.#fail(namespace, KubeError.of(error))
      return 'unread'
    }
  }

  /** None once no pod was to be read for a while. */
  warnings(): Warning[] {
    const nowMs = performance.now()
    return [...this.#faults]
      .filter(([, { untilMs }]) => nowMs <= untilMs + FAULT_SHOWN_MS)
      .map(([namespace, { message }]) => ({
        subject: namespace === ALL ? 'Pods' : `Pods of namespace ${namespace}`,
        message: `can't be read, so pods that are starting count as failing: ${message}`,
      }))
  }

  #isPaused(namespace: string): boolean {
    return performance.now() < (this.#faults.get(namespace)?.untilMs ?? 0)
  }

  #fail(namespace: string, { status, message }: KubeError): void {
    if (status === 404) return // it was deleted just now: its EndpointSlice will tell
    const isRefusal = status === 403
    const untilMs = performance.now() + this.#options.pauseMs
    this.#faults.set(isRefusal ? namespace : ALL, { message, untilMs })
  }
}

/** When a pod that has never been ready started, from the Pod as the API server gives it. `uid` null: not known. */
export function findStart(object: unknown, uid: string | null): PodStart {
  const parsed = v.safeParse(podSchema, object)
  if (!parsed.success) return 'unread'
  const { metadata, status } = parsed.output
  if (uid !== null && metadata.uid !== uid) return 'unread'
  const startedAtMs = Date.parse(status?.startTime ?? '')
  if (Number.isNaN(startedAtMs)) return 'unread'
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')
  if (ready?.status === 'True') return 'ready'
  // The condition has been False since the kubelet first set it, or isn't set yet.
  const sinceMs = ready === undefined ? startedAtMs : Date.parse(ready.lastTransitionTime ?? '')
  const isFirst = (ready?.status ?? 'False') === 'False'
  return isFirst && sinceMs - startedAtMs <= SAME_MOMENT_MS ? { startedAtMs } : 'has-been-ready'
}
