/** Why a category is off or on, apart from what its ConfigMap says. */
import type { OverrideStatus } from '../domain/status.ts'
import { Age, Moment } from './time.tsx'

export function Override({ override, nowMs }: { override: OverrideStatus; nowMs: number }) {
  const { why, atMs, isRestored } = override
  return (
    <div class="override">
      <p>
        {sayCause(override)} <Age atMs={atMs} nowMs={nowMs} /> (<Moment atMs={atMs} />)
        {isRestored && ', restored from the copy'}.
      </p>
      {why !== '' && <q class="text">{why}</q>}
      {override.cause === 'trip' && !override.isEnabled && (
        <p>It stays disabled until somebody enables it.</p>
      )}
    </div>
  )
}

function sayCause({ isEnabled, cause, by }: OverrideStatus): string {
  if (cause === 'trip') return isEnabled ? 'Enabled after a trip' : 'Tripped'
  return `${isEnabled ? 'Enabled' : 'Disabled'} by hand${by === null ? '' : ` by ${by}`},`
}
