/** Reports of the sizes that benches ask for, as an exporter would send them: four pods a service, three checks a pod. */
import { randomUUID } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { compactContent } from '../../worker/contract/compact.ts'
import { digestContent } from '../../worker/contract/digest.ts'
import type { Content, Report, Service, Target } from '../../worker/contract/report.ts'
import { importSecret, signBody } from '../../worker/contract/signature.ts'
import { aCategory, aContent, aHeartbeat, aService, aSnapshot } from '../support/a-report.ts'
import { PUSH_SECRET } from '../support/secrets.ts'

/** The cluster that all benches report as. */
export const CLUSTER = 'demo'
/** Its Worker knows nobody else. */
export const ALONE = { PUSH_SECRETS: JSON.stringify({ [CLUSTER]: PUSH_SECRET }) }

/** Of each pod: two that many have, and one of its own. */
const checksOf = (service: string) => ['self', 'database', `${service}-queue`]

export interface Size {
  services: number
  /** Pods of each. */
  replicas: number
}

/** `failing`: pods, spread over all services, whose database check fails. */
export function contentOf({ services, replicas }: Size, failing: string[] = []): Content {
  const bad = new Set(failing)
  const names = Array.from({ length: services }, (_, i) => `service-${i}`)
  return aContent({
    environment: 'production',
    categories: [
      aCategory({ name: 'read', services: names.filter((_, i) => i % 2 === 0) }),
      aCategory({ name: 'write', services: names.filter((_, i) => i % 4 === 0) }),
      aCategory({ name: 'publish', services: names.slice(0, 20), isSticky: true }),
    ],
    services: names.map((name, of) => likeService(name, { of, replicas, bad })),
  })
}

function likeService(
  name: string,
  { of, replicas, bad }: { of: number; replicas: number; bad: Set<string> },
): Service {
  const ids = Array.from({ length: replicas }, (_, i) => podName(name, i))
  return aService({
    name,
    desired: replicas,
    targets: ids.map((id, i) =>
      likeTarget(id, { service: name, node: of + i, isBad: bad.has(id) }),
    ),
  })
}

/** As a Deployment names its pods. */
export function podName(service: string, index: number): string {
  const hash = (service.length * 7919 + index * 104_729 + 65_537).toString(36)
  return `${service}-7c9d4b8f6d-${hash.padStart(5, 'x').slice(-5)}`
}

function likeTarget(
  id: string,
  { service, node, isBad }: { service: string; node: number; isBad: boolean },
): Target {
  return {
    id,
    node: `ip-10-0-${node % 40}-17.eu-west-1.compute.internal`,
    ready: true,
    ok: !isBad,
    answered: true,
    checkedAt: Date.now() - (node % 10) * 997,
    checks: checksOf(service).map((name) => {
      const check = { id: name, name, ok: true, severity: 2 } as const
      if (!isBad || name !== 'database') return check
      return { ...check, ok: false, checkOutput: 'connection refused', panicGuide: 'Look there.' }
    }),
  }
}

/** Makes reports in order; each takes the next sequence. */
export class Reporter {
  #sequence = 0
  #digest = ''
  readonly #intervalSeconds: number

  constructor(intervalSeconds = 10) {
    this.#intervalSeconds = intervalSeconds
  }

  async snapshot(content: Content): Promise<Report> {
    this.#digest = await digestContent(content)
    return aSnapshot({ ...this.#envelope(), content })
  }

  heartbeat(): Report {
    return aHeartbeat(this.#envelope())
  }

  /** For what takes a place in the order and is no report. */
  takeSequence(): number {
    return ++this.#sequence
  }

  #envelope() {
    const nowMs = Date.now()
    return {
      cluster: CLUSTER,
      sequence: this.takeSequence(),
      observedAt: nowMs,
      intervalSeconds: this.#intervalSeconds,
      digest: this.#digest,
      exporter: { ...aHeartbeat().exporter, startedAt: nowMs - 60_000, components: COMPONENTS },
    }
  }
}

const healthy = { status: 'healthy', message: 'ok' } as const
const COMPONENTS = {
  kube_api: healthy,
  discovery: healthy,
  prober: healthy,
  node_collector: healthy,
  push: healthy,
  leader: healthy,
}

export function packed(report: Report): Uint8Array {
  const sent =
    report.kind === 'snapshot' ? { ...report, content: compactContent(report.content) } : report
  return gzipSync(JSON.stringify(sent))
}

/** The whole push as it stands on the wire. */
export async function pushRequest(report: Report): Promise<Uint8Array> {
  const body = packed(report)
  const id = randomUUID()
  const timestampSeconds = Math.floor(Date.now() / 1000)
  const signature = await signBody({ id, timestampSeconds }, body, [
    await importSecret(PUSH_SECRET),
  ])
  const head = [
    `POST /v1/clusters/${CLUSTER}/reports HTTP/1.1`,
    'Host: localhost',
    'content-type: application/json',
    'content-encoding: gzip',
    `content-length: ${body.length}`,
    `webhook-id: ${id}`,
    `webhook-timestamp: ${timestampSeconds}`,
    `webhook-signature: ${signature}`,
  ]
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body])
}
