/** ConfigMaps into categories and acks. A malformed value takes the default and is told, never dropped with its category. */
import {
  DEFAULT_CATEGORY,
  type Category,
  type Content,
  type Warning,
} from '../../worker/contract/report.ts'
import {
  ACKS_MAX,
  CATEGORY_SERVICES_MAX,
  NAME_MAX_LENGTH,
  TEXT_MAX_BYTES,
} from '../../worker/contract/limits.ts'
import { cutText } from '../../worker/contract/cut-text.ts'
import { copyText } from './keep-text.ts'
import type { KubeConfigMap } from './kube-objects.ts'
import { findBoolean, readBoolean, readNumber, readText, readWord, type Warn } from './labels.ts'

/** What is kept of a category's ConfigMap, which may have a megabyte. */
export interface KnownCategory {
  configMap: string
  /** null: it is malformed, and left out. */
  category: Category | null
  warnings: string[]
  /** It names more services than are kept. */
  isCut: boolean
}

export interface KnownAcks {
  acks: NonNullable<Content['acks']>
  /** It has more than are kept. */
  isCut: boolean
}

export interface Categories {
  categories: Category[]
  warnings: Warning[]
  /** Names of those that hold more services than are kept. */
  cut: string[]
}

export function readCategory({ metadata, data }: KubeConfigMap): KnownCategory {
  const warnings: string[] = []
  const warn: Warn = (message) => {
    warnings.push(message)
  }
  const values = data ?? {}
  const rules = readRules(values, warn)
  const named = rules && rules.name !== DEFAULT_CATEGORY ? values : {}
  const { names, isCut } = splitServices(readText(named, 'category.services') ?? '')
  const category = rules && { ...rules, services: names }
  return { configMap: metadata.name, category, warnings, isCut }
}

/** In the order of the ConfigMaps' names; of two with one name the first counts. */
export function joinCategories(all: KnownCategory[]): Categories {
  const warnings: Warning[] = []
  const byName = new Map<string, Category>()
  const cut = new Set<string>()
  for (const { configMap, category, warnings: own, isCut } of all) {
    const warn: Warn = (message) => {
      warnings.push({ subject: `ConfigMap ${configMap}`, message })
    }
    own.forEach(warn)
    if (category === null) continue
    const { name, services } = category
    if (byName.has(name)) warn(`category ${name} exists already: left out`)
    else byName.set(name, category)
    if (!isCut) continue
    warn(`names too many services: all but the first ${services.length} are left out`)
    cut.add(name)
  }
  return { categories: [...byName.values()], warnings, cut: [...cut] }
}

function readRules(data: Record<string, string>, warn: Warn): Omit<Category, 'services'> | null {
  const name = readText(data, 'category.name') ?? ''
  if (name === '' || name.length > NAME_MAX_LENGTH || name.includes(',')) {
    warn('category.name is missing or malformed: left out')
    return null
  }
  const refreshSeconds = readNumber(data, { key: 'category.refreshrate', isWhole: false, warn })
  const failureThreshold = readNumber(data, {
    key: 'category.failureThreshold',
    isWhole: true,
    warn,
  })
  // Not the same as true: a ConfigMap that doesn't say, or mistypes it, must never end an override.
  const enabled = findBoolean(data, { key: 'category.enabled', fallback: true, warn })
  return {
    name: copyText(name),
    ...(refreshSeconds === undefined ? {} : { refreshSeconds }),
    isSticky: readBoolean(data, { key: 'category.issticky', fallback: false, warn }),
    ...(enabled === undefined ? {} : { enabled }),
    failureThreshold: failureThreshold ?? 3,
    onMissing: readWord(data, { key: 'category.onMissing', words: ['degrade', 'fail'], warn }),
  }
}

/** Piece by piece: a list of all the names in a megabyte would need ten. */
function splitServices(text: string): { names: string[]; isCut: boolean } {
  const names = new Set<string>()
  for (const [piece] of text.matchAll(/[^,]+/g)) {
    const name = piece.length > NAME_SPELLED_MAX ? '' : piece.replaceAll(/\s/g, '')
    if (name === '' || name.length > NAME_MAX_LENGTH || names.has(name)) continue
    if (names.size === CATEGORY_SERVICES_MAX) return { names: [...names], isCut: true }
    names.add(copyText(name))
  }
  return { names: [...names], isCut: false }
}

/** Characters of a name with the white space around it; longer ones are none. */
const NAME_SPELLED_MAX = 64 * 1024

/** Each key is a service, each value the message. */
export function readAcks({ data }: KubeConfigMap): KnownAcks {
  const services = Object.keys(data ?? {}).filter((key) => key.length <= NAME_MAX_LENGTH)
  const acks = services.slice(0, ACKS_MAX).map((service) => ({
    service: copyText(service),
    message: copyText(cutText(readText(data, service) ?? '', TEXT_MAX_BYTES)),
  }))
  return { acks, isCut: services.length > ACKS_MAX }
}

/** In the order of the ConfigMaps' names; of two acks of one service the last counts. */
export function joinAcks(all: KnownAcks[]): NonNullable<Content['acks']> {
  const byService = new Map(all.flatMap(({ acks }) => acks).map((ack) => [ack.service, ack]))
  return [...byService.values()]
}
