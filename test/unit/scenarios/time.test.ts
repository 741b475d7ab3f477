/** Histories of time: stuck probers, wrong clocks, silence, restarts (why page). Each line can be explained. */
import { describe, expect, it } from 'vitest'
import { play } from '../../support/play.ts'

describe('a prober that is stuck', () => {
  it('goes stale though heartbeats go on', () => {
    // `observedAt` stands still at the last complete pass: 60 s later the verdict is dead.
    const transcript = play(`
      10s snapshot #1 web ok
      20s heartbeat #2 observed=12s
      30s heartbeat #3 observed=12s
      40s heartbeat #4 observed=12s
      42s ask
      50s heartbeat #5 observed=12s
      60s heartbeat #6 observed=12s
      70s heartbeat #7 observed=12s
      73s ask
      80s heartbeat #8 observed=12s
      81s ask
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "10s snapshot #1 web ok → accepted; cluster no-data>fresh
      20s heartbeat #2 observed=12s → accepted
      30s heartbeat #3 observed=12s → accepted
      40s heartbeat #4 observed=12s → accepted
      42s ask → 200 healthy, 30 s old
      50s heartbeat #5 observed=12s → accepted; cluster fresh>late @42s (silence)
      60s heartbeat #6 observed=12s → accepted
      70s heartbeat #7 observed=12s → accepted
      73s ask → 503 stale, 61 s old
      80s heartbeat #8 observed=12s → accepted; cluster late>dead @72s (silence)
      81s ask → 503 stale, 69 s old"
    `)
  })
})

describe('a cluster whose clock is wrong', () => {
  it('an hour ahead extends nothing', () => {
    const transcript = play(`
      10s snapshot #1 web ok observed=3610s
      11s ask
      20s heartbeat #2 observed=3620s
      21s ask
      50s ask
      81s ask
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "10s snapshot #1 web ok observed=3610s → accepted; cluster no-data>fresh
      11s ask → 200 healthy, 1 s old
      20s heartbeat #2 observed=3620s → accepted
      21s ask → 200 healthy, 1 s old
      50s ask → 200 healthy, 30 s old
      81s ask → 503 stale, 61 s old"
    `)
  })

  it('an hour behind is dead from its first report', () => {
    // Never taken for fresh: the exporter stamps in the edge's time, so this is an exporter that can't.
    const transcript = play(`
      10s snapshot #1 web ok observed=-3590s
      11s ask
      20s heartbeat #2 observed=-3580s
      21s ask
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "10s snapshot #1 web ok observed=-3590s → accepted; cluster no-data>dead
      11s ask → 503 stale, 3601 s old
      20s heartbeat #2 observed=-3580s → accepted
      21s ask → 503 stale, 3611 s old"
    `)
  })

  it('that jumps back takes nothing away', () => {
    const transcript = play(`
      10s snapshot #1 web ok
      20s heartbeat #2 observed=-3580s
      21s ask
      40s ask
      71s ask
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "10s snapshot #1 web ok → accepted; cluster no-data>fresh
      20s heartbeat #2 observed=-3580s → accepted
      21s ask → 200 healthy, 11 s old
      40s ask → 200 healthy, 30 s old
      71s ask → 503 stale, 61 s old"
    `)
  })
})

describe('an exporter that restarts', () => {
  it('is blind first, which holds the last verdict', () => {
    const transcript = play(`
      10s snapshot #1 web ok
      20s heartbeat #2
      30s blind #1 epoch=2
      31s ask
      90s blind #2 epoch=2
      90s ask
      95s snapshot #3 epoch=2 web ok
      96s ask
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "10s snapshot #1 web ok → accepted; cluster no-data>fresh
      20s heartbeat #2 → accepted
      30s blind #1 epoch=2 → accepted; cluster fresh>held
      31s ask → 200 held, 11 s old
      90s blind #2 epoch=2 → accepted
      90s ask → 200 held, 70 s old
      95s snapshot #3 epoch=2 web ok → accepted; cluster held>fresh
      96s ask → 200 healthy, 1 s old"
    `)
  })

  it('holds a failing verdict as well', () => {
    const transcript = play(`
      10s snapshot #1 web failing
      20s blind #1 epoch=2
      75s ask
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "10s snapshot #1 web failing → accepted; cluster no-data>fresh; service web none>failing; category read none>unhealthy
      20s blind #1 epoch=2 → accepted; cluster fresh>held
      75s ask → 503 unhealthy, 65 s old"
    `)
  })

  it('is held no longer than 15 min', () => {
    // A report a minute is enough to be heard; the first blind one came at 60 s.
    const blinds = Array.from({ length: 17 }, (_, i) => `${60 * (i + 1)}s blind #${i + 2}`)

    const transcript = play(`
      10s snapshot #1 web ok
      ${blinds.slice(0, 15).join('\n')}
      959s ask
      960s ask
      961s ask
      ${blinds.slice(15).join('\n')}
      1021s ask
    `)

    const asked = transcript.split('\n').filter((line) => line.includes('ask'))
    expect(asked.join('\n')).toMatchInlineSnapshot(`
      "959s ask → 200 held, 949 s old
      960s ask → 200 held, 950 s old
      961s ask → 503 stale, 951 s old
      1021s ask → 503 stale, 1011 s old"
    `)
  })

  it('comes too late when the verdict was dead before', () => {
    const transcript = play(`
      10s snapshot #1 web ok
      71s blind #1 epoch=2
      72s ask
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "10s snapshot #1 web ok → accepted; cluster no-data>fresh
      71s blind #1 epoch=2 → accepted; cluster fresh>late @40s (silence); cluster late>dead @70s (silence)
      72s ask → 503 stale, 62 s old"
    `)
  })
})

describe('a cluster that falls silent', () => {
  it('is late after three intervals and dead after a minute', () => {
    const transcript = play(`
      1s ask
      10s snapshot #1 web ok
      40s ask
      41s ask
      70s ask
      71s ask
      1000s ask
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "1s ask → 503 no-data, no age
      10s snapshot #1 web ok → accepted; cluster no-data>fresh
      40s ask → 200 healthy, 30 s old
      41s ask → 200 late, 31 s old
      70s ask → 200 late, 60 s old
      71s ask → 503 stale, 61 s old
      1000s ask → 503 stale, 990 s old"
    `)
  })

  it('comes back by two reports an interval apart', () => {
    // A snapshot and an instant change within a second are not enough, or a flapping link flips the world.
    const transcript = play(`
      10s snapshot #1 web ok
      100s ask
      110s snapshot #2 web ok
      111s ask
      112s snapshot #3 web ok
      113s ask
      120s heartbeat #4
      121s ask
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "10s snapshot #1 web ok → accepted; cluster no-data>fresh
      100s ask → 503 stale, 90 s old
      110s snapshot #2 web ok → accepted; cluster fresh>late @40s (silence); cluster late>dead @70s (silence)
      111s ask → 503 stale, 101 s old
      112s snapshot #3 web ok → accepted
      113s ask → 503 stale, 103 s old
      120s heartbeat #4 → accepted; cluster dead>fresh
      121s ask → 200 healthy, 1 s old"
    `)
  })

  it('has only itself to wait for when it is new', () => {
    const transcript = play(`
      10s heartbeat #1
      11s ask
      20s snapshot #2 web ok
      21s ask
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "10s heartbeat #1 → accepted, resend
      11s ask → 503 no-data, no age
      20s snapshot #2 web ok → accepted; cluster no-data>fresh
      21s ask → 200 healthy, 1 s old"
    `)
  })
})
