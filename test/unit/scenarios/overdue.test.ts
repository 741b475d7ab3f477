/** Histories of services whose new results stay away: each is judged by itself, and the others go on (behaviour, section 1). */
import { describe, expect, it } from 'vitest'
import { play } from '../../support/play.ts'

describe('a service that is overdue', () => {
  it('is late, then failing, and no other service is', () => {
    const transcript = play(`
      1s configmap api services=api
      10s snapshot #1 web ok api ok
      40s snapshot #2 web ok overdue=35s
      41s ask
      41s ask api
      41s show web
      50s heartbeat #3
      60s heartbeat #4
      70s heartbeat #5
      80s heartbeat #6
      90s heartbeat #7
      91s ask read
      95.2s snapshot #8
      96s ask read
      96s ask api
      96s show web
      105s heartbeat #9
      106s ask read
      110s snapshot #10 web ok
      111s ask read
      112s history web
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "1s configmap api services=api → seen
      10s snapshot #1 web ok api ok → accepted; cluster no-data>fresh
      40s snapshot #2 web ok overdue=35s → accepted
      41s ask → 200 degraded, 1 s old
      41s ask api → 200 healthy, 1 s old
      41s show web → late since 10s, no ack
      50s heartbeat #3 → accepted
      60s heartbeat #4 → accepted
      70s heartbeat #5 → accepted
      80s heartbeat #6 → accepted
      90s heartbeat #7 → accepted
      91s ask read → 200 degraded, 1 s old
      95.2s snapshot #8 → accepted; service web ok>failing; category read healthy>unhealthy
      96s ask read → 503 unhealthy, 0 s old
      96s ask api → 200 healthy, 0 s old
      96s show web → critical since 95.2s, no ack
      105s heartbeat #9 → accepted
      106s ask read → 503 unhealthy, 1 s old
      110s snapshot #10 web ok → accepted; service web failing>ok; category read unhealthy>healthy
      111s ask read → 200 healthy, 1 s old
      112s history web → service web ok>failing @95.2s; service web failing>ok @110s"
    `)
  })

  it('turns though only heartbeats come: the first one after that asks for a snapshot', () => {
    const transcript = play(`
      10s snapshot #1 web ok overdue=5s
      60s heartbeat #2
      64.9s heartbeat #3
      65s heartbeat #4
      65.2s snapshot #5
      66s ask read
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "10s snapshot #1 web ok overdue=5s → accepted; cluster no-data>fresh
      60s heartbeat #2 → accepted; cluster fresh>late @40s (silence); cluster late>fresh
      64.9s heartbeat #3 → accepted
      65s heartbeat #4 → accepted, resend
      65.2s snapshot #5 → accepted; service web ok>failing; category read healthy>unhealthy
      66s ask read → 503 unhealthy, 0 s old"
    `)
  })

  it('never turns while no report says that it still is', () => {
    const transcript = play(`
      50s snapshot #1 web ok overdue=5s
      66s ask read
      67s blind #2
      68s ask read
      110s ask read
      111s snapshot #3
      112s ask read
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "50s snapshot #1 web ok overdue=5s → accepted; cluster no-data>fresh
      66s ask read → 200 degraded, 16 s old
      67s blind #2 → accepted; cluster fresh>held
      68s ask read → 200 held, 18 s old
      110s ask read → 200 held, 60 s old
      111s snapshot #3 → accepted; cluster held>fresh; service web ok>failing; category read healthy>unhealthy
      112s ask read → 503 unhealthy, 1 s old"
    `)
  })

  it('counts without any result, as one that was not checked yet', () => {
    const transcript = play(`
      70s snapshot #1 web ok api unchecked overdue=5s
      71s ask
      71s show api
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "70s snapshot #1 web ok api unchecked overdue=5s → accepted; cluster no-data>fresh; service api none>failing
      71s ask → 503 unhealthy, 1 s old
      71s show api → critical since 70s, no ack"
    `)
  })

  it('goes on failing over an eviction and a restore', () => {
    const transcript = play(`
      70s snapshot #1 web ok overdue=5s
      71s evict
      72s ask read
      73s restore
      74s ask read
      75s snapshot #2
      76s ask read
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "70s snapshot #1 web ok overdue=5s → accepted; cluster no-data>fresh; service web none>failing; category read none>unhealthy
      71s evict → read from storage
      72s ask read → 503 unhealthy, 2 s old
      73s restore → from KV; cluster none>held (restored)
      74s ask read → 503 unhealthy, 4 s old
      75s snapshot #2 → accepted; cluster held>fresh; service web none>failing
      76s ask read → 503 unhealthy, 1 s old"
    `)
  })

  it('is acked like one whose pods give no answer', () => {
    const transcript = play(`
      70s snapshot #1 web ok overdue=5s
      71s ack web "known" until=change
      72s ask read
      80s snapshot #2 web unreachable overdue=5s
      81s ask read
      90s snapshot #3 web failing overdue=5s
      91s ask read
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "70s snapshot #1 web ok overdue=5s → accepted; cluster no-data>fresh; service web none>failing; category read none>unhealthy
      71s ack web "known" until=change → done; ack web none>acked (hand by ops: known); category read unhealthy>healthy (hand by ops)
      72s ask read → 200 healthy, 2 s old
      80s snapshot #2 web unreachable overdue=5s → accepted
      81s ask read → 200 healthy, 1 s old
      90s snapshot #3 web failing overdue=5s → accepted; ack web acked>none (changed: known); category read healthy>unhealthy
      91s ask read → 503 unhealthy, 1 s old"
    `)
  })
})
