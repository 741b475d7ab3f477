/** The frame of every page: head, pages of the cluster, the age of the data, who is signed in. */
import { html } from 'hono/html'
import type { PropsWithChildren } from 'hono/jsx'
import type { ClusterFreshness, ClusterStatus } from '../domain/status.ts'
import { linkToAsset } from './assets.ts'
import { FreshnessChip, Shapes } from './chip.tsx'
import { linksOf, linkToSignIn, SIGN_IN } from './links.ts'
import { Age, formatMoment } from './time.tsx'

/** What every page is given, whatever it shows. */
export interface Frame {
  nowMs: number
  /** What the links of the cluster begin with: '' | a path prefix | `/clusters/{id}`. */
  base: string
  /** null: not signed in. */
  viewer: Viewer | null
  /** false: SESSION_SECRET isn't set. */
  canSignIn: boolean
  /** Whether a fresh round came that was asked for; null: nobody did. */
  refreshed: boolean | null
}

export interface Viewer {
  name: string
  canOperate: boolean
}

/** The cluster that a page is about. */
export interface ClusterLine {
  id: string
  title: string
  environment: string
  freshness: ClusterFreshness
  /** ms; null: never. */
  freshAtMs: number | null
}

/** What every page of a cluster is given. */
export interface ClusterPageProps {
  frame: Frame
  /** The cluster's, as people know it. */
  title: string
  status: ClusterStatus
}

export function lineOf({ title, status }: ClusterPageProps): ClusterLine {
  const { cluster: id, environment, freshness, freshAtMs } = status
  return { id, title, environment, freshness, freshAtMs }
}

type LayoutProps = PropsWithChildren<{
  frame: Frame
  title: string
  /** Its own, to come back to after signing in. */
  path: string
  cluster: ClusterLine | null
  /** It refreshes itself. */
  isLive: boolean
  /** Somebody may have every target that it shows asked again. */
  isRefreshable?: boolean
  /** It has fields to fill in, which a reload would empty; so without the script it stays as it is. */
  hasFields?: boolean
}>

export function Layout(props: LayoutProps) {
  const { frame, title, path, cluster, isLive, children } = props
  const { isRefreshable = false, hasFields = false } = props
  const page = (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{`${title} · Pilotlight`}</title>
        <link rel="icon" type="image/svg+xml" href={linkToAsset('flame.svg')} />
        <link rel="stylesheet" href={linkToAsset('style.css')} />
        <script src={linkToAsset('enhance.js')} defer></script>
        {isLive && !hasFields && (
          <noscript>
            <meta http-equiv="refresh" content={`15;url=${path}`} />
          </noscript>
        )}
      </head>
      <body data-now={frame.nowMs} data-refresh={isLive ? 'on' : 'off'}>
        <a class="skip" href="#main">
          Skip to the content
        </a>
        <Shapes />
        <header class="head">
          <a class="brand" href="/">
            <img src={linkToAsset('flame.svg')} alt="" width="22" height="22" />
            Pilotlight
          </a>
          <Pages base={frame.base} path={path} cluster={cluster} />
          <Session frame={frame} path={path} />
        </header>
        <section class="bar" aria-label="Age of the data">
          <DataLine frame={frame} cluster={cluster} />
          {isRefreshable && <Refresh path={path} />}
          <p id="note" role="status"></p>
        </section>
        <main id="main" tabindex={-1}>
          {children}
        </main>
      </body>
    </html>
  )
  return html`<!doctype html>${page}`
}

function Pages({
  base,
  path,
  cluster,
}: {
  base: string
  path: string
  cluster: ClusterLine | null
}) {
  const links = linksOf(base)
  const pages = [
    ['All clusters', '/'],
    ...(cluster === null
      ? []
      : [
          ['Services', links.health()],
          ['Categories', links.categories],
          ['Nodes', links.nodes],
          ['History', links.history],
        ]),
  ]
  const [here] = path.split('?')
  return (
    <nav aria-label="Pages">
      {pages.map(([name, href]) => (
        <a href={href} aria-current={href === here ? 'page' : undefined}>
          {name}
        </a>
      ))}
    </nav>
  )
}

function Session({ frame: { viewer, canSignIn }, path }: { frame: Frame; path: string }) {
  if (viewer === null) {
    const isHere = path === SIGN_IN
    return <p class="session">{canSignIn && !isHere && <a href={linkToSignIn(path)}>Sign in</a>}</p>
  }
  return (
    <form class="session" method="post" action="/sign-out">
      <span>{viewer.name}</span>
      <button class="plain">Sign out</button>
    </form>
  )
}

function Refresh({ path }: { path: string }) {
  const href = `${path}${path.includes('?') ? '&' : '?'}cache=false`
  return (
    <p>
      <a href={href} rel="nofollow">
        Refresh without the cache
      </a>
    </p>
  )
}

function DataLine({
  frame: { nowMs, refreshed },
  cluster,
}: {
  frame: Frame
  cluster: ClusterLine | null
}) {
  if (cluster === null) {
    return (
      <p id="line" data-live>
        As of {formatMoment(nowMs)}
      </p>
    )
  }
  const { id, title, environment, freshness, freshAtMs } = cluster
  const names = [...new Set([title, environment, id])]
  return (
    <p id="line" data-live>
      <strong>{names[0]}</strong>
      {names.length > 1 && <span class="quiet">{names.slice(1).join(' · ')}</span>}
      <FreshnessChip freshness={freshness} />
      <span>
        {freshAtMs === null ? (
          'never reported'
        ) : (
          <>
            data from <Age atMs={freshAtMs} nowMs={nowMs} />
          </>
        )}
      </span>
      {refreshed === true && <span class="quiet">asked again just now</span>}
      {refreshed === false && <strong>could not be asked again: this is the last known</strong>}
    </p>
  )
}
