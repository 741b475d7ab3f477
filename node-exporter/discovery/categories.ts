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
import { isBoolean, readBoolean, readNumber, type Warn } from './labels.ts'

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
  const name = data['category.name']?.trim() ?? ''
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
  const isSaid = isBoolean(data['category.enabled'])
  const enabled = readBoolean(data, { key: 'category.enabled', fallback: true, warn })
  return {
    name,
    services: name === DEFAULT_CATEGORY ? [] : splitServices(data['category.services'] ?? ''),
    ...(refreshSeconds === undefined ? {} : { refreshSeconds }),
    isSticky: readBoolean(data, { key: 'category.issticky', fallback: false, warn }),
    ...(isSaid ? { enabled } : {}),
    failureThreshold: failureThreshold ?? 3,
    onMissing: readOnMissing(data['category.onMissing'], warn),
  }
}

function splitServices(text: string): string[] {
  const names = text.split(',').map((name) => name.replaceAll(/\s/g, ''))
  return [...new Set(names.filter((name) => name !== '' && name.length <= NAME_MAX_LENGTH))]
}

function readOnMissing(text: string | undefined, warn: Warn): Category['onMissing'] {
  if (text === undefined || text === 'degrade' || text === 'fail') return text ?? 'degrade'
  warn(`category.onMissing is "${text}", not degrade or fail: taken as degrade`)
  return 'degrade'
}

/** Each key is a service, each value the message. */
export function readAcks(configMaps: KubeConfigMap[]): NonNullable<Content['acks']> {
  const all = configMaps.flatMap(({ data }) => Object.entries(data ?? {}))
  return [...new Map(all)].map(([service, message]) => ({
    service,
    message: cutText(message, TEXT_MAX_BYTES),
  }))
}
