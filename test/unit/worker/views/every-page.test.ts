/** What all pages share: a whole document that a strict Content-Security-Policy lets through. */
import { describe, expect, it } from 'vitest'
import { aFrame, allPages, aStatus, render } from './a-page.ts'
import { CategoriesPage } from '../../../../worker/views/categories.tsx'
import { HealthPage } from '../../../../worker/views/health.tsx'

describe.each(allPages('web'))('the page %s', (_name, shown) => {
  it('is a whole document with language, viewport and title', async () => {
    const html = await render(shown)

    expect(html).toMatch(/^<!doctype html><html lang="en">/)
    expect(html).toContain('<meta name="viewport" content="width=device-width, initial-scale=1"/>')
    expect(html).toMatch(/<title>[^<]+ · Pilotlight<\/title>/)
    expect(html).toMatch(/<main id="main"[^>]*>.+<\/main>/s)
    expect(html.match(/<h1[ >]/g)).toHaveLength(1)
  })

  it('needs nothing inline and nothing from elsewhere', async () => {
    const html = await render(shown)

    expect(html).not.toMatch(/<style|\sstyle=|\son[a-z]+=|javascript:|data:/i)
    expect(html.match(/<script[^>]*>[^<]*<\/script>/g)).toEqual([
      expect.stringMatching(/^<script src="\/assets\/\w+\/enhance\.js" defer=""><\/script>$/),
    ])
    expect(html).not.toMatch(/(src|href|action)="(https?:)?\/\//)
  })

  it('gives every id once, and every field a label', async () => {
    const html = await render(shown)

    const ids = [...html.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id)
    expect(ids).toEqual([...new Set(ids)])
    const fields = [...html.matchAll(/<(?:input|textarea) id="([^"]+)"/g)].map(([, id]) => id)
    for (const id of fields) expect(html).toContain(`<label for="${id}">`)
  })
})

it('lets a signed-in viewer sign out, from every page', async () => {
  for (const [, shown] of allPages('web')) {
    const html = await render(shown)
    expect(html).toContain('action="/sign-out"')
    expect(html).toContain('<span>alice</span>')
  }
})

it('leads whoever is signed out back to the page', async () => {
  const frame = aFrame({ viewer: null })

  const html = await render(HealthPage({ frame, title: 'D', status: aStatus(), categories: [] }))

  expect(html).toContain('href="/sign-in?next=%2Fclusters%2Fdemo%2F__health"')
})

it('offers no signing in where it is switched off', async () => {
  for (const [, shown] of allPages('web', aFrame({ viewer: null, canSignIn: false }))) {
    expect(await render(shown)).not.toContain('href="/sign-in')
  }
})

it.each([
  ['with fields to fill in', aFrame(), false],
  ['without any', aFrame({ viewer: null }), true],
])('reloads without the script only a page %s', async (_which, frame, reloads) => {
  const html = await render(CategoriesPage({ frame, title: 'Demo', status: aStatus() }))

  expect(html.includes('http-equiv="refresh"')).toBe(reloads)
})
