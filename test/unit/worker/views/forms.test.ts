/** Forms carry what the routes expect, and only those who may operate get them. */
import { describe, expect, it } from 'vitest'
import { AckFormPage, EMPTY_ACK } from '../../../../worker/views/ack-form.tsx'
import { CategoriesPage } from '../../../../worker/views/categories.tsx'
import { HealthPage } from '../../../../worker/views/health.tsx'
import { SignInPage } from '../../../../worker/views/sign-in.tsx'
import { aCategoryStatus, aFailingService, aFrame, aStatus, NOW, render } from './a-page.ts'

const GIVEN = {
  by: 'bob',
  atMs: NOW,
  expiresAtMs: null,
  until: 'recovery',
  isRestored: true,
} as const
const ACKED = aFailingService({ ack: { message: 'known', given: GIVEN } })

const READER = aFrame({ viewer: { name: 'eve', canOperate: false } })
const STRANGER = aFrame({ viewer: null })

describe('the ack form', () => {
  const page = { frame: aFrame(), title: 'Demo', status: aStatus(), service: aFailingService() }

  it('posts its fields to add-ack', async () => {
    const html = await render(AckFormPage({ ...page, values: EMPTY_ACK, errors: {} }))

    expect(html).toContain('method="post" action="/clusters/demo/add-ack?service-name=web"')
    expect(html).toMatch(/<textarea[^>]* name="ack-msg"[^>]* required=""/)
    expect(html).toMatch(/<input[^>]* name="expires-in"/)
    expect(html).toContain('name="until" value="removed" checked=""')
    expect(html).toMatch(/name="until" value="recovery"\/?>/)
    expect(html).toMatch(/name="until" value="change"\/?>/)
  })

  it('comes back with what was typed, and what is wrong', async () => {
    const values = { message: '\nline two', expiresIn: 'soon', until: 'change' }
    const errors = { expiresIn: 'Give a number and a unit.' }

    const html = await render(AckFormPage({ ...page, values, errors }))

    expect(html).toContain('>\n\nline two</textarea>') // a parser drops the first line break
    expect(html).toContain('value="soon"')
    expect(html).toContain('name="until" value="change" checked=""')
    expect(html).toContain('id="expires-in-error">Give a number and a unit.</p>')
    expect(html).toContain(
      'aria-describedby="expires-in-help expires-in-error" aria-invalid="true"',
    )
  })

  it('shows the ack that stands now', async () => {
    const html = await render(
      AckFormPage({ ...page, service: ACKED, values: EMPTY_ACK, errors: {} }),
    )

    expect(html).toContain('critical acked')
    expect(html).toContain('by bob, <time')
    expect(html).toContain('until the service is well again, restored from the copy')
  })
})

describe('a service table', () => {
  const page = { title: 'Demo', status: aStatus({ services: [ACKED] }), categories: [] }

  it('lets those who may operate ack and remove', async () => {
    const html = await render(HealthPage({ ...page, frame: aFrame() }))

    expect(html).toContain('href="/clusters/demo/add-ack-form?service-name=web"')
    expect(html).toContain('method="post" action="/clusters/demo/rem-ack?service-name=web"')
  })

  it.each([
    ['a reader', READER, 'Your token may only read'],
    ['a stranger', STRANGER, 'Sign in</a> to ack services'],
  ])('gives %s a hint instead', async (_who, frame, hint) => {
    const html = await render(HealthPage({ ...page, frame }))

    expect(html).toContain(hint)
    expect(html).not.toMatch(/add-ack|rem-ack/)
  })
})

describe('the categories', () => {
  const trip = { isEnabled: false, cause: 'trip', by: null, why: '', atMs: NOW, isRestored: false }
  const tripped = aCategoryStatus({
    passes: false,
    reason: 'disabled',
    override: { ...trip, cause: 'trip' },
  })

  it('offer to disable one that is enabled, with a reason', async () => {
    const html = await render(CategoriesPage({ frame: aFrame(), title: 'D', status: aStatus() }))

    expect(html).toContain(
      'method="post" action="/clusters/demo/disable-category?category-name=read"',
    )
    expect(html).toContain('name="why"')
    expect(html).not.toContain('enable-category?category-name')
  })

  it('offer to enable one that has tripped', async () => {
    const status = aStatus({ categories: [tripped] })

    const html = await render(CategoriesPage({ frame: aFrame(), title: 'D', status }))

    expect(html).toContain(
      'method="post" action="/clusters/demo/enable-category?category-name=read"',
    )
    expect(html).toContain('It stays disabled until somebody enables it.')
    expect(html).not.toContain('disable-category')
  })

  it('say how far a sticky one has counted', async () => {
    const status = aStatus({
      categories: [aCategoryStatus({ isSticky: true, counts: { web: 2 } })],
    })

    const html = await render(CategoriesPage({ frame: READER, title: 'D', status }))

    expect(html).toContain('2 of 3 failed checks counted for <span class="name">web</span>')
    expect(html).not.toContain('<form method="post" action="/clusters')
  })
})

describe('signing in', () => {
  it('posts a token, and where to go on', async () => {
    const html = await render(SignInPage({ frame: STRANGER, next: '/x?a=b', error: null }))

    expect(html).toContain('method="post" action="/sign-in"')
    expect(html).toMatch(/name="token" type="password" autocomplete="current-password"/)
    expect(html).toContain('<input type="hidden" name="next" value="/x?a=b"/>')
  })

  it('says what is missing where it is switched off', async () => {
    const frame = { ...STRANGER, canSignIn: false }

    const html = await render(SignInPage({ frame, next: '/', error: null }))

    expect(html).toContain('SESSION_SECRET')
    expect(html).not.toContain('<form')
  })
})
