/** Histories of categories that somebody or something switched, against what their ConfigMap says (why page). Each line can be explained. */
import { describe, expect, it } from 'vitest'
import { play } from '../../support/play.ts'

describe('a category disabled by hand', () => {
  it('stays so when its manifests are applied again', () => {
    const transcript = play(`
      5s configmap read enabled=true
      10s snapshot #1 web ok
      15s disable read "failover to b" by=nina
      16s ask read
      20s configmap read enabled=true
      20s snapshot #2
      21s ask read
      30s configmap read
      30s snapshot #3
      31s ask read
      40s configmap read enabled=true
      40s snapshot #4
      41s show read
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "5s configmap read enabled=true → seen
      10s snapshot #1 web ok → accepted; cluster no-data>fresh
      15s disable read "failover to b" by=nina → done; category read healthy>disabled (hand by nina: failover to b)
      16s ask read → 503 disabled, 6 s old
      20s configmap read enabled=true → seen
      20s snapshot #2 → accepted
      21s ask read → 503 disabled, 1 s old
      30s configmap read → seen
      30s snapshot #3 → accepted
      31s ask read → 503 disabled, 1 s old
      40s configmap read enabled=true → seen
      40s snapshot #4 → accepted
      41s show read → disabled since 15s, disabled by nina"
    `)
  })

  it('stays so when its ConfigMap is deleted and made anew', () => {
    const transcript = play(`
      5s configmap read enabled=true
      10s snapshot #1 web ok
      15s disable read "failover"
      20s configmap read gone
      20s snapshot #2
      21s ask read
      30s configmap read enabled=true
      30s snapshot #3
      31s ask read
      40s snapshot #4 categories=null
      41s ask read
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "5s configmap read enabled=true → seen
      10s snapshot #1 web ok → accepted; cluster no-data>fresh
      15s disable read "failover" → done; category read healthy>disabled (hand by ops: failover)
      20s configmap read gone → seen
      20s snapshot #2 → accepted; category read disabled>none (configmap)
      21s ask read → 400 unknown-category, 1 s old
      30s configmap read enabled=true → seen
      30s snapshot #3 → accepted; category read none>disabled (configmap)
      31s ask read → 503 disabled, 1 s old
      40s snapshot #4 categories=null → accepted
      41s ask read → 503 disabled, 1 s old"
    `)
  })

  it('is ended by a ConfigMap that says something else', () => {
    const transcript = play(`
      5s configmap read enabled=true
      10s snapshot #1 web ok
      15s disable read "failover"
      20s configmap read enabled=false
      20s snapshot #2
      21s show read
      30s configmap read enabled=true
      30s snapshot #3
      31s show read
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "5s configmap read enabled=true → seen
      10s snapshot #1 web ok → accepted; cluster no-data>fresh
      15s disable read "failover" → done; category read healthy>disabled (hand by ops: failover)
      20s configmap read enabled=false → seen
      20s snapshot #2 → accepted
      21s show read → disabled since 15s
      30s configmap read enabled=true → seen
      30s snapshot #3 → accepted; category read disabled>healthy (configmap)
      31s show read → healthy since 30s"
    `)
  })

  it('outlives a first word that says what the default is', () => {
    const transcript = play(`
      10s snapshot #1 web ok
      15s disable read "failover"
      20s snapshot #2
      21s ask read
      25s configmap read enabled=true
      30s snapshot #3
      31s ask read
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "10s snapshot #1 web ok → accepted; cluster no-data>fresh
      15s disable read "failover" → done; category read healthy>disabled (hand by ops: failover)
      20s snapshot #2 → accepted
      21s ask read → 503 disabled, 1 s old
      25s configmap read enabled=true → seen
      30s snapshot #3 → accepted
      31s ask read → 503 disabled, 1 s old"
    `)
  })

  it('stays so through silence, death and the way back', () => {
    const transcript = play(`
      10s snapshot #1 web ok
      15s disable read "failover" by=nina
      45s ask read
      71s ask read
      71s ask
      71s alarm
      1000s ask read
      1001s evict
      1010s snapshot #2
      1011s ask read
      1020s heartbeat #3
      1021s ask read
      1021s ask
      1030s enable read by=nina
      1031s ask read
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "10s snapshot #1 web ok → accepted; cluster no-data>fresh
      15s disable read "failover" by=nina → done; category read healthy>disabled (hand by nina: failover)
      45s ask read → 503 disabled, 35 s old
      71s ask read → 503 disabled, 61 s old
      71s ask → 503 stale, 61 s old
      71s alarm → rang; cluster fresh>late @40s (silence); cluster late>dead @70s (silence)
      1000s ask read → 503 disabled, 990 s old
      1001s evict → read from storage
      1010s snapshot #2 → accepted
      1011s ask read → 503 disabled, 1001 s old
      1020s heartbeat #3 → accepted; cluster dead>fresh
      1021s ask read → 503 disabled, 1 s old
      1021s ask → 200 healthy, 1 s old
      1030s enable read by=nina → done; category read disabled>healthy (hand by nina)
      1031s ask read → 200 healthy, 11 s old"
    `)
  })

  it('acts at once in a cluster that is held', () => {
    const transcript = play(`
      10s snapshot #1 web ok
      20s blind #2
      21s ask read
      22s disable read "failover" by=nina
      23s ask read
      30s blind #3
      31s ask read
      32s enable read by=nina
      33s ask read
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "10s snapshot #1 web ok → accepted; cluster no-data>fresh
      20s blind #2 → accepted; cluster fresh>held
      21s ask read → 200 held, 11 s old
      22s disable read "failover" by=nina → done; category read healthy>disabled (hand by nina: failover)
      23s ask read → 503 disabled, 13 s old
      30s blind #3 → accepted
      31s ask read → 503 disabled, 21 s old
      32s enable read by=nina → done; category read disabled>healthy (hand by nina)
      33s ask read → 200 held, 23 s old"
    `)
  })

  it('tells nobody who is not asked for it', () => {
    const transcript = play(`
      5s configmap write
      10s snapshot #1 web ok
      15s disable read "failover"
      16s ask write
      16s ask
      16s ask read, write
      17s disable nobody "x"
      18s enable nobody
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "5s configmap write → seen
      10s snapshot #1 web ok → accepted; cluster no-data>fresh
      15s disable read "failover" → done; category read healthy>disabled (hand by ops: failover)
      16s ask write → 200 healthy, 6 s old
      16s ask → 200 healthy, 6 s old
      16s ask read, write → 503 disabled, 6 s old
      17s disable nobody "x" → refused, unknown-category
      18s enable nobody → refused, unknown-category"
    `)
  })
})

describe('a category that its ConfigMap disables', () => {
  it('can be enabled by hand, until it says something else', () => {
    const transcript = play(`
      5s configmap read enabled=false
      10s snapshot #1 web ok
      11s ask read
      15s enable read by=nina
      16s show read
      20s configmap read enabled=false
      20s snapshot #2
      21s ask read
      30s configmap read gone
      30s snapshot #3
      40s configmap read enabled=false
      40s snapshot #4
      41s ask read
      50s configmap read enabled=true
      50s snapshot #5
      51s show read
      60s configmap read enabled=false
      60s snapshot #6
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "5s configmap read enabled=false → seen
      10s snapshot #1 web ok → accepted; cluster no-data>fresh; category read none>disabled (configmap)
      11s ask read → 503 disabled, 1 s old
      15s enable read by=nina → done; category read disabled>healthy (hand by nina)
      16s show read → healthy since 15s, enabled by nina
      20s configmap read enabled=false → seen
      20s snapshot #2 → accepted
      21s ask read → 200 healthy, 1 s old
      30s configmap read gone → seen
      30s snapshot #3 → accepted; category read healthy>none
      40s configmap read enabled=false → seen
      40s snapshot #4 → accepted
      41s ask read → 200 healthy, 1 s old
      50s configmap read enabled=true → seen
      50s snapshot #5 → accepted
      51s show read → healthy since 40s
      60s configmap read enabled=false → seen
      60s snapshot #6 → accepted; category read healthy>disabled (configmap)"
    `)
  })

  it('stays enabled by a hand that enables it twice while it is gone', () => {
    const transcript = play(`
      5s configmap read enabled=false
      10s snapshot #1 web ok
      15s enable read
      20s configmap read gone
      20s snapshot #2
      25s enable read
      30s configmap read enabled=false
      30s snapshot #3
      31s ask read
    `)

    expect(transcript).toContain('31s ask read → 200 healthy')
  })

  it('counts nothing, and counts anew once it is enabled', () => {
    const transcript = play(`
      5s configmap read sticky threshold=3 enabled=true
      10s snapshot #1 web failing streak web=2
      15s configmap read sticky threshold=3 enabled=false
      20s snapshot #2 streak web=8
      25s configmap read sticky threshold=3 enabled=true
      30s snapshot #3 streak web=9
      31s show read
    `)

    expect(transcript).toContain('31s show read → unhealthy since 30s, failing web, counts web=1')
  })
})

describe('a category that tripped', () => {
  it('is ended only by what its ConfigMap says differently', () => {
    const transcript = play(`
      5s configmap read sticky threshold=2 enabled=true
      10s snapshot #1 web failing streak web=2
      15s configmap read sticky threshold=2 enabled=true
      20s snapshot #2 web ok
      21s ask read
      25s configmap read sticky threshold=2
      30s snapshot #3
      31s ask read
      35s configmap read gone
      40s snapshot #4
      45s configmap read sticky threshold=2 enabled=false
      50s snapshot #5
      51s show read
      55s configmap read sticky threshold=2 enabled=true
      60s snapshot #6
      61s show read
      61s history read
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "5s configmap read sticky threshold=2 enabled=true → seen
      10s snapshot #1 web failing streak web=2 → accepted; cluster no-data>fresh; trip read none>tripped (threshold: web failed 2 checks); service web none>failing; category read none>disabled (threshold)
      15s configmap read sticky threshold=2 enabled=true → seen
      20s snapshot #2 web ok → accepted; service web failing>ok
      21s ask read → 503 disabled, 1 s old
      25s configmap read sticky threshold=2 → seen
      30s snapshot #3 → accepted
      31s ask read → 503 disabled, 1 s old
      35s configmap read gone → seen
      40s snapshot #4 → accepted; category read disabled>none (configmap)
      45s configmap read sticky threshold=2 enabled=false → seen
      50s snapshot #5 → accepted; trip read tripped>none (configmap); category read none>disabled (configmap)
      51s show read → disabled since 50s
      55s configmap read sticky threshold=2 enabled=true → seen
      60s snapshot #6 → accepted; category read disabled>healthy (configmap)
      61s show read → healthy since 60s
      61s history read → trip read none>tripped @10s (threshold: web failed 2 checks); category read none>disabled @10s (threshold); category read disabled>none @40s (configmap); trip read tripped>none @50s (configmap); category read none>disabled @50s (configmap); category read disabled>healthy @60s (configmap)"
    `)
  })

  it('counts anew after its ConfigMap ended the trip', () => {
    const transcript = play(`
      5s configmap read sticky threshold=2
      10s snapshot #1 web failing streak web=2
      15s configmap read sticky threshold=2 enabled=false
      16s snapshot #2
      17s configmap read sticky threshold=2 enabled=true
      20s snapshot #3
      21s show read
      30s heartbeat #4 streak web=3
      40s heartbeat #5 streak web=4
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "5s configmap read sticky threshold=2 → seen
      10s snapshot #1 web failing streak web=2 → accepted; cluster no-data>fresh; trip read none>tripped (threshold: web failed 2 checks); service web none>failing; category read none>disabled (threshold)
      15s configmap read sticky threshold=2 enabled=false → seen
      16s snapshot #2 → accepted; trip read tripped>none (configmap)
      17s configmap read sticky threshold=2 enabled=true → seen
      20s snapshot #3 → accepted; category read disabled>unhealthy (configmap)
      21s show read → unhealthy since 20s, failing web
      30s heartbeat #4 streak web=3 → accepted
      40s heartbeat #5 streak web=4 → accepted; trip read none>tripped (threshold: web failed 2 checks); category read unhealthy>disabled (threshold)"
    `)
  })

  it('is no longer a trip when somebody disables it', () => {
    const transcript = play(`
      5s configmap read sticky threshold=1
      10s snapshot #1 web failing streak web=1
      11s show read
      15s disable read "stay out" by=nina
      16s show read
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "5s configmap read sticky threshold=1 → seen
      10s snapshot #1 web failing streak web=1 → accepted; cluster no-data>fresh; trip read none>tripped (threshold: web failed 1 check); service web none>failing; category read none>disabled (threshold)
      11s show read → disabled since 10s, failing web, counts web=1, disabled by trip
      15s disable read "stay out" by=nina → done; trip read tripped>none (hand by nina: stay out); category read disabled>disabled (hand by nina: stay out)
      16s show read → disabled since 10s, failing web, counts web=1, disabled by nina"
    `)
  })

  it('trips again though its ConfigMap disables and a hand enabled it', () => {
    const transcript = play(`
      5s configmap read sticky threshold=2 enabled=false
      10s snapshot #1 web failing streak web=1
      15s enable read by=nina
      20s heartbeat #2 streak web=3
      21s show read
      25s enable read by=nina
      26s show read
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "5s configmap read sticky threshold=2 enabled=false → seen
      10s snapshot #1 web failing streak web=1 → accepted; cluster no-data>fresh; service web none>failing; category read none>disabled (configmap)
      15s enable read by=nina → done; category read disabled>unhealthy (hand by nina)
      20s heartbeat #2 streak web=3 → accepted; trip read none>tripped (threshold: web failed 2 checks); category read unhealthy>disabled (threshold)
      21s show read → disabled since 20s, failing web, counts web=2, disabled by trip
      25s enable read by=nina → done; trip read tripped>none (hand by nina); category read disabled>unhealthy (hand by nina)
      26s show read → unhealthy since 25s, failing web, enabled by nina"
    `)
  })
})

it('keeps a category enabled whose ConfigMap comes back as it was', () => {
  const transcript = play(`
    5s configmap read enabled=false
    10s snapshot #1 web ok
    11s disable read "stay out"
    20s configmap read gone
    20s snapshot #2
    25s enable read
    30s configmap read enabled=false
    30s snapshot #3
    31s ask read
  `)

  expect(transcript).toContain('31s ask read → 200 healthy')
})
