/** Histories of sticky categories: what counts towards a trip, and what ends one (why page). Each line can be explained. */
import { describe, expect, it } from 'vitest'
import { play } from '../../support/play.ts'

describe('failed checks of a sticky category', () => {
  it('never add up while the service flaps under the threshold', () => {
    const transcript = play(`
      5s configmap read sticky threshold=3
      10s snapshot #1 web failing streak web=1
      20s heartbeat #2 streak web=2
      30s snapshot #3 web ok
      40s snapshot #4 web failing streak web=1
      50s heartbeat #5 streak web=2
      60s snapshot #6 web ok
      70s snapshot #7 web failing streak web=2
      71s show read
      80s snapshot #8 web ok
      81s show read
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "5s configmap read sticky threshold=3 → seen
      10s snapshot #1 web failing streak web=1 → accepted; cluster no-data>fresh; service web none>failing; category read none>unhealthy
      20s heartbeat #2 streak web=2 → accepted
      30s snapshot #3 web ok → accepted; service web failing>ok; category read unhealthy>healthy
      40s snapshot #4 web failing streak web=1 → accepted; service web ok>failing; category read healthy>unhealthy
      50s heartbeat #5 streak web=2 → accepted
      60s snapshot #6 web ok → accepted; service web failing>ok; category read unhealthy>healthy
      70s snapshot #7 web failing streak web=2 → accepted; service web ok>failing; category read healthy>unhealthy
      71s show read → unhealthy since 70s, failing web, counts web=2
      80s snapshot #8 web ok → accepted; service web failing>ok; category read unhealthy>healthy
      81s show read → healthy since 80s"
    `)
  })

  it('trip the category at the threshold, until somebody enables it', () => {
    const transcript = play(`
      5s configmap read sticky threshold=3
      10s snapshot #1 web failing streak web=1
      20s heartbeat #2 streak web=2
      21s ask read
      30s heartbeat #3 streak web=3
      31s ask read
      40s snapshot #4 web ok
      41s ask read
      50s enable read by=nina
      51s ask read
      51s history read
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "5s configmap read sticky threshold=3 → seen
      10s snapshot #1 web failing streak web=1 → accepted; cluster no-data>fresh; service web none>failing; category read none>unhealthy
      20s heartbeat #2 streak web=2 → accepted
      21s ask read → 503 unhealthy, 1 s old
      30s heartbeat #3 streak web=3 → accepted; trip read none>tripped (threshold: web failed 3 checks); category read unhealthy>disabled (threshold)
      31s ask read → 503 disabled, 1 s old
      40s snapshot #4 web ok → accepted; service web failing>ok
      41s ask read → 503 disabled, 1 s old
      50s enable read by=nina → done; trip read tripped>none (hand by nina); category read disabled>healthy (hand by nina)
      51s ask read → 200 healthy, 11 s old
      51s history read → category read none>unhealthy @10s; trip read none>tripped @30s (threshold: web failed 3 checks); category read unhealthy>disabled @30s (threshold); trip read tripped>none @50s (hand by nina); category read disabled>healthy @50s (hand by nina)"
    `)
  })

  it('count once, however many heartbeats tell of them', () => {
    // A service that is checked once a minute: six heartbeats tell of its one failure.
    const transcript = play(`
      5s configmap read sticky threshold=2
      10s snapshot #1 web failing streak web=1
      20s heartbeat #2
      30s heartbeat #3
      40s heartbeat #4
      50s heartbeat #5
      60s heartbeat #6
      65s show read
      70s heartbeat #7 streak web=2
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "5s configmap read sticky threshold=2 → seen
      10s snapshot #1 web failing streak web=1 → accepted; cluster no-data>fresh; service web none>failing; category read none>unhealthy
      20s heartbeat #2 → accepted
      30s heartbeat #3 → accepted
      40s heartbeat #4 → accepted
      50s heartbeat #5 → accepted
      60s heartbeat #6 → accepted
      65s show read → unhealthy since 10s, failing web, counts web=1
      70s heartbeat #7 streak web=2 → accepted; trip read none>tripped (threshold: web failed 2 checks); category read unhealthy>disabled (threshold)"
    `)
  })

  it('never count by being read, however often', () => {
    const transcript = play(`
      5s configmap read sticky threshold=2
      10s snapshot #1 web failing streak web=1
      ${Array.from({ length: 50 }, () => '11s ask read').join('\n')}
      11s alarm
      11s show read
    `)

    expect(transcript.split('\n').slice(-3).join('\n')).toMatchInlineSnapshot(`
      "11s ask read → 503 unhealthy, 1 s old
      11s alarm → rang
      11s show read → unhealthy since 10s, failing web, counts web=1"
    `)
  })

  it('count for each category by itself, though it shares the service', () => {
    const transcript = play(`
      5s configmap read sticky threshold=2
      5s configmap write sticky threshold=4
      5s configmap plain threshold=1
      10s snapshot #1 web failing streak web=1
      20s heartbeat #2 streak web=2
      25s enable read
      30s heartbeat #3 streak web=3
      31s show read
      31s show write
      31s show plain
      40s heartbeat #4 streak web=4
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "5s configmap read sticky threshold=2 → seen
      5s configmap write sticky threshold=4 → seen
      5s configmap plain threshold=1 → seen
      10s snapshot #1 web failing streak web=1 → accepted; cluster no-data>fresh; service web none>failing; category plain none>unhealthy; category read none>unhealthy; category write none>unhealthy
      20s heartbeat #2 streak web=2 → accepted; trip read none>tripped (threshold: web failed 2 checks); category read unhealthy>disabled (threshold)
      25s enable read → done; trip read tripped>none (hand by ops); category read disabled>unhealthy (hand by ops)
      30s heartbeat #3 streak web=3 → accepted
      31s show read → unhealthy since 25s, failing web, counts web=1
      31s show write → unhealthy since 10s, failing web, counts web=3
      31s show plain → unhealthy since 10s, failing web
      40s heartbeat #4 streak web=4 → accepted; trip read none>tripped (threshold: web failed 2 checks); trip write none>tripped (threshold: web failed 4 checks); category read unhealthy>disabled (threshold); category write unhealthy>disabled (threshold)"
    `)
  })

  it('never add up over two services of one category', () => {
    const transcript = play(`
      5s configmap read sticky threshold=3 services=web+api
      10s snapshot #1 web failing, api failing, streak web=2 streak api=2
      11s show read
      20s heartbeat #2 streak api=3
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "5s configmap read sticky threshold=3 services=web+api → seen
      10s snapshot #1 web failing, api failing, streak web=2 streak api=2 → accepted; cluster no-data>fresh; service web none>failing; service api none>failing; category read none>unhealthy
      11s show read → unhealthy since 10s, failing web api, counts web=2 api=2
      20s heartbeat #2 streak api=3 → accepted; trip read none>tripped (threshold: api failed 3 checks); category read unhealthy>disabled (threshold)"
    `)
  })
})

describe('failed checks that were acked', () => {
  it('do not count, those before and after do', () => {
    const transcript = play(`
      5s configmap read sticky threshold=3
      10s snapshot #1 web failing streak web=1
      15s ack web "known"
      20s heartbeat #2 streak web=2
      30s heartbeat #3 streak web=9
      31s show read
      35s rem-ack web
      40s heartbeat #4 streak web=10
      41s show read
      50s heartbeat #5 streak web=11
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "5s configmap read sticky threshold=3 → seen
      10s snapshot #1 web failing streak web=1 → accepted; cluster no-data>fresh; service web none>failing; category read none>unhealthy
      15s ack web "known" → done; ack web none>acked (hand by ops: known); category read unhealthy>healthy (hand by ops)
      20s heartbeat #2 streak web=2 → accepted
      30s heartbeat #3 streak web=9 → accepted
      31s show read → healthy since 15s, acked web, counts web=1
      35s rem-ack web → done; ack web acked>none (hand by ops: known); category read healthy>unhealthy (hand by ops)
      40s heartbeat #4 streak web=10 → accepted
      41s show read → unhealthy since 35s, failing web, counts web=2
      50s heartbeat #5 streak web=11 → accepted; trip read none>tripped (threshold: web failed 3 checks); category read unhealthy>disabled (threshold)"
    `)
  })

  it('trip nothing though the threshold falls below their count', () => {
    const transcript = play(`
      5s configmap read sticky threshold=5
      10s snapshot #1 web failing streak web=3
      15s ack web "known"
      16s configmap read sticky threshold=3
      20s snapshot #2
      21s show read
      25s rem-ack web
      30s heartbeat #3
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "5s configmap read sticky threshold=5 → seen
      10s snapshot #1 web failing streak web=3 → accepted; cluster no-data>fresh; service web none>failing; category read none>unhealthy
      15s ack web "known" → done; ack web none>acked (hand by ops: known); category read unhealthy>healthy (hand by ops)
      16s configmap read sticky threshold=3 → seen
      20s snapshot #2 → accepted
      21s show read → healthy since 15s, acked web, counts web=3
      25s rem-ack web → done; ack web acked>none (hand by ops: known); category read healthy>unhealthy (hand by ops)
      30s heartbeat #3 → accepted; trip read none>tripped (threshold: web failed 3 checks); category read unhealthy>disabled (threshold)"
    `)
  })

  it('count again from the moment the ack ran out', () => {
    const transcript = play(`
      5s configmap read sticky threshold=2
      10s snapshot #1 web failing streak web=1
      10s ack web "known" expires=15s
      20s heartbeat #2 streak web=2
      30s heartbeat #3 streak web=3
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "5s configmap read sticky threshold=2 → seen
      10s snapshot #1 web failing streak web=1 → accepted; cluster no-data>fresh; service web none>failing; category read none>unhealthy
      10s ack web "known" expires=15s → done; ack web none>acked (hand by ops: known); category read unhealthy>healthy (hand by ops)
      20s heartbeat #2 streak web=2 → accepted
      30s heartbeat #3 streak web=3 → accepted; ack web acked>none @25s (expired: known); category read healthy>unhealthy @25s (expired); trip read none>tripped (threshold: web failed 2 checks); category read unhealthy>disabled (threshold)"
    `)
  })
})

describe('a category that tripped', () => {
  it('and is enabled while still failing counts from nothing', () => {
    const transcript = play(`
      5s configmap read sticky threshold=2
      10s snapshot #1 web failing streak web=2
      15s enable read by=nina
      16s ask read
      20s heartbeat #2
      21s show read
      30s heartbeat #3 streak web=3
      31s show read
      40s heartbeat #4 streak web=4
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "5s configmap read sticky threshold=2 → seen
      10s snapshot #1 web failing streak web=2 → accepted; cluster no-data>fresh; trip read none>tripped (threshold: web failed 2 checks); service web none>failing; category read none>disabled (threshold)
      15s enable read by=nina → done; trip read tripped>none (hand by nina); category read disabled>unhealthy (hand by nina)
      16s ask read → 503 unhealthy, 6 s old
      20s heartbeat #2 → accepted
      21s show read → unhealthy since 15s, failing web
      30s heartbeat #3 streak web=3 → accepted
      31s show read → unhealthy since 15s, failing web, counts web=1
      40s heartbeat #4 streak web=4 → accepted; trip read none>tripped (threshold: web failed 2 checks); category read unhealthy>disabled (threshold)"
    `)
  })

  it('counts no further failures and no further trips', () => {
    const transcript = play(`
      5s configmap read sticky threshold=2
      10s snapshot #1 web failing streak web=2
      20s heartbeat #2 streak web=9
      21s show read
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "5s configmap read sticky threshold=2 → seen
      10s snapshot #1 web failing streak web=2 → accepted; cluster no-data>fresh; trip read none>tripped (threshold: web failed 2 checks); service web none>failing; category read none>disabled (threshold)
      20s heartbeat #2 streak web=9 → accepted
      21s show read → disabled since 10s, failing web, disabled by trip"
    `)
  })

  it('at once when its ConfigMap lowers the threshold', () => {
    const transcript = play(`
      5s configmap read sticky threshold=5
      10s snapshot #1 web failing streak web=3
      15s configmap read sticky threshold=3
      20s snapshot #2
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "5s configmap read sticky threshold=5 → seen
      10s snapshot #1 web failing streak web=3 → accepted; cluster no-data>fresh; service web none>failing; category read none>unhealthy
      15s configmap read sticky threshold=3 → seen
      20s snapshot #2 → accepted; trip read none>tripped (threshold: web failed 3 checks); category read unhealthy>disabled (threshold)"
    `)
  })

  it('stays so while it is no longer sticky', () => {
    const transcript = play(`
      5s configmap read sticky threshold=1
      10s snapshot #1 web failing streak web=1
      15s configmap read
      20s snapshot #2 web ok
      21s show read
      25s enable read
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "5s configmap read sticky threshold=1 → seen
      10s snapshot #1 web failing streak web=1 → accepted; cluster no-data>fresh; trip read none>tripped (threshold: web failed 1 check); service web none>failing; category read none>disabled (threshold)
      15s configmap read → seen
      20s snapshot #2 web ok → accepted; service web failing>ok
      21s show read → disabled since 10s, disabled by trip
      25s enable read → done; trip read tripped>none (hand by ops); category read disabled>healthy (hand by ops)"
    `)
  })
})
