/** Builders of what pages are given, and every page by its name. */
import type { Target } from '../../../../worker/contract/report.ts'
import type {
  CategoryStatus,
  ClusterStatus,
  HistoryEvent,
  ServiceStatus,
} from '../../../../worker/domain/status.ts'
import { AckFormPage } from '../../../../worker/views/ack-form.tsx'
import { CategoriesPage } from '../../../../worker/views/categories.tsx'
import { HealthPage } from '../../../../worker/views/health.tsx'
import { HistoryPage } from '../../../../worker/views/history.tsx'
import type { Frame } from '../../../../worker/views/layout.tsx'
import { NodePage } from '../../../../worker/views/node.tsx'
import { NodesPage } from '../../../../worker/views/nodes.tsx'
import { OverviewPage } from '../../../../worker/views/overview.tsx'
import { PodPage } from '../../../../worker/views/pod.tsx'
import { PodsPage } from '../../../../worker/views/pods.tsx'
import { ProblemPage } from '../../../../worker/views/problem.tsx'
import { SignInPage } from '../../../../worker/views/sign-in.tsx'
import { aFailingTarget } from '../../../support/a-report.ts'
import {
  aCategoryStatus as aCategory,
  aClusterStatus,
  aNodeCheckStatus,
  aNodesStatus,
  aNodeStatus,
  aServiceStatus as aService,
} from '../../../support/a-status.ts'

export const NOW = 1_700_000_000_000

/** Everything that HTML, an attribute or a URL could trip over, and half of a surrogate pair. */
export const EVIL = `<script>alert("x")</script>'&"\n\ud800`

/** As it stands in a URL, in an attribute. */
export const EVIL_IN_URL = encodeURIComponent(EVIL.toWellFormed()).replaceAll("'", '&#39;')

export function aFrame(given: Partial<Frame> = {}): Frame {
  const viewer = { name: 'alice', canOperate: true }
  return { nowMs: NOW, base: '/clusters/demo', viewer, canSignIn: true, refreshed: null, ...given }
}

export function aServiceStatus(given: Partial<ServiceStatus> = {}): ServiceStatus {
  return aService({ checkedAtMs: NOW - 5_000, sinceMs: NOW - 60_000, ...given })
}

export function aFailingService(given: Partial<ServiceStatus> = {}): ServiceStatus {
  return aServiceStatus({ ok: false, severity: 1, word: 'critical', ...given })
}

export function aCategoryStatus(given: Partial<CategoryStatus> = {}): CategoryStatus {
  return aCategory({ name: 'read', sinceMs: NOW - 60_000, ...given })
}

export function aStatus(given: Partial<ClusterStatus> = {}): ClusterStatus {
  return aClusterStatus({
    freshAtMs: NOW - 5_000,
    services: [aServiceStatus()],
    categories: [aCategoryStatus()],
    ...given,
  })
}

export function anEvent(given: Partial<HistoryEvent> = {}): HistoryEvent {
  return {
    atMs: NOW,
    subject: 'service',
    name: 'web',
    from: 'ok',
    to: 'failing',
    cause: 'report',
    actor: null,
    note: '',
    ...given,
  }
}

/** What the route would send. */
export async function render(page: ReturnType<typeof HealthPage>): Promise<string> {
  return String(await page)
}

/** Every page, full of one name: of cluster, service, category, pod, person, and in every text. */
export function allPages(
  name: string,
  frame = aFrame(),
): [string, ReturnType<typeof HealthPage>][] {
  const given = {
    by: name,
    atMs: NOW,
    expiresAtMs: NOW,
    until: 'change' as const,
    isRestored: true,
  }
  const check = {
    id: `${name}!`,
    name,
    checkOutput: name,
    technicalSummary: name,
    panicGuide: name,
  }
  const target: Target = aFailingTarget(check, { id: name, node: name, reason: name })
  const ack = { message: name, given }
  const texts = { output: name, businessImpact: name, panicGuide: name }
  const service = aFailingService({ name, ack, targets: [target], ...texts })
  const override = {
    isEnabled: false,
    cause: 'hand' as const,
    by: name,
    why: name,
    atMs: NOW,
    isRestored: true,
  }
  const lists = { services: [name], failing: [name], missing: [`${name}?`], counts: { [name]: 2 } }
  const category = aCategoryStatus({ name, isSticky: true, override, ...lists })
  const told = { name, reason: name, warning: name }
  const node = aNodeStatus({
    name,
    isSchedulable: false,
    answered: false,
    checks: [aNodeCheckStatus({ ...told, passed: false })],
  })
  const status = aStatus({
    environment: name,
    services: [service, aFailingService({ ...texts, name: `${name}2` })],
    categories: [category, aCategoryStatus({ ...category, name: `${name}2`, reason: 'disabled' })],
    nodes: aNodesStatus([node]),
    warnings: [{ subject: name, message: name }],
  })
  const page = { frame, title: name, status }
  const seen = { environment: name, word: status.word, freshness: status.freshness, freshAtMs: NOW }
  const counts = { failing: 1, acked: 1, disabled: 1 }
  const event = anEvent({ name, from: name, to: name, note: name })
  const values = { message: name, expiresIn: name, until: name }
  return [
    [
      'overview',
      OverviewPage({ frame, rows: [{ id: name, title: name, seen: { ...seen, ...counts } }] }),
    ],
    ['health', HealthPage({ ...page, categories: [name] })],
    ['pods', PodsPage({ ...page, service })],
    [
      'pod',
      PodPage({
        ...page,
        service,
        target,
        live: { ok: true, status: 200, contentType: name, body: name },
      }),
    ],
    ['nodes', NodesPage(page)],
    ['node', NodePage({ ...page, node })],
    ['ack form', AckFormPage({ ...page, service, values, errors: values })],
    ['categories', CategoriesPage(page)],
    [
      'history',
      HistoryPage({
        ...page,
        events: [event, { ...event, actor: { by: name, address: name } }],
        about: { kind: 'service', name },
      }),
    ],
    ['sign-in', SignInPage({ frame, next: name, error: name })],
    ['problem', ProblemPage({ frame, status: 401, message: name, path: name, cluster: null })],
  ]
}
