/**
 * The digest of a snapshot's content: exactly what verdicts read. What it leaves out is part of the contract:
 * times (but for since when a service is overdue), texts (but for honoured acks, whose change counts), names of pods, and warnings.
 * A change of those alone is carried by a later snapshot and turns nothing.
 */
import type { Content, Service } from './report.ts'

/** 128 bits of SHA-256 in base64url, 22 characters. Opaque to the edge: it only ever compares two of them. */
export async function digestContent(content: Content): Promise<string> {
  const bytes = new TextEncoder().encode(JSON.stringify(projectContent(content)))
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return btoa(String.fromCharCode(...hash.subarray(0, 16)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '')
}

function projectContent(content: Content): unknown {
  return {
    environment: content.environment,
    categories: sorted(
      content.categories?.map((category) => [
        category.name,
        category.services.toSorted(),
        category.isSticky,
        category.enabled ?? null,
        category.failureThreshold,
        category.onMissing,
      ]),
    ),
    services: sorted(content.services?.map(projectService)),
    nodes: sorted(
      content.nodes?.map((node) => [
        node.name, // each can be asked for by its name
        node.schedulable,
        node.ready,
        node.answered,
        sorted(node.checks.map((check) => [check.name, check.passed])),
      ]),
    ),
    acks: sorted(content.acks?.map((ack) => [ack.service, ack.message])),
    ...(isWhole(content) ? {} : { incomplete: content.incomplete?.toSorted() }),
  }
}

/** An exporter that leaves nothing out has the digest that it had before there was the field. */
function isWhole({ incomplete }: Content): boolean {
  return incomplete === undefined || incomplete.length === 0
}

function projectService(service: Service): unknown {
  return [
    service.name,
    service.isResilient,
    service.isDaemon,
    service.desired === undefined ? 'not listed' : service.desired,
    service.starting === true,
    service.scalingDown === true,
    ...(service.overdueSince === undefined ? [] : [service.overdueSince]),
    sorted(
      service.targets?.map((target) => [
        target.ok,
        target.answered,
        target.starting === true,
        target.terminating === true,
        sorted(target.checks.filter((check) => !check.ok).map((c) => [c.id, c.severity ?? null])),
      ]),
    ),
  ]
}

/** In one order whatever order they came in; null stays null, for "could not be read" is not "none". */
function sorted(rows: unknown[] | undefined): string[] | null {
  return rows?.map((row) => JSON.stringify(row)).toSorted() ?? null
}
