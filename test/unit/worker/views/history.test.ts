/** The history: what happened in words, by day; and how times are said on every page. */
import { describe, expect, it } from 'vitest'
import { HistoryPage } from '../../../../worker/views/history.tsx'
import { formatAge } from '../../../../worker/views/time.tsx'
import { aFrame, anEvent, aStatus, NOW, render } from './a-page.ts'

const actor = { by: 'bob', address: '203.0.113.7' }

describe('an event', () => {
  it.each([
    ['a change', anEvent(), 'web: ok → failing seen in a report'],
    ['a new service', anEvent({ from: null, to: 'ok' }), 'web: ok seen'],
    ['a service that went', anEvent({ to: null }), 'web: ok → gone'],
    [
      'an ack that ended',
      anEvent({ subject: 'ack', from: 'acked', to: null, cause: 'expired' }),
      'ack of web: acked → ended it expired',
    ],
    [
      'an act by hand',
      anEvent({ subject: 'category', to: 'disabled', cause: 'hand', actor, note: 'moving' }),
      'category web: ok → disabled by hand, by bob from 203.0.113.7 moving',
    ],
    ['a word where nothing turned', anEvent({ from: 'ok', to: 'ok' }), 'web: still ok'],
    [
      'a silence',
      anEvent({ subject: 'cluster', name: '', from: 'late', to: 'dead', cause: 'silence' }),
      'the cluster: late → dead the reports stopped',
    ],
    [
      'an emptying',
      anEvent({
        subject: 'cluster',
        name: '',
        from: null,
        to: null,
        cause: 'hand',
        actor,
        note: 'erased',
      }),
      'the cluster: erased by hand, by bob',
    ],
  ])('is told in words: %s', async (_what, event, words) => {
    const page = { frame: aFrame(), title: 'Demo', status: aStatus(), about: null }

    const html = await render(HistoryPage({ ...page, events: [event] }))

    const text = html.replaceAll(/<[^>]*>/g, ' ').replaceAll(/\s+/g, ' ')
    expect(text.replaceAll(' :', ':')).toContain(words)
  })
})

it('stands under its day, in UTC', async () => {
  const events = [anEvent(), anEvent({ atMs: NOW - 1 }), anEvent({ atMs: NOW - 86_400_000 })]

  const html = await render(
    HistoryPage({ frame: aFrame(), title: 'Demo', status: aStatus(), events, about: null }),
  )

  expect(html.match(/<h2>[^<]*<\/h2>/g)).toEqual([
    '<h2>Tue, 14 Nov 2023</h2>',
    '<h2>Mon, 13 Nov 2023</h2>',
  ])
  expect(html).toContain('22:13:20</time>')
})

it.each([
  ['nothing', 0, '0 s'],
  ['less than nothing, by a wrong clock', -5_000, '0 s'],
  ['just under a minute', 59_999, '59 s'],
  ['a minute', 60_000, '1 min'],
  ['just under an hour', 3_599_999, '59 min'],
  ['an hour', 3_600_000, '1 h 0 min'],
  ['just under a day', 86_399_999, '23 h 59 min'],
  ['a day', 86_400_000, '1 d 0 h'],
])('says an age of %s', (_what, ms, words) => {
  expect(formatAge(ms)).toBe(words)
})
