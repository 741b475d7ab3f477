/** An operator's hold: that there is one, and the form that gives or ends it. */
import type { ClusterStatus } from '../domain/status.ts'
import type { Frame } from './layout.tsx'
import { linksOf } from './links.ts'
import { Age, Moment } from './time.tsx'

interface HoldProps {
  status: ClusterStatus
  frame: Frame
}

/** Nothing, where nobody holds the verdict. */
export function HoldNote({ status: { hold }, frame }: HoldProps) {
  if (hold === null) return <></>
  return (
    <div class="override">
      <p>
        {hold.by === '' ? 'By hand, the last verdict is held' : `${hold.by} holds the last verdict`}{' '}
        until <Moment atMs={hold.untilMs} />, since <Age atMs={hold.atMs} nowMs={frame.nowMs} />
        {hold.isRestored && ', restored from the copy'}.
      </p>
      {hold.why !== '' && <q class="text">{hold.why}</q>}
    </div>
  )
}

export function HoldForm({ status, frame }: HoldProps) {
  if (frame.viewer?.canOperate !== true) return <></>
  const action = linksOf(frame.base).hold
  if (status.hold !== null) {
    return (
      <form class="actions" method="post" action={action}>
        <input type="hidden" name="for" value="0" />
        <button>End the hold</button>
      </form>
    )
  }
  return (
    <details id="hold">
      <summary>Hold the last verdict…</summary>
      <form class="fields" method="post" action={action}>
        <p>
          If this cluster falls silent, its last verdict stands for so long. What people decide goes
          on applying.
        </p>
        <div class="field">
          <label for="hold-for">For</label>
          <input
            id="hold-for"
            name="for"
            required
            autocomplete="off"
            placeholder="30m, 4h, up to 24h"
          />
        </div>
        <div class="field">
          <label for="hold-why">Why</label>
          <input id="hold-why" name="why" required autocomplete="off" />
        </div>
        <button class="primary">Hold</button>
      </form>
    </details>
  )
}
