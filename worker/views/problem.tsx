/** A page instead of the one that was asked for: what is wrong, and what to do. */
import { Layout, type ClusterLine, type Frame } from './layout.tsx'
import { linkToSignIn } from './links.ts'

export interface ProblemProps {
  frame: Frame
  status: ProblemStatus
  /** What is wrong, in a sentence. */
  message: string
  /** Its own path, to come back to after signing in. */
  path: string
  cluster: ClusterLine | null
}

export type ProblemStatus = 400 | 401 | 403 | 404 | 405 | 413 | 429 | 503

const WORDS: Record<ProblemStatus, { heading: string; whatToDo: string }> = {
  400: {
    heading: 'This was not understood',
    whatToDo: 'Nothing was changed. Go back, mend what is named above, and try again.',
  },
  401: {
    heading: 'Please sign in',
    whatToDo: 'Nothing was changed. Sign in with a token, or send it as Authorization: Bearer.',
  },
  403: {
    heading: 'This is not allowed',
    whatToDo:
      'Nothing was changed. Ask whoever runs this for a token with the role that is needed.',
  },
  404: {
    heading: 'There is nothing here',
    whatToDo: 'It may be spelled otherwise, or it has gone since. Look for it on the pages above.',
  },
  405: {
    heading: 'Not in this way',
    whatToDo: 'Nothing was changed.',
  },
  413: {
    heading: 'This is too much',
    whatToDo: 'Nothing was changed. Go back and say it in fewer words.',
  },
  429: {
    heading: 'Too many at once',
    whatToDo: 'Nothing was changed. Try again in a few seconds.',
  },
  503: {
    heading: 'This can’t be read now',
    whatToDo: 'Try again in a minute. If it stays so, look at the Worker’s log.',
  },
}

export function ProblemPage({ frame, status, message, path, cluster }: ProblemProps) {
  const { heading, whatToDo } = WORDS[status]
  return (
    <Layout frame={frame} title={heading} path={path} cluster={cluster} isLive={false}>
      <h1>{heading}</h1>
      <div class="panel">
        <p class="text">{message}</p>
        <p>{whatToDo}</p>
        {status === 401 && frame.viewer === null && frame.canSignIn && (
          <p>
            <a class="button primary" href={linkToSignIn(path)}>
              Sign in
            </a>
          </p>
        )}
      </div>
      <p class="quiet">Status {status}</p>
    </Layout>
  )
}
