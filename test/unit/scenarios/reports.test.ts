/** Histories of reports that go astray: lost, refused, late, by a wrong clock (why page). Each line can be explained. */
import { describe, expect, it } from 'vitest'
import { play } from '../../support/play.ts'

describe('a snapshot that says down', () => {
  it('was lost: the old verdict goes stale, never fresh', () => {
    // Heartbeats name a content that the edge never saw, so they ask for it and extend nothing.
    const transcript = play(`
      10s snapshot #1 web ok
      20s heartbeat #2
      25s snapshot #3 web failing lost
      30s heartbeat #4
      35s heartbeat #5
      40s heartbeat #6
      40s ask
      50s heartbeat #7
      60s heartbeat #8
      70s heartbeat #9
      80s heartbeat #10
      81s ask
      82s snapshot #11
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "10s snapshot #1 web ok → accepted; cluster no-data>fresh
      20s heartbeat #2 → accepted
      25s snapshot #3 web failing lost → never arrived
      30s heartbeat #4 → accepted, resend
      35s heartbeat #5 → accepted
      40s heartbeat #6 → accepted, resend
      40s ask → 200 healthy, 20 s old
      50s heartbeat #7 → accepted, resend
      60s heartbeat #8 → accepted, resend; cluster fresh>late @50s (silence)
      70s heartbeat #9 → accepted, resend
      80s heartbeat #10 → accepted, resend
      81s ask → 503 stale, 61 s old
      82s snapshot #11 → accepted; cluster late>dead @80s (silence); service web ok>failing; category read healthy>unhealthy"
    `)
  })

  it('was refused: the old verdict goes stale, never fresh', () => {
    // A second exporter under the same epoch counted further: 409, and what is held.
    const transcript = play(`
      10s snapshot #1 web ok
      12s heartbeat #9
      20s snapshot #2 web failing
      30s heartbeat #3
      42s ask
      50s heartbeat #4
      70s heartbeat #5
      73s ask
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "10s snapshot #1 web ok → accepted; cluster no-data>fresh
      12s heartbeat #9 → accepted
      20s snapshot #2 web failing → refused, held 1/9
      30s heartbeat #3 → refused, held 1/9
      42s ask → 200 healthy, 30 s old
      50s heartbeat #4 → refused, held 1/9
      70s heartbeat #5 → refused, held 1/9
      73s ask → 503 stale, 61 s old"
    `)
  })

  it('was refused and sent again with a higher number', () => {
    const transcript = play(`
      10s snapshot #1 web ok
      12s heartbeat #9
      20s snapshot #2 web failing
      21s ask
      21s snapshot #10
      22s ask
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "10s snapshot #1 web ok → accepted; cluster no-data>fresh
      12s heartbeat #9 → accepted
      20s snapshot #2 web failing → refused, held 1/9
      21s ask → 200 healthy, 9 s old
      21s snapshot #10 → accepted; service web ok>failing; category read healthy>unhealthy
      22s ask → 503 unhealthy, 1 s old"
    `)
  })
})

describe('the order of leaders', () => {
  it('keeps out a deposed leader that comes back', () => {
    // The old leader was cut off with good news; the new one has seen the fault.
    const transcript = play(`
      10s snapshot #1 web ok
      20s heartbeat #2
      30s blind #1 epoch=2
      40s snapshot #2 epoch=2 web failing
      45s snapshot #3 web ok
      46s heartbeat #4
      50s heartbeat #3 epoch=2 digest=2/2
      51s ask
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "10s snapshot #1 web ok → accepted; cluster no-data>fresh
      20s heartbeat #2 → accepted
      30s blind #1 epoch=2 → accepted; cluster fresh>held
      40s snapshot #2 epoch=2 web failing → accepted; cluster held>fresh; service web ok>failing; category read healthy>unhealthy
      45s snapshot #3 web ok → refused, held 2/2
      46s heartbeat #4 → refused, held 2/2
      50s heartbeat #3 epoch=2 digest=2/2 → accepted
      51s ask → 503 unhealthy, 1 s old"
    `)
  })

  it('takes what was delivered twice only once', () => {
    const transcript = play(`
      10s snapshot #1 web ok
      11s snapshot #1 web ok
      20s heartbeat #2
      21s heartbeat #2
      22s snapshot #1 web failing
      30s ask
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "10s snapshot #1 web ok → accepted; cluster no-data>fresh
      11s snapshot #1 web ok → refused, held 1/1
      20s heartbeat #2 → accepted
      21s heartbeat #2 → refused, held 1/2
      22s snapshot #1 web failing → refused, held 1/2
      30s ask → 200 healthy, 10 s old"
    `)
  })
})

describe('a section that could not be listed', () => {
  it('empties neither categories nor services', () => {
    const transcript = play(`
      10s snapshot #1 web ok
      20s snapshot #2 categories=null
      21s ask read
      30s snapshot #3 services=null
      31s ask
      31s ask read
      40s snapshot #4
      41s ask read
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "10s snapshot #1 web ok → accepted; cluster no-data>fresh
      20s snapshot #2 categories=null → accepted
      21s ask read → 200 healthy, 1 s old
      30s snapshot #3 services=null → accepted
      31s ask → 200 healthy, 11 s old
      31s ask read → 200 healthy, 11 s old
      40s snapshot #4 → accepted
      41s ask read → 200 healthy, 1 s old"
    `)
  })

  it('is no data: services not listed for a minute go stale', () => {
    const transcript = play(`
      10s snapshot #1 web ok
      30s snapshot #2 services=null
      40s ask
      50s snapshot #3 services=null
      70s snapshot #4 services=null
      71s ask
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "10s snapshot #1 web ok → accepted; cluster no-data>fresh
      30s snapshot #2 services=null → accepted
      40s ask → 200 healthy, 30 s old
      50s snapshot #3 services=null → accepted; cluster fresh>late @40s (silence)
      70s snapshot #4 services=null → accepted
      71s ask → 503 stale, 61 s old"
    `)
  })
})

describe('a service not checked yet', () => {
  it('keeps its last result, good or bad', () => {
    const transcript = play(`
      10s snapshot #1 web failing
      20s snapshot #2 web unchecked
      21s ask
      30s snapshot #3 web ok
      40s snapshot #4 web unchecked
      41s ask
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "10s snapshot #1 web failing → accepted; cluster no-data>fresh; service web none>failing; category read none>unhealthy
      20s snapshot #2 web unchecked → accepted
      21s ask → 503 unhealthy, 1 s old
      30s snapshot #3 web ok → accepted; service web failing>ok; category read unhealthy>healthy
      40s snapshot #4 web unchecked → accepted
      41s ask → 200 healthy, 1 s old"
    `)
  })

  it('does not count while there is no result', () => {
    const transcript = play(`
      10s snapshot #1 web ok, api unchecked
      11s ask
      20s snapshot #2 api failing
      21s ask
      22s ask read
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "10s snapshot #1 web ok, api unchecked → accepted; cluster no-data>fresh
      11s ask → 200 healthy, 1 s old
      20s snapshot #2 api failing → accepted; service api none>failing
      21s ask → 503 unhealthy, 1 s old
      22s ask read → 200 healthy, 2 s old"
    `)
  })
})
