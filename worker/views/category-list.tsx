/** The categories as a compact list with their verdicts; each leads to the services that it names. */
import type { CategoryStatus } from '../domain/status.ts'
import { Chip, type Tone } from './chip.tsx'
import type { Links } from './links.ts'

const TONES: Record<CategoryStatus['reason'], Tone> = {
  healthy: 'ok',
  unhealthy: 'warning',
  disabled: 'off',
  empty: 'unknown',
}

interface CategoryListProps {
  categories: CategoryStatus[]
  /** Names of those that the page is about; none: all. */
  asked: string[]
  links: Links
  isPast: boolean
}

export function CategoryList({ categories, asked, links, isPast }: CategoryListProps) {
  if (categories.length === 0) return <></>
  return (
    <nav class="categories" aria-label="Categories">
      <ul>
        {asked.length > 0 && (
          <li>
            <a href={links.health()}>All services</a>
          </li>
        )}
        {categories.map((category) => (
          <li>
            <a
              href={links.health([category.name])}
              aria-current={asked.includes(category.name) ? 'true' : undefined}
            >
              {category.name} <CategoryChip category={category} isPast={isPast} />
            </a>
          </li>
        ))}
      </ul>
    </nav>
  )
}

export function CategoryChip({ category, isPast }: { category: CategoryStatus; isPast: boolean }) {
  const { reason, severity, acked, late, override, isChecked, isIncomplete } = category
  const isTripped = reason === 'disabled' && override?.cause === 'trip'
  const tone = severity === 1 && reason === 'unhealthy' ? 'critical' : TONES[reason]
  const word = isTripped ? 'tripped' : tone === 'critical' ? 'critical' : reason
  if (reason === 'healthy' && !isChecked) {
    return <Chip tone="unknown" word="nothing counts yet" isPast={isPast} />
  }
  const parts = [
    ...(acked.length > 0 ? [`${acked.length} acked`] : []),
    ...(late.length > 0 ? [`${late.length} late`] : []),
  ]
  const notes = [
    ...(reason === 'healthy' ? parts : []),
    ...(isIncomplete === true ? ['incomplete'] : []),
  ]
  return <Chip tone={tone} word={[word, ...notes].join(', ')} isPast={isPast} />
}
