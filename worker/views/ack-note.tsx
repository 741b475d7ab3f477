/** An ack in words, and what a viewer may do about a service. */
import type { AckStatus, ServiceStatus } from '../domain/status.ts'
import type { Frame } from './layout.tsx'
import { linksOf, linkToSignIn } from './links.ts'
import { Age, Moment } from './time.tsx'

type Given = NonNullable<AckStatus['given']>

const UNTIL: Record<Given['until'], string> = {
  removed: 'until somebody removes it',
  recovery: 'until the service is well again',
  change: 'until it fails in another way',
}

export function AckNote({ ack, nowMs }: { ack: AckStatus; nowMs: number }) {
  return (
    <div class="ack">
      <q class="text">{ack.message}</q>
      <small>
        {ack.given === null ? (
          'from the cluster’s ConfigMap'
        ) : (
          <GivenNote given={ack.given} nowMs={nowMs} />
        )}
      </small>
    </div>
  )
}

function GivenNote({ given, nowMs }: { given: Given; nowMs: number }) {
  return (
    <>
      {given.by !== '' && `by ${given.by}, `}
      <Age atMs={given.atMs} nowMs={nowMs} />
      {given.expiresAtMs !== null && (
        <>
          , expires <Moment atMs={given.expiresAtMs} />
        </>
      )}
      , {UNTIL[given.until]}
      {given.isRestored && ', restored from the copy'}
    </>
  )
}

/** Buttons for those who may operate, nothing for others: <OperateHint> tells them once a page. */
export function AckActions({ service, frame }: { service: ServiceStatus; frame: Frame }) {
  const links = linksOf(frame.base)
  if (frame.viewer?.canOperate !== true) return <></>
  return (
    <div class="actions">
      <a class="button" href={links.ackForm(service.name)}>
        {service.ack === null ? 'Ack' : 'Change ack'}
        <span class="unseen"> of {service.name}</span>
      </a>
      {service.ack !== null && (
        <form method="post" action={links.removeAck(service.name)}>
          <button>
            Remove ack<span class="unseen"> of {service.name}</span>
          </button>
        </form>
      )}
    </div>
  )
}

/** `what`: as in `to ack services`. */
export function OperateHint({ frame, path, what }: { frame: Frame; path: string; what: string }) {
  if (frame.viewer?.canOperate === true) return <></>
  if (frame.viewer !== null) return <p class="hint">Your token may only read, not {what}.</p>
  if (!frame.canSignIn) return <p class="hint">Signing in is switched off here.</p>
  return (
    <p class="hint">
      <a href={linkToSignIn(path)}>Sign in</a> to {what}.
    </p>
  )
}
