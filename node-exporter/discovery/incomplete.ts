/** Which categories would hold what was left out: they are told of as incomplete, so that none is good by half. Pure. */
import { DEFAULT_CATEGORY, type Category, type Warning } from '../../worker/contract/report.ts'

export interface LeftOut {
  /** Namespaces of which not all labelled Services were kept. */
  namespaces: ReadonlySet<string>
  /** Names of services that are known in part, or of which no address may be asked. */
  services: ReadonlySet<string>
  /** Names of categories that hold more names than were kept. */
  categories: ReadonlySet<string>
  /** Whole categories were left out. */
  hasLostCategories: boolean
  /** Acks were left out: of whom is not known. */
  hasLostAcks: boolean
}

export interface Marked {
  categories: Category[] | null
  incomplete: string[]
  warnings: Warning[]
}

/**
 * `known`: names of the services that were kept. A name that may be one of those left out is taken out of its category: that
 * it is missing is not known, so nothing may be concluded from it.
 */
export function markIncomplete(
  categories: Category[] | null,
  { known, homeNamespace, leftOut }: { known: string[]; homeNamespace: string; leftOut: LeftOut },
): Marked {
  const isKnown = new Set(known)
  const isUnknown = (name: string) =>
    leftOut.namespaces.has(namespaceOf(name) ?? homeNamespace) && !isKnown.has(name)
  const warnings: Warning[] = []
  const incomplete = new Set<string>()
  const marked = categories?.map((category) => {
    const unknown = category.services.filter(isUnknown)
    if (unknown.length > 0) warnings.push(tellUnknown(category.name, unknown))
    const isPart =
      unknown.length > 0 ||
      leftOut.hasLostAcks ||
      leftOut.categories.has(category.name) ||
      category.services.some((name) => leftOut.services.has(name))
    if (isPart) incomplete.add(category.name)
    if (unknown.length === 0) return category
    return { ...category, services: category.services.filter((name) => !isUnknown(name)) }
  })
  if (isAnyLeftOut(leftOut)) incomplete.add(DEFAULT_CATEGORY)
  return { categories: marked ?? null, incomplete: [...incomplete].toSorted(), warnings }
}

function isAnyLeftOut(leftOut: LeftOut): boolean {
  const { namespaces, services, hasLostCategories, hasLostAcks } = leftOut
  return namespaces.size + services.size > 0 || hasLostCategories || hasLostAcks
}

/** null: the home namespace's. A Service's own name has no dot. */
function namespaceOf(name: string): string | null {
  const dot = name.indexOf('.')
  return dot === -1 ? null : name.slice(dot + 1)
}

const NAMES_MAX = 3

function tellUnknown(category: string, names: string[]): Warning {
  const more = names.length > NAMES_MAX ? ` and ${names.length - NAMES_MAX} more` : ''
  const message = `may hold services that were left out: ${names.slice(0, NAMES_MAX).join(', ')}${more}`
  return { subject: `category ${category}`, message }
}
