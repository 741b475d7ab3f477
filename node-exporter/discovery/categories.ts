/** ConfigMaps into categories and acks. A malformed value takes the default and is told, never dropped with its category. */
import {
  DEFAULT_CATEGORY,
  type Category,
  type Content,
  type Warning,
} from '../../worker/contract/report.ts'
import { NAME_MAX_LENGTH, TEXT_MAX_BYTES } from '../../worker/contract/limits.ts'
import { cutText } from '../../worker/contract/cut-text.ts'
import type { KubeConfigMap } from './kube-objects.ts'
import { findBoolean, readBoolean, readNumber, readText, readWord, type Warn } from './labels.ts'

export interface Categories {
  categories: Category[]
  warnings: Warning[]
}

/** In the order of the ConfigMaps' names; of two with one name the first counts. */
export function readCategories(configMaps: KubeConfigMap[]): Categories {
  const warnings: Warning[] = []
  const byName = new Map<string, Category>()
  for (const { metadata, data } of configMaps) {
    const warn: Warn = (message) => {
      warnings.push({ subject: `ConfigMap ${metadata.name}`, message })
    }
    const category = readCategory(data ?? {}, warn)
    if (category === null) continue
    if (byName.has(category.name)) warn(`category ${category.name} exists already: left out`)
    else byName.set(category.name, category)
  }
  return { categories: [...byName.values()], warnings }
}

function readCategory(data: Record<string, string>, warn: Warn): Category | null {
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
    name,
    services:
      name === DEFAULT_CATEGORY ? [] : splitServices(readText(data, 'category.services') ?? ''),
    ...(refreshSeconds === undefined ? {} : { refreshSeconds }),
    isSticky: readBoolean(data, { key: 'category.issticky', fallback: false, warn }),
    ...(enabled === undefined ? {} : { enabled }),
    failureThreshold: failureThreshold ?? 3,
    onMissing: readWord(data, { key: 'category.onMissing', words: ['degrade', 'fail'], warn }),
  }
}

function splitServices(text: string): string[] {
  const names = text.split(',').map((name) => name.replaceAll(/\s/g, ''))
  return [...new Set(names.filter((name) => name !== '' && name.length <= NAME_MAX_LENGTH))]
}

/** Each key is a service, each value the message. */
export function readAcks(configMaps: KubeConfigMap[]): NonNullable<Content['acks']> {
  const all = configMaps.flatMap(({ data }) =>
    Object.keys(data ?? {}).map((service) => [service, readText(data, service) ?? ''] as const),
  )
  return [...new Map(all)].map(([service, message]) => ({
    service,
    message: cutText(message, TEXT_MAX_BYTES),
  }))
}
