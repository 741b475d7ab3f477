/** What pages load: small, whole, and kept for ever under a path that changes with it. */
import { expect, it } from 'vitest'
import { assets } from '../../../../worker/routes/assets.ts'
import { ASSETS, linkToAsset } from '../../../../worker/views/assets.ts'

it.each([
  ['style.css', 'text/css; charset=utf-8'],
  ['enhance.js', 'text/javascript; charset=utf-8'],
  ['flame.svg', 'image/svg+xml; charset=utf-8'],
] as const)('serves %s to be kept for ever', async (name, contentType) => {
  const reply = await assets.request(linkToAsset(name))

  expect(reply.status).toBe(200)
  expect(reply.headers.get('Content-Type')).toBe(contentType)
  expect(reply.headers.get('Cache-Control')).toBe('public, max-age=31536000, immutable')
  expect(await reply.text()).toBe(ASSETS[name].body)
})

it('serves another version too, but not to be kept', async () => {
  const reply = await assets.request('/assets/00000000/style.css')

  expect(reply.status).toBe(200)
  expect(reply.headers.get('Cache-Control')).toBe('no-cache')
})

it.each(['/assets/00000000/other.css', '/assets/00000000/constructor', '/assets/style.css'])(
  'has nothing at %s',
  async (path) => {
    const reply = await assets.request(path)

    expect(reply.status).toBe(404)
  },
)

it('carries a script that parses', () => {
  // Compiled, not run: there is no document here.
  expect(() => Reflect.construct(Function, [ASSETS['enhance.js'].body])).not.toThrow()
})
