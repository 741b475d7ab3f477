/**
 * The last that is shed of a report, where names alone are too much for the wire: services, names in categories and acks. Each
 * namespace and each category keeps its share, and what fails stays before what doesn't. Nothing of it goes in silence: the
 * categories that would hold it are told as incomplete. Pure.
 */
import {
  DEFAULT_CATEGORY,
  type Category,
  type Content,
  type Report,
  type Service,
} from '../../worker/contract/report.ts'
import { findLevel } from '../discovery/share-out.ts'

/** `share`: of all that there is, from 1 (everything) to 0 (nothing). */
export function shareReport<T extends Report>(report: T, share: number): T {
  const names = keepFairly(Object.entries(report.streaks), share, ([name]) => name)
  const shared = { ...report, streaks: Object.fromEntries(names) }
  if (shared.kind !== 'snapshot') return shared
  return { ...shared, content: shareContent(shared.content, share) }
}

function shareContent(content: Content, share: number): Content {
  const failingFirst = content.services?.toSorted((a, b) => Number(fails(b)) - Number(fails(a)))
  const services = failingFirst && keepFairly(failingFirst, share, ({ name }) => name)
  const kept = new Set(services?.map(({ name }) => name))
  const gone = new Set(content.services?.map(({ name }) => name).filter((name) => !kept.has(name)))
  const acks = content.acks?.slice(0, countOf(content.acks, share))
  const all = content.categories ?? []
  const categories = cutNames(all.slice(0, countOf(all, share)), { share, gone })
  const hasLostAcks = acks !== undefined && acks.length < (content.acks?.length ?? 0)
  const isAnyGone = gone.size > 0 || hasLostAcks || categories.length < all.length
  const incomplete = new Set([
    ...categories.filter(({ isCut }) => isCut || hasLostAcks).map(({ category }) => category.name),
    ...(isAnyGone ? [DEFAULT_CATEGORY] : []),
    ...(content.incomplete ?? []),
  ])
  const isTold = new Set([DEFAULT_CATEGORY, ...categories.map(({ category }) => category.name)])
  return {
    ...content,
    services: services ?? null,
    acks: acks ?? null,
    categories: content.categories && categories.map(({ category }) => category),
    incomplete: [...incomplete].filter((name) => isTold.has(name)),
  }
}

/** Those that name the most are cut first; the name of a service that is gone goes with it. */
function cutNames(
  categories: Category[],
  { share, gone }: { share: number; gone: ReadonlySet<string> },
): { category: Category; isCut: boolean }[] {
  const left = categories.map(({ services }) => services.filter((name) => !gone.has(name)))
  const counts = left.map(({ length }) => length)
  const most = Math.floor(counts.reduce((sum, count) => sum + count, 0) * share)
  const level = findLevel(counts, most)
  return categories.map((category, i) => {
    const services = (left[i] ?? []).slice(0, level)
    return {
      category: { ...category, services },
      isCut: services.length < category.services.length,
    }
  })
}

function fails({ targets }: Service): boolean {
  return targets !== null && (targets.length === 0 || targets.some(({ ok }) => !ok))
}

function countOf(all: readonly unknown[], share: number): number {
  return Math.floor(all.length * share)
}

/** Of each namespace the first ones; the namespaces with the most are cut first. */
function keepFairly<T>(all: T[], share: number, nameOf: (one: T) => string): T[] {
  const groups = Map.groupBy(all, (one) => nameOf(one).split('.', 2)[1] ?? '')
  const counts = [...groups.values()].map(({ length }) => length)
  const level = findLevel(counts, countOf(all, share))
  return [...groups.values()].flatMap((group) => group.slice(0, level))
}
