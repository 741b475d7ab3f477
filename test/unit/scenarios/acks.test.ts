/** Histories of acks: what a failing service costs while it is known, and whose word that is. Each line can be explained. */
import { describe, expect, it } from 'vitest'
import { play } from '../../support/play.ts'

describe('an ack', () => {
  it('lets a failing service pass until it is removed', () => {
    const transcript = play(`
      10s snapshot #1 web failing
      15s ack web "disk is on its way" by=nina
      16s ask read
      16s show read
      20s snapshot #2 web ok
      30s snapshot #3 web failing check=other severity=1
      31s ask read
      40s rem-ack web by=omar
      41s ask read
      42s rem-ack web
      43s ack nobody "x"
      43s rem-ack nobody
      44s history web
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "10s snapshot #1 web failing → accepted; cluster no-data>fresh; service web none>failing; category read none>unhealthy
      15s ack web "disk is on its way" by=nina → done; ack web none>acked (hand by nina: disk is on its way); category read unhealthy>healthy (hand by nina)
      16s ask read → 200 healthy, 6 s old
      16s show read → healthy since 15s, acked web
      20s snapshot #2 web ok → accepted; service web failing>ok
      30s snapshot #3 web failing check=other severity=1 → accepted; service web ok>failing
      31s ask read → 200 healthy, 1 s old
      40s rem-ack web by=omar → done; ack web acked>none (hand by omar: disk is on its way); category read healthy>unhealthy (hand by omar)
      41s ask read → 503 unhealthy, 11 s old
      42s rem-ack web → refused, not-acked
      43s ack nobody "x" → refused, unknown-service
      43s rem-ack nobody → refused, unknown-service
      44s history web → service web none>failing @10s; ack web none>acked @15s (hand by nina: disk is on its way); service web failing>ok @20s; service web ok>failing @30s; ack web acked>none @40s (hand by omar: disk is on its way)"
    `)
  })

  it('takes the place of the one before', () => {
    const transcript = play(`
      10s snapshot #1 web failing
      11s ack web "first" expires=4h by=nina
      12s ack web "second" until=change by=omar
      13s show web
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "10s snapshot #1 web failing → accepted; cluster no-data>fresh; service web none>failing; category read none>unhealthy
      11s ack web "first" expires=4h by=nina → done; ack web none>acked (hand by nina: first); category read unhealthy>healthy (hand by nina)
      12s ack web "second" until=change by=omar → done; ack web acked>acked (hand by omar: second)
      13s show web → warning since 10s, acked by omar until change: second"
    `)
  })

  it('of one service leaves others failing', () => {
    const transcript = play(`
      5s configmap read services=web+api
      10s snapshot #1 web failing, api failing
      11s ack web "known"
      12s ask read
      13s ack api "known"
      14s ask read
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "5s configmap read services=web+api → seen
      10s snapshot #1 web failing, api failing → accepted; cluster no-data>fresh; service web none>failing; service api none>failing; category read none>unhealthy
      11s ack web "known" → done; ack web none>acked (hand by ops: known)
      12s ask read → 503 unhealthy, 2 s old
      13s ack api "known" → done; ack api none>acked (hand by ops: known); category read unhealthy>healthy (hand by ops)
      14s ask read → 200 healthy, 4 s old"
    `)
  })
})

describe('an ack that runs out', () => {
  it('turns the verdict at the moment it said, by every reader’s clock', () => {
    const transcript = play(`
      10s snapshot #1 web failing
      10s ack web "known" expires=30s
      39.999s ask read
      40s ask read
      40s show read
      40s show web
      41s alarm
      41s show read
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "10s snapshot #1 web failing → accepted; cluster no-data>fresh; service web none>failing; category read none>unhealthy
      10s ack web "known" expires=30s → done; ack web none>acked (hand by ops: known); category read unhealthy>healthy (hand by ops)
      39.999s ask read → 200 healthy, 29 s old
      40s ask read → 503 unhealthy, 30 s old
      40s show read → unhealthy since 40s, failing web
      40s show web → warning since 10s, no ack
      41s alarm → rang; cluster fresh>late @40s (silence); ack web acked>none @40s (expired: known); category read healthy>unhealthy @40s (expired)
      41s show read → unhealthy since 40s, failing web"
    `)
  })

  it('turns a cluster that is silent, then late', () => {
    const transcript = play(`
      10s snapshot #1 web failing
      10s ack web "known" expires=45s
      54s ask read
      55s ask read
      71s ask read
      80s alarm
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "10s snapshot #1 web failing → accepted; cluster no-data>fresh; service web none>failing; category read none>unhealthy
      10s ack web "known" expires=45s → done; ack web none>acked (hand by ops: known); category read unhealthy>healthy (hand by ops)
      54s ask read → 200 late, 44 s old
      55s ask read → 503 unhealthy, 45 s old
      71s ask read → 503 stale, 61 s old
      80s alarm → rang; cluster fresh>late @40s (silence); cluster late>dead @70s (silence); ack web acked>none @55s (expired: known); category read healthy>unhealthy @55s (expired)"
    `)
  })

  it('turns a cluster that is held, which never acts', () => {
    const transcript = play(`
      10s snapshot #1 web failing
      11s ack web "known" expires=45s
      20s blind #2
      55s ask read
      56s ask read
      60s blind #3
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "10s snapshot #1 web failing → accepted; cluster no-data>fresh; service web none>failing; category read none>unhealthy
      11s ack web "known" expires=45s → done; ack web none>acked (hand by ops: known); category read unhealthy>healthy (hand by ops)
      20s blind #2 → accepted; cluster fresh>held
      55s ask read → 200 held, 45 s old
      56s ask read → 503 unhealthy, 46 s old
      60s blind #3 → accepted; ack web acked>none @56s (expired: known); category read healthy>unhealthy @56s (expired)"
    `)
  })
})

describe('an ack of the cluster’s ConfigMap', () => {
  it('is honoured until it is hidden, and again with another text', () => {
    const transcript = play(`
      5s configmap-ack web "known"
      10s snapshot #1 web failing
      11s ask read
      15s rem-ack web by=nina
      16s ask read
      17s rem-ack web
      20s snapshot #2
      21s ask read
      25s configmap-ack web "known since May"
      30s snapshot #3
      31s show web
      35s configmap-ack web "known"
      40s snapshot #4
      41s ask read
      45s configmap-ack web gone
      50s snapshot #5
      51s ask read
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "5s configmap-ack web "known" → seen
      10s snapshot #1 web failing → accepted; cluster no-data>fresh; ack web none>acked (configmap: known); service web none>failing
      11s ask read → 200 healthy, 1 s old
      15s rem-ack web by=nina → done; ack web acked>none (hand by nina: known); category read healthy>unhealthy (hand by nina)
      16s ask read → 503 unhealthy, 6 s old
      17s rem-ack web → refused, not-acked
      20s snapshot #2 → accepted
      21s ask read → 503 unhealthy, 1 s old
      25s configmap-ack web "known since May" → seen
      30s snapshot #3 → accepted; ack web none>acked (configmap: known since May); category read unhealthy>healthy
      31s show web → warning since 10s, acked by its ConfigMap: known since May
      35s configmap-ack web "known" → seen
      40s snapshot #4 → accepted; ack web acked>acked (configmap: known)
      41s ask read → 200 healthy, 1 s old
      45s configmap-ack web gone → seen
      50s snapshot #5 → accepted; ack web acked>none (configmap: known); category read healthy>unhealthy
      51s ask read → 503 unhealthy, 1 s old"
    `)
  })

  it('stays removed when its manifests are deleted and applied again', () => {
    const transcript = play(`
      5s configmap-ack web "known"
      10s snapshot #1 web failing
      15s rem-ack web by=nina
      20s configmap-ack web gone
      20s snapshot #2
      30s configmap-ack web "known"
      30s snapshot #3
      31s ask read
      31s show web
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "5s configmap-ack web "known" → seen
      10s snapshot #1 web failing → accepted; cluster no-data>fresh; ack web none>acked (configmap: known); service web none>failing
      15s rem-ack web by=nina → done; ack web acked>none (hand by nina: known); category read healthy>unhealthy (hand by nina)
      20s configmap-ack web gone → seen
      20s snapshot #2 → accepted
      30s configmap-ack web "known" → seen
      30s snapshot #3 → accepted
      31s ask read → 503 unhealthy, 1 s old
      31s show web → warning since 10s, no ack"
    `)
  })

  it('stands beside one that was given here and runs out', () => {
    const transcript = play(`
      5s configmap-ack web "known"
      10s snapshot #1 web failing
      11s ack web "mine" expires=10s
      12s show web
      20s ask read
      21s ask read
      22s show web
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "5s configmap-ack web "known" → seen
      10s snapshot #1 web failing → accepted; cluster no-data>fresh; ack web none>acked (configmap: known); service web none>failing
      11s ack web "mine" expires=10s → done; ack web none>acked (hand by ops: mine)
      12s show web → warning since 10s, acked by ops until removed, expires @21s: mine
      20s ask read → 200 healthy, 10 s old
      21s ask read → 200 healthy, 11 s old
      22s show web → warning since 10s, acked by its ConfigMap: known"
    `)
  })

  it('is taken back together with one that was given here', () => {
    const transcript = play(`
      5s configmap-ack web "known"
      10s snapshot #1 web failing
      11s ack web "mine"
      12s rem-ack web
      13s ask read
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "5s configmap-ack web "known" → seen
      10s snapshot #1 web failing → accepted; cluster no-data>fresh; ack web none>acked (configmap: known); service web none>failing
      11s ack web "mine" → done; ack web none>acked (hand by ops: mine)
      12s rem-ack web → done; ack web acked>none (hand by ops: mine); ack web acked>none (hand by ops: known); category read healthy>unhealthy (hand by ops)
      13s ask read → 503 unhealthy, 3 s old"
    `)
  })
})

describe('a name or text of odd characters', () => {
  const names = ['constructor', '__proto__', 'a, b', String.raw`say \"hi\"`, String.raw`two\nlines`]

  it.each(names)('is a name like any other: %s', (name) => {
    const transcript = play(`
      5s configmap "${name}" sticky threshold=2 services="${name}"
      10s snapshot #1 "${name}" failing streak "${name}"=1
      11s ask "${name}"
      12s ack "${name}" "${name}" by="${name}"
      13s evict
      14s ask "${name}"
      15s rem-ack "${name}"
      20s heartbeat #2 streak "${name}"=2
      21s restore
      22s ask "${name}"
      23s enable "${name}"
      24s ask "${name}"
      25s disable "${name}" "${name}"
      26s ask "${name}"
    `)

    const asked = transcript.split('\n').filter((line) => line.includes('s ask '))
    expect(asked.map((line) => line.split('→ ')[1])).toEqual([
      '503 unhealthy, 1 s old',
      '200 healthy, 4 s old',
      '503 disabled, 2 s old',
      '503 unhealthy, 4 s old',
      '503 disabled, 6 s old',
    ])
  })
})
