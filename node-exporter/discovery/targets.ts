/** Services, EndpointSlices and workloads into services with the addresses to probe (behaviour, section 1). Pure. */
import type { Warning } from '../../worker/contract/report.ts'
import { SUBDOMAIN_MAX_LENGTH, TEXT_MAX_BYTES } from '../../worker/contract/limits.ts'
import { cutText } from '../../worker/contract/cut-text.ts'
import { choosePort, readSettings } from './health-settings.ts'
import { shareTargets } from './bound-targets.ts'
import type { KubeService, KubeSlice, Workload } from './kube-objects.ts'
import {
  ANNOTATION,
  readBoolean,
  quote,
  readText,
  SERVICE_NAME_LABEL,
  type Warn,
} from './labels.ts'

/** Where to ask. */
export interface Place {
  namespace: string
  /** null: an address without a pod. */
  pod: string | null
  scheme: 'http' | 'https'
  /** An IPv6 one without brackets. */
  address: string
  port: number
  /** With its query. */
  path: string
}

/** One address of a service: where to ask, and what the answer is filed under. */
export interface DiscoveredTarget extends Place {
  /** The pod's name, else the address. */
  id: string
  /** Of the pod: one that was made anew under the same name is another. null: not known. */
  uid: string | null
  node: string | null
  /** The pod's own readiness, also where the Service publishes addresses that are not ready. */
  ready: boolean
  /** Its pod is being deleted. */
  terminating: boolean
}

export interface DiscoveredService {
  /** `name.namespace`, in the home namespace the plain name. */
  name: string
  namespace: string
  isResilient: boolean
  isDaemon: boolean
  /** null: no workload stands behind it; undefined: workloads could not be listed. */
  desired: number | null | undefined
  /** Its workloads want no pods, and still have some. */
  scalingDown: boolean
  businessImpact: string | undefined
  panicGuide: string | undefined
  targets: DiscoveredTarget[]
}

export interface Found {
  services: DiscoveredService[]
  warnings: Warning[]
  /** Names of services of which addresses were left out, or all of which were. */
  cut: Set<string>
}

/** What is wrong with asking an address of a slice, as the end of a sentence; null: nothing. */
export type Refuse = (address: string, namesPod: boolean) => string | null

export interface JoinOptions {
  homeNamespace: string
  refuse: Refuse
  /** Namespaces of which not all EndpointSlices, or not all workloads, were kept. */
  cutSlices: ReadonlySet<string>
  cutWorkloads: ReadonlySet<string>
}

/** `workloads` null: they could not be listed. */
export function joinTargets(
  from: { services: KubeService[]; slices: KubeSlice[]; workloads: Workload[] | null },
  { homeNamespace, refuse, cutSlices, cutWorkloads }: JoinOptions,
): Found {
  const warnings: Warning[] = []
  const cut = new Set<string>()
  const slicesOf = Map.groupBy(from.slices, ({ metadata }) =>
    keyOf(metadata.namespace, metadata.labels?.[SERVICE_NAME_LABEL] ?? ''),
  )
  const workloadsOf =
    from.workloads && Map.groupBy(from.workloads, (workload) => workload.namespace)
  const services = from.services.flatMap((service) => {
    const { name, namespace, labels } = service.metadata
    const fullName = namespace === homeNamespace ? name : `${name}.${namespace}`
    const told = new Set<string>()
    const warn: Warn = (message) => {
      // Each of its slices may have the same to say, and a thousand of them much that differs.
      if (told.has(message) || told.size >= WARNINGS_OF_SERVICE_MAX) return
      told.add(message)
      warnings.push({ subject: `Service ${fullName}`, message: cutText(message, TEXT_MAX_BYTES) })
    }
    const slices = slicesOf.get(keyOf(namespace, name)) ?? []
    const unsupported = findUnsupported(service, slices)
    if (unsupported !== null) {
      warn(`${unsupported}: unsupported, never probed`)
      return []
    }
    const { targets, isRefused } = findTargets(service, slices, { warn, refuse })
    const isCut = cutSlices.has(namespace)
    if (isRefused || isCut || cutWorkloads.has(namespace)) cut.add(fullName)
    if (targets.length === 0 && (isRefused || isCut)) {
      const why = isRefused ? 'no address that may be asked' : 'no EndpointSlice that was kept'
      warn(`${why}: unsupported, never probed`)
      return []
    }
    return {
      name: fullName,
      namespace,
      isResilient: readBoolean(labels, { key: 'isResilient', fallback: true, warn }),
      isDaemon: readBoolean(labels, { key: 'isDaemon', fallback: false, warn }),
      ...readWorkloads(service, workloadsOf && (workloadsOf.get(namespace) ?? []), {
        isCut: cutWorkloads.has(namespace),
      }),
      ...readTexts(service),
      targets,
    }
  })
  const bounded = shareTargets(services)
  return {
    services: bounded.services,
    warnings: [...bounded.warnings, ...warnings],
    cut: new Set([...cut, ...bounded.cut]),
  }
}

/** Of one service; more have the same cause. */
const WARNINGS_OF_SERVICE_MAX = 10

function findUnsupported(service: KubeService, slices: KubeSlice[]): string | null {
  if (service.spec.type === 'ExternalName') return 'type ExternalName has no addresses'
  if (hasSelector(service)) return null
  if (slices.length === 0) return 'no selector and no EndpointSlices'
  return slices.every(isOfNames) ? 'only EndpointSlices of type FQDN' : null
}

/** `null` is one that is too long to be kept. */
export function hasSelector({ spec: { selector } }: KubeService): boolean {
  return selector === null || Object.keys(selector).length > 0
}

function findTargets(
  service: KubeService,
  slices: KubeSlice[],
  { warn, refuse }: { warn: Warn; refuse: Refuse },
): { targets: DiscoveredTarget[]; isRefused: boolean } {
  const settings = readSettings(service, warn)
  const family = service.spec.ipFamilies?.[0] ?? 'IPv4'
  if (slices.some(isOfNames)) {
    warn('an EndpointSlice of type FQDN: unsupported, left out')
  }
  // The service's first family last, so that it wins where a pod has both.
  const ordered = slices
    .filter((slice) => !isOfNames(slice))
    .toSorted((a, b) => Number(a.addressType === family) - Number(b.addressType === family))
  const byPod = new Map<string, DiscoveredTarget>()
  let isRefused = false
  for (const slice of ordered) {
    const port = choosePort(slice, settings.port, warn)
    for (const endpoint of slice.endpoints ?? []) {
      const [address] = endpoint.addresses
      if (address === undefined) continue
      const pod = podOf(endpoint, service.metadata.namespace)
      const refused = refuse(address, pod !== null)
      if (refused !== null) {
        warn(
          `EndpointSlice ${slice.metadata.name} has ${quote(address)}, ${refused}: it is never asked`,
        )
        isRefused = true
        continue
      }
      byPod.set(pod?.key ?? address, {
        id: pod?.name ?? address,
        uid: pod?.uid ?? null,
        namespace: service.metadata.namespace,
        pod: pod?.name ?? null,
        node: endpoint.nodeName ?? null,
        ready: isReady(endpoint),
        terminating: endpoint.conditions?.terminating === true,
        scheme: settings.scheme,
        address,
        port,
        path: settings.path,
      })
    }
  }
  const targets = leaveOutLeaving([...byPod.values()])
  return { targets: targets.toSorted((a, b) => (a.id < b.id ? -1 : 1)), isRefused }
}

/**
 * With `publishNotReadyAddresses` an endpoint is `ready` whatever its pod is, and a terminating one never is: `serving`
 * tells the pod's own readiness in both cases. nil means true, says the API.
 */
function isReady({ conditions }: Endpoint): boolean {
  return (conditions?.serving ?? conditions?.ready) !== false
}

/**
 * A terminating pod gets no new traffic, unless no other is ready: then kube-proxy goes on sending it to those that still
 * serve (KEP-1669), so they are the service.
 */
function leaveOutLeaving(targets: DiscoveredTarget[]): DiscoveredTarget[] {
  const isServed = targets.some(({ ready, terminating }) => ready && !terminating)
  return targets.filter(({ ready, terminating }) => !terminating || (ready && !isServed))
}

/** Whoever writes a slice by hand may refer to anything, under any name. */
function podOf(
  { targetRef }: Endpoint,
  ownNamespace: string,
): { name: string; uid: string | null; key: string } | null {
  const name = targetRef?.name ?? ''
  if (targetRef?.kind !== 'Pod' || name.length > SUBDOMAIN_MAX_LENGTH) return null
  if ((targetRef.namespace ?? ownNamespace) !== ownNamespace) return null
  if (!/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(name)) return null
  return { name, uid: targetRef.uid ?? null, key: targetRef.uid ?? name }
}

type Endpoint = NonNullable<KubeSlice['endpoints']>[number]

function isOfNames({ addressType }: KubeSlice): boolean {
  return addressType === 'FQDN'
}

/** The workloads whose pods the Service selects: several behind one Service are a canary, so they add up. null: not listed. */
function readWorkloads(
  service: KubeService,
  workloads: Workload[] | null,
  { isCut }: { isCut: boolean },
): Pick<DiscoveredService, 'desired' | 'scalingDown'> {
  const { selector: labels } = service.spec
  const isUnknown = isCut || workloads?.some(({ podLabels }) => podLabels === null) === true
  if (workloads === null || labels === null || isUnknown) {
    return { desired: undefined, scalingDown: false }
  }
  const selector = Object.entries(labels)
  const matching = workloads.filter(
    ({ podLabels }) =>
      selector.length > 0 && selector.every(([key, value]) => podLabels?.[key] === value),
  )
  if (matching.length === 0) return { desired: null, scalingDown: false }
  const desired = matching.reduce((sum, workload) => sum + workload.desired, 0)
  return { desired, scalingDown: desired === 0 && matching.some(({ hasPods }) => hasPods) }
}

function readTexts({ metadata: { annotations } }: KubeService) {
  const read = (key: string) => {
    const text = readText(annotations, `${ANNOTATION}${key}`)
    return text === undefined ? undefined : cutText(text, TEXT_MAX_BYTES)
  }
  return { businessImpact: read('business-impact'), panicGuide: read('panic-guide') }
}

function keyOf(namespace: string, name: string): string {
  return `${namespace}/${name}`
}
