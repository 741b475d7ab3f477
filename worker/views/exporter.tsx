/** What the exporter says of itself: who watches, and whether it sees. */
import type { ComponentStatus, ExporterInfo } from '../contract/report.ts'
import { Chip, type Tone } from './chip.tsx'
import { Age } from './time.tsx'

const TONES: Record<ComponentStatus, Tone> = {
  unspecified: 'unknown',
  healthy: 'ok',
  degraded: 'warning',
  unhealthy: 'critical',
}

interface ExporterProps {
  exporter: ExporterInfo | null
  nowMs: number
  isPast: boolean
}

export function Exporter({ exporter, nowMs, isPast }: ExporterProps) {
  if (exporter === null) return <></>
  const { type, version, commit, startedAt, status, components } = exporter
  return (
    <section class="panel" aria-labelledby="exporter">
      <h2 id="exporter">Exporter</h2>
      <p class="standing">
        <Chip tone={TONES[status]} word={status} isPast={isPast} />
        <span class="quiet">
          {type} {version} {commit.slice(0, 12)}
        </span>
        <span class="quiet">
          started <Age atMs={startedAt} nowMs={nowMs} />
        </span>
      </p>
      <ul class="plain-list">
        {Object.entries(components).map(([name, component]) => (
          <li>
            <Chip tone={TONES[component.status]} word={component.status} isPast={isPast} />{' '}
            <span class="name">{name}</span>
            {component.message !== undefined && component.message !== '' && (
              <small class="text">{component.message}</small>
            )}
          </li>
        ))}
      </ul>
    </section>
  )
}
