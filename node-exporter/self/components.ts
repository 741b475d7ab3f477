/** What each part of the exporter says of itself; travels in every report. */
import { TEXT_MAX_BYTES } from '../../worker/contract/limits.ts'
import type { ComponentStatus, ExporterInfo } from '../../worker/contract/report.ts'
import { cutText } from '../push/cut-text.ts'
import type { Log } from './log.ts'

export type ComponentName = 'kube_api' | 'discovery' | 'prober' | 'node_collector' | 'push'

const FROM_BEST: ComponentStatus[] = ['unspecified', 'healthy', 'degraded', 'unhealthy']

export class Components {
  readonly #log: Log
  readonly #all: ExporterInfo['components'] = {}

  constructor(log: Log) {
    this.#log = log
  }

  /** Logs each change once, however often it is said. `message`: what is wrong, or worth knowing. */
  update(name: ComponentName, status: ComponentStatus, message?: string): void {
    const before = this.#all[name]
    if (before?.status === status && before.message === message) return
    const cut = message === undefined ? {} : { message: cutText(message, TEXT_MAX_BYTES) }
    this.#all[name] = { status, ...cut }
    if (before?.status === status) return
    const line = { component: name, status }
    if (status === 'healthy' || status === 'unspecified') this.#log.info(line, `${name} ${status}`)
    else this.#log.warn(line, `${name} ${status}: ${message ?? ''}`)
  }

  /** The worst of all, and each. */
  report(): Pick<ExporterInfo, 'status' | 'components'> {
    const ranks = Object.values(this.#all).map(({ status }) => FROM_BEST.indexOf(status))
    const status = FROM_BEST[Math.max(0, ...ranks)] ?? 'unspecified'
    return { status, components: structuredClone(this.#all) }
  }
}
