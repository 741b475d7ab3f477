/** Where somebody says that a failing service is known. Comes back with what was typed when something was wrong with it. */
import type { ServiceStatus } from '../domain/status.ts'
import type { AckUntil } from '../domain/acks.ts'
import { OperateHint } from './ack-note.tsx'
import { FreshnessBanner } from './freshness-banner.tsx'
import { Layout, lineOf, type ClusterPageProps } from './layout.tsx'
import { linksOf } from './links.ts'
import { ServiceLine } from './pods.tsx'

export interface AckFormProps extends ClusterPageProps {
  service: ServiceStatus
  /** As typed; for an empty form EMPTY_ACK. */
  values: AckValues
  /** What is wrong, in a sentence, by field. */
  errors: AckErrors
}

export type AckErrors = Partial<Record<keyof AckValues, string>>

export interface AckValues {
  message: string
  expiresIn: string
  /** Anything that isn't an AckUntil chooses none. */
  until: string
}

export const EMPTY_ACK: AckValues = { message: '', expiresIn: '', until: 'removed' }

const UNTIL: [AckUntil, string][] = [
  ['removed', 'until somebody removes it'],
  ['recovery', 'until it is well again for a minute'],
  ['change', 'until it fails in another way'],
]
const SUGGESTIONS = ['30m', '1h', '4h', '1d', '7d']

export function AckFormPage(props: AckFormProps) {
  const { frame, status, service } = props
  const links = linksOf(frame.base)
  const path = links.ackForm(service.name)
  const heading = service.ack === null ? 'Ack' : 'Change the ack of'
  const hasError = Object.keys(props.errors).length > 0
  return (
    <Layout
      frame={frame}
      title={`${hasError ? 'Please mend: ' : ''}${heading} ${service.name}`}
      path={path}
      cluster={lineOf(props)}
      isLive={false}
    >
      <FreshnessBanner {...status} nowMs={frame.nowMs} />
      <p class="crumbs">
        <a href={links.health()}>Services</a>
        <a href={links.pods(service.name)}>{service.name}</a>
      </p>
      <h1>
        {heading} {service.name}
      </h1>
      <ServiceLine service={service} nowMs={frame.nowMs} isPast={status.freshness === 'dead'} />
      <p>
        An acked service that fails doesn’t count against the verdict. Everybody sees the ack, who
        gave it and when.
      </p>
      {frame.viewer?.canOperate === true ? (
        <Form {...props} />
      ) : (
        <OperateHint frame={frame} path={path} what="ack this service" />
      )}
    </Layout>
  )
}

function Form({ frame, service, values, errors }: AckFormProps) {
  const links = linksOf(frame.base)
  return (
    <form class="panel fields" method="post" action={links.addAck(service.name)}>
      <div class="field">
        <label for="ack-msg">What is known</label>
        <FieldError id="ack-msg-error" text={errors.message} />
        <textarea
          id="ack-msg"
          name="ack-msg"
          rows={3}
          required
          {...describe('ack-msg-error', errors.message)}
        >
          {/* The parser drops a first line break, so one is given. */}
          {`\n${values.message}`}
        </textarea>
      </div>
      <div class="field">
        <label for="expires-in">Expires in</label>
        <small id="expires-in-help">
          A number and a unit, such as 30m, 4h or 1d. Empty: it doesn’t expire.
        </small>
        <FieldError id="expires-in-error" text={errors.expiresIn} />
        <input
          id="expires-in"
          name="expires-in"
          list="expires-in-list"
          value={values.expiresIn}
          autocomplete="off"
          {...describe('expires-in-error', errors.expiresIn, 'expires-in-help')}
        />
        <datalist id="expires-in-list">
          {SUGGESTIONS.map((value) => (
            <option value={value}></option>
          ))}
        </datalist>
      </div>
      <fieldset {...describe('until-error', errors.until)}>
        <legend>It stands</legend>
        <FieldError id="until-error" text={errors.until} />
        {UNTIL.map(([value, words]) => (
          <label class="choice">
            <input type="radio" name="until" value={value} checked={values.until === value} />{' '}
            {words}
          </label>
        ))}
      </fieldset>
      <div class="actions">
        <button class="primary">{service.ack === null ? 'Ack' : 'Change ack'}</button>
        <a href={links.pods(service.name)}>Cancel</a>
      </div>
    </form>
  )
}

function FieldError({ id, text }: { id: string; text: string | undefined }) {
  if (text === undefined) return <></>
  return (
    <p class="error" id={id}>
      {text}
    </p>
  )
}

/** Ties a field to what is said of it. */
function describe(errorId: string, error: string | undefined, helpId?: string) {
  const ids = [helpId, error === undefined ? undefined : errorId].filter((id) => id !== undefined)
  return {
    ...(ids.length > 0 ? { 'aria-describedby': ids.join(' ') } : {}),
    ...(error === undefined ? {} : { 'aria-invalid': 'true' as const }),
  }
}
