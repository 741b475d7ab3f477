/** The stylesheet, the script and the flame. Their paths change with their content, so they may be kept for ever. */
import { Hono } from 'hono'
import type { AppEnv } from '../env.ts'
import { ASSETS, ASSETS_VERSION, isAssetName } from '../views/assets.ts'

export const assets = new Hono<AppEnv>()

assets.get('/assets/:version/:name', (c) => {
  const { version, name } = c.req.param()
  if (!isAssetName(name)) return c.notFound()
  const { contentType, body } = ASSETS[name]
  return c.body(body, 200, {
    'Content-Type': contentType,
    // A page of another version, during a deployment, is better served with this one than with none; but not for ever.
    'Cache-Control':
      version === ASSETS_VERSION ? 'public, max-age=31536000, immutable' : 'no-cache',
  })
})
