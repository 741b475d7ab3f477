/** The paths that the Worker routes, read from the app itself: a new route is fuzzed without a line here. */
import * as v from 'valibot'
import { bundleWorker } from '../sandbox/bundle-worker.ts'

const moduleSchema = v.object({
  app: v.looseObject({ routes: v.array(v.object({ path: v.string(), method: v.string() })) }),
})

/** `routes`: as they are written, such as `/clusters/:cluster/__gtg/*`. `acts`: those that take POST. */
export async function readRoutes(): Promise<{ routes: string[]; acts: string[] }> {
  const script = await bundleWorker({ entry: `export { app } from './worker/app.ts'` })
  // Node has no such module; nothing of it runs here.
  const ownModule = urlOf('export const waitUntil = () => undefined')
  const { app } = v.parse(
    moduleSchema,
    await import(urlOf(script.replaceAll('cloudflare:workers', ownModule))),
  )
  const routes = app.routes.filter(({ path }) => path !== '/*')
  const posts = routes.filter(({ method }) => method === 'POST')
  return { routes: pathsOf(routes), acts: pathsOf(posts) }
}

function urlOf(script: string): string {
  return `data:text/javascript;base64,${Buffer.from(script).toString('base64')}`
}

function pathsOf(routes: { path: string }[]): string[] {
  return [...new Set(routes.map(({ path }) => path))]
}
