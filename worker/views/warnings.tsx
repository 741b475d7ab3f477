/** What the exporter found malformed, and what it did instead. Folded away: none of it bears on the verdict. */
import type { Warning } from '../contract/report.ts'
import { countNoun } from './count-noun.ts'

export function Warnings({ warnings }: { warnings: Warning[] }) {
  if (warnings.length === 0) return <></>
  return (
    <details id="warnings" class="panel">
      <summary>{countNoun(warnings.length, 'warning')} in the last report</summary>
      <dl>
        {warnings.map(({ subject, message }) => (
          <div>
            <dt>{subject}</dt>
            <dd class="text">{message}</dd>
          </div>
        ))}
      </dl>
    </details>
  )
}
