/** Histories of acks that end by themselves: on recovery, on change (why page). Each line can be explained. */
import { describe, expect, it } from 'vitest'
import { play } from '../../support/play.ts'

describe('an ack until recovery', () => {
  it('ends after exactly 60 s of good reports', () => {
    const transcript = play(`
      10s snapshot #1 web failing
      15s ack web "known" until=recovery
      20s snapshot #2 web ok
      40s heartbeat #3
      60s heartbeat #4
      79.999s heartbeat #5
      80s heartbeat #6
      81s show web
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "10s snapshot #1 web failing → accepted; cluster no-data>fresh; service web none>failing; category read none>unhealthy
      15s ack web "known" until=recovery → done; ack web none>acked (hand by ops: known); category read unhealthy>healthy (hand by ops)
      20s snapshot #2 web ok → accepted; service web failing>ok
      40s heartbeat #3 → accepted
      60s heartbeat #4 → accepted
      79.999s heartbeat #5 → accepted
      80s heartbeat #6 → accepted; ack web acked>none (recovered: known)
      81s show web → ok since 20s, no ack"
    `)
  })

  it('stands while the service is good by an old result alone', () => {
    const transcript = play(`
      0s snapshot #1 web failing
      1s ack web "known" until=recovery
      10s snapshot #2 web ok
      30s snapshot #3 web ok overdue=25s
      40s heartbeat #4
      50s heartbeat #5
      60s heartbeat #6
      70s heartbeat #7
      80s heartbeat #8
      90s snapshot #9 web ok overdue=25s
      91s ask read
    `)

    expect(transcript).not.toContain('recovered')
    expect(transcript).toContain('91s ask read → 200')
  })

  it('stands while the service flaps', () => {
    const transcript = play(`
      10s snapshot #1 web failing
      15s ack web "known" until=recovery
      20s snapshot #2 web ok
      40s heartbeat #3
      60s heartbeat #4
      70s snapshot #5 web failing
      75s snapshot #6 web ok
      95s heartbeat #7
      115s heartbeat #8
      134s heartbeat #9
      135s heartbeat #10
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "10s snapshot #1 web failing → accepted; cluster no-data>fresh; service web none>failing; category read none>unhealthy
      15s ack web "known" until=recovery → done; ack web none>acked (hand by ops: known); category read unhealthy>healthy (hand by ops)
      20s snapshot #2 web ok → accepted; service web failing>ok
      40s heartbeat #3 → accepted
      60s heartbeat #4 → accepted
      70s snapshot #5 web failing → accepted; service web ok>failing
      75s snapshot #6 web ok → accepted; service web failing>ok
      95s heartbeat #7 → accepted
      115s heartbeat #8 → accepted
      134s heartbeat #9 → accepted
      135s heartbeat #10 → accepted; ack web acked>none (recovered: known)"
    `)
  })

  it('begins again after a gap in reports of over three intervals', () => {
    const transcript = play(`
      10s snapshot #1 web failing
      15s ack web "known" until=recovery
      20s snapshot #2 web ok
      50s heartbeat #3
      80.001s heartbeat #4
      81s show web
      110s heartbeat #5
      140s heartbeat #6
      140.001s heartbeat #7
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "10s snapshot #1 web failing → accepted; cluster no-data>fresh; service web none>failing; category read none>unhealthy
      15s ack web "known" until=recovery → done; ack web none>acked (hand by ops: known); category read unhealthy>healthy (hand by ops)
      20s snapshot #2 web ok → accepted; service web failing>ok
      50s heartbeat #3 → accepted
      80.001s heartbeat #4 → accepted; cluster fresh>late @80s (silence); cluster late>fresh
      81s show web → ok since 20s, acked by ops until recovery: known
      110s heartbeat #5 → accepted
      140s heartbeat #6 → accepted
      140.001s heartbeat #7 → accepted; ack web acked>none (recovered: known)"
    `)
  })

  it('begins again when the cluster came back from the dead', () => {
    const transcript = play(`
      10s snapshot #1 web failing
      15s ack web "known" until=recovery
      20s snapshot #2 web ok
      40s heartbeat #3
      200s heartbeat #4
      210s heartbeat #5
      240s heartbeat #6
      269s heartbeat #7
      270s heartbeat #8
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "10s snapshot #1 web failing → accepted; cluster no-data>fresh; service web none>failing; category read none>unhealthy
      15s ack web "known" until=recovery → done; ack web none>acked (hand by ops: known); category read unhealthy>healthy (hand by ops)
      20s snapshot #2 web ok → accepted; service web failing>ok
      40s heartbeat #3 → accepted
      200s heartbeat #4 → accepted; cluster fresh>late @70s (silence); cluster late>dead @100s (silence)
      210s heartbeat #5 → accepted; cluster dead>fresh
      240s heartbeat #6 → accepted
      269s heartbeat #7 → accepted
      270s heartbeat #8 → accepted; ack web acked>none (recovered: known)"
    `)
  })

  it('is not ended by heartbeats that are merely heard', () => {
    const transcript = play(`
      10s snapshot #1 web failing
      15s ack web "known" until=recovery
      20s snapshot #2 web ok
      40s heartbeat #3 digest=other
      50s heartbeat #4 digest=other
      80s heartbeat #5 digest=other
      81s show web
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "10s snapshot #1 web failing → accepted; cluster no-data>fresh; service web none>failing; category read none>unhealthy
      15s ack web "known" until=recovery → done; ack web none>acked (hand by ops: known); category read unhealthy>healthy (hand by ops)
      20s snapshot #2 web ok → accepted; service web failing>ok
      40s heartbeat #3 digest=other → accepted, resend
      50s heartbeat #4 digest=other → accepted, resend
      80s heartbeat #5 digest=other → accepted, resend; cluster fresh>late @50s (silence)
      81s show web → ok since 20s, acked by ops until recovery: known"
    `)
  })

  it('goes on through an eviction', () => {
    const transcript = play(`
      10s snapshot #1 web failing
      15s ack web "known" until=recovery
      20s snapshot #2 web ok
      40s heartbeat #3
      45s evict
      60s heartbeat #4
      80s heartbeat #5
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "10s snapshot #1 web failing → accepted; cluster no-data>fresh; service web none>failing; category read none>unhealthy
      15s ack web "known" until=recovery → done; ack web none>acked (hand by ops: known); category read unhealthy>healthy (hand by ops)
      20s snapshot #2 web ok → accepted; service web failing>ok
      40s heartbeat #3 → accepted
      45s evict → read from storage
      60s heartbeat #4 → accepted
      80s heartbeat #5 → accepted; ack web acked>none (recovered: known)"
    `)
  })
})

describe('an ack until change', () => {
  it('stays when a pod is rescheduled or an output holds a number', () => {
    const transcript = play(`
      10s snapshot #1 web failing pod=web-1 output="17 of 20"
      15s ack web "known" until=change
      20s snapshot #2 web failing pod=web-2 output="18 of 20"
      30s snapshot #3 web ok pod=web-3
      40s snapshot #4 web failing pod=web-4
      41s ask read
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "10s snapshot #1 web failing pod=web-1 output="17 of 20" → accepted; cluster no-data>fresh; service web none>failing; category read none>unhealthy
      15s ack web "known" until=change → done; ack web none>acked (hand by ops: known); category read unhealthy>healthy (hand by ops)
      20s snapshot #2 web failing pod=web-2 output="18 of 20" → accepted
      30s snapshot #3 web ok pod=web-3 → accepted; service web failing>ok
      40s snapshot #4 web failing pod=web-4 → accepted; service web ok>failing
      41s ask read → 200 healthy, 1 s old"
    `)
  })

  it('ends when another check fails beside', () => {
    const transcript = play(`
      10s snapshot #1 web failing check=database+queue
      15s ack web "known" until=change
      20s snapshot #2 web failing check=queue
      30s snapshot #3 web failing check=queue+disk
      31s ask read
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "10s snapshot #1 web failing check=database+queue → accepted; cluster no-data>fresh; service web none>failing; category read none>unhealthy
      15s ack web "known" until=change → done; ack web none>acked (hand by ops: known); category read unhealthy>healthy (hand by ops)
      20s snapshot #2 web failing check=queue → accepted
      30s snapshot #3 web failing check=queue+disk → accepted; ack web acked>none (changed: known); category read healthy>unhealthy
      31s ask read → 503 unhealthy, 1 s old"
    `)
  })

  it('ends when the pod gives no answer at all', () => {
    const transcript = play(`
      10s snapshot #1 web failing severity=1
      15s ack web "known" until=change
      20s snapshot #2 web unreachable
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "10s snapshot #1 web failing severity=1 → accepted; cluster no-data>fresh; service web none>failing; category read none>unhealthy
      15s ack web "known" until=change → done; ack web none>acked (hand by ops: known); category read unhealthy>healthy (hand by ops)
      20s snapshot #2 web unreachable → accepted; ack web acked>none (changed: known); category read healthy>unhealthy"
    `)
  })

  it('stays when severity gets better and ends when it gets worse', () => {
    const transcript = play(`
      10s snapshot #1 web failing severity=2
      15s ack web "known" until=change
      20s snapshot #2 web failing severity=3
      30s snapshot #3 web failing severity=2
      40s snapshot #4 web failing severity=1
      41s show read
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "10s snapshot #1 web failing severity=2 → accepted; cluster no-data>fresh; service web none>failing; category read none>unhealthy
      15s ack web "known" until=change → done; ack web none>acked (hand by ops: known); category read unhealthy>healthy (hand by ops)
      20s snapshot #2 web failing severity=3 → accepted
      30s snapshot #3 web failing severity=2 → accepted
      40s snapshot #4 web failing severity=1 → accepted; ack web acked>none (changed: known); category read healthy>unhealthy
      41s show read → unhealthy since 40s, failing web"
    `)
  })

  it('ends and counts in one report against a sticky category', () => {
    const transcript = play(`
      5s configmap read sticky threshold=1
      6s snapshot #1 web ok
      10s ack web "known" until=change
      20s snapshot #2 web failing streak web=1
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "5s configmap read sticky threshold=1 → seen
      6s snapshot #1 web ok → accepted; cluster no-data>fresh
      10s ack web "known" until=change → done; ack web none>acked (hand by ops: known)
      20s snapshot #2 web failing streak web=1 → accepted; ack web acked>none (changed: known); trip read none>tripped (threshold: web failed 1 check); service web ok>failing; category read healthy>disabled (threshold)"
    `)
  })
})
