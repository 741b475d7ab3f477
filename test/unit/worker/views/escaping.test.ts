/** Names and texts come from clusters: whatever they hold, they stay text. */
import { describe, expect, it } from 'vitest'
import { linksOf } from '../../../../worker/views/links.ts'
import { aFailingService, aFrame, allPages, aStatus, EVIL, EVIL_IN_URL, render } from './a-page.ts'
import { PodsPage } from '../../../../worker/views/pods.tsx'

/** A tag whose attributes are all in double quotes, as hono/jsx writes them. */
const TAG = /<[!/]?[a-z][a-z\d]*(?:\s[a-z-]+(?:="[^"<>]*")?)*\s*\/?>/gi

describe.each([
  ['somebody who may operate', aFrame()],
  ['somebody signed out', aFrame({ viewer: null })],
])('a page for %s', (_who, frame) => {
  it.each(allPages(EVIL, frame))('holds a hostile name as text: %s', async (_page, shown) => {
    const html = await render(shown)

    const outsideOfTags = html.replaceAll(TAG, '')
    expect(outsideOfTags).toContain('&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;')
    expect(outsideOfTags).not.toMatch(/[<>]/)
  })
})

it.each(['health', 'pods', 'pod', 'ack form', 'categories', 'history'])(
  'encodes a hostile name in the links of %s',
  async (name) => {
    const shown = new Map(allPages(EVIL)).get(name)

    const html = shown === undefined ? '' : await render(shown)

    expect(html).toContain(EVIL_IN_URL)
  },
)

it('keeps every target of a form within its cluster', () => {
  const { pods, addAck, health } = linksOf('/clusters/demo')

  expect(pods('a&b=c#d')).toBe('/clusters/demo/__pods-health?service-name=a%26b%3Dc%23d')
  expect(addAck('../x?')).toBe('/clusters/demo/add-ack?service-name=..%2Fx%3F')
  expect(health(['a,b', 'c'])).toBe('/clusters/demo/__health?categories=a%2Cb,c')
})

it.each([
  ['an address', 'https://runbooks.example.com/web', true],
  ['a text with an address in it', 'See https://runbooks.example.com/web', false],
  ['a script as an address', 'javascript:alert(1)', false],
  ['a script that ends like an address', 'javascript:alert(1)//https://x', false],
  ['an address that is none', 'https://', false],
])('makes a link of a panic guide only when it is: %s', async (_what, panicGuide, isLink) => {
  const service = aFailingService({ panicGuide })

  const html = await render(
    PodsPage({ frame: aFrame(), title: 'Demo', status: aStatus(), service }),
  )

  expect(html.includes(`href="${panicGuide}"`)).toBe(isLink)
})
