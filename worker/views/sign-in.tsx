/** `/sign-in`: a token, once, in exchange for a session in this browser. */
import { Layout, type Frame } from './layout.tsx'
import { SIGN_IN } from './links.ts'

export interface SignInProps {
  frame: Frame
  /** Where to go on; the route has made sure that it stays here. */
  next: string
  /** What was wrong with the last try; null: there was none. */
  error: string | null
}

export function SignInPage({ frame, next, error }: SignInProps) {
  const title = error === null ? 'Sign in' : 'Please mend: Sign in'
  return (
    <Layout frame={frame} title={title} path={SIGN_IN} cluster={null} isLive={false}>
      <h1>Sign in</h1>
      {frame.canSignIn ? <Form next={next} error={error} /> : <SwitchedOff />}
    </Layout>
  )
}

function Form({ next, error }: { next: string; error: string | null }) {
  return (
    <form class="panel fields" method="post" action={SIGN_IN}>
      <div class="field">
        <label for="token">Token</label>
        <small id="token-help">The same that scripts send. This browser then remembers you.</small>
        {error !== null && (
          <p class="error" id="token-error">
            {error}
          </p>
        )}
        <input
          id="token"
          name="token"
          type="password"
          autocomplete="current-password"
          required
          aria-describedby={error === null ? 'token-help' : 'token-help token-error'}
          aria-invalid={error === null ? undefined : 'true'}
        />
      </div>
      <input type="hidden" name="next" value={next} />
      <button class="primary">Sign in</button>
    </form>
  )
}

function SwitchedOff() {
  return (
    <div class="panel">
      <p>Signing in is switched off, because the secret SESSION_SECRET isn’t set.</p>
      <p>Scripts can still send their token. To sign in here, set that secret on the Worker.</p>
    </div>
  )
}
