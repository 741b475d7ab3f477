/** Histories of counts that reports bring astray: lost, told twice, of another process, not asked (why page). Each line can be explained. */
import { describe, expect, it } from 'vitest'
import { play } from '../../support/play.ts'

describe('reports that were lost in between', () => {
  it('hide no failed check, for streaks are levels', () => {
    const transcript = play(`
      5s configmap read sticky threshold=3
      10s snapshot #1 web failing streak web=1
      20s heartbeat #2 streak web=2 lost
      30s heartbeat #3 streak web=3 lost
      40s heartbeat #4 streak web=4
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "5s configmap read sticky threshold=3 → seen
      10s snapshot #1 web failing streak web=1 → accepted; cluster no-data>fresh; service web none>failing; category read none>unhealthy
      20s heartbeat #2 streak web=2 lost → never arrived
      30s heartbeat #3 streak web=3 lost → never arrived
      40s heartbeat #4 streak web=4 → accepted; trip read none>tripped (threshold: web failed 4 checks); category read unhealthy>disabled (threshold)"
    `)
  })

  it('hide no good check, for then the streak is shorter', () => {
    const transcript = play(`
      5s configmap read sticky threshold=4
      10s snapshot #1 web failing streak web=3
      20s snapshot #2 web ok lost
      30s snapshot #3 web failing lost streak web=1
      40s snapshot #4 streak web=2
      41s show read
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "5s configmap read sticky threshold=4 → seen
      10s snapshot #1 web failing streak web=3 → accepted; cluster no-data>fresh; service web none>failing; category read none>unhealthy
      20s snapshot #2 web ok lost → never arrived
      30s snapshot #3 web failing lost streak web=1 → never arrived
      40s snapshot #4 streak web=2 → accepted
      41s show read → unhealthy since 10s, failing web, counts web=2"
    `)
  })

  it('count later, when the snapshot that was asked for comes', () => {
    // Heartbeats about a content that the edge doesn't hold are merely heard: they count nothing.
    const transcript = play(`
      5s configmap read sticky threshold=3
      10s snapshot #1 web ok
      15s snapshot #2 web failing streak web=1 lost
      20s heartbeat #3 streak web=2
      30s heartbeat #4 streak web=3
      31s show read
      40s snapshot #5 streak web=4
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "5s configmap read sticky threshold=3 → seen
      10s snapshot #1 web ok → accepted; cluster no-data>fresh
      15s snapshot #2 web failing streak web=1 lost → never arrived
      20s heartbeat #3 streak web=2 → accepted, resend
      30s heartbeat #4 streak web=3 → accepted, resend
      31s show read → healthy since 10s
      40s snapshot #5 streak web=4 → accepted; trip read none>tripped (threshold: web failed 4 checks); service web ok>failing; category read healthy>disabled (threshold)"
    `)
  })

  it('do not count what is merely heard meanwhile', () => {
    // The lost snapshot was about another service: heartbeats name a content that the edge doesn't hold.
    const transcript = play(`
      5s configmap read sticky threshold=4
      10s snapshot #1 web failing, api ok, streak web=1
      15s snapshot #2 api failing lost
      20s heartbeat #3 streak web=2
      25s blind #4 streak web=3
      30s heartbeat #5 streak web=3
      31s show read
      40s snapshot #6
      41s show read
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "5s configmap read sticky threshold=4 → seen
      10s snapshot #1 web failing, api ok, streak web=1 → accepted; cluster no-data>fresh; service web none>failing; category read none>unhealthy
      15s snapshot #2 api failing lost → never arrived
      20s heartbeat #3 streak web=2 → accepted, resend
      25s blind #4 streak web=3 → accepted; cluster fresh>held
      30s heartbeat #5 streak web=3 → accepted, resend
      31s show read → unhealthy since 10s, failing web, counts web=1
      40s snapshot #6 → accepted; cluster held>fresh; service api ok>failing
      41s show read → unhealthy since 10s, failing web, counts web=3"
    `)
  })

  it('and told twice or late count once', () => {
    const transcript = play(`
      5s configmap read sticky threshold=3
      10s snapshot #1 web failing streak web=1
      20s heartbeat #3 streak web=2
      21s heartbeat #3 streak web=2
      22s heartbeat #2 streak web=1
      23s heartbeat #4 streak web=2
      24s show read
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "5s configmap read sticky threshold=3 → seen
      10s snapshot #1 web failing streak web=1 → accepted; cluster no-data>fresh; service web none>failing; category read none>unhealthy
      20s heartbeat #3 streak web=2 → accepted
      21s heartbeat #3 streak web=2 → refused, held 1/3
      22s heartbeat #2 streak web=1 → refused, held 1/3
      23s heartbeat #4 streak web=2 → accepted
      24s show read → unhealthy since 10s, failing web, counts web=2"
    `)
  })
})

describe('an exporter that starts anew', () => {
  it('adds what it saw to what was counted', () => {
    const transcript = play(`
      5s configmap read sticky threshold=4
      10s snapshot #1 web failing streak web=2
      15s blind #1 epoch=2 web unchecked
      20s snapshot #2 epoch=2 web failing streak web=1
      21s show read
      30s heartbeat #3 epoch=2
      40s heartbeat #4 epoch=2 streak web=2
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "5s configmap read sticky threshold=4 → seen
      10s snapshot #1 web failing streak web=2 → accepted; cluster no-data>fresh; service web none>failing; category read none>unhealthy
      15s blind #1 epoch=2 web unchecked → accepted; cluster fresh>held
      20s snapshot #2 epoch=2 web failing streak web=1 → accepted; cluster held>fresh
      21s show read → unhealthy since 10s, failing web, counts web=3
      30s heartbeat #3 epoch=2 → accepted
      40s heartbeat #4 epoch=2 streak web=2 → accepted; trip read none>tripped (threshold: web failed 4 checks); category read unhealthy>disabled (threshold)"
    `)
  })

  it('begins again when it finds the service well', () => {
    const transcript = play(`
      5s configmap read sticky threshold=3
      10s snapshot #1 web failing streak web=2
      20s snapshot #1 epoch=2 web ok
      30s snapshot #2 epoch=2 web failing streak web=2
      31s show read
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "5s configmap read sticky threshold=3 → seen
      10s snapshot #1 web failing streak web=2 → accepted; cluster no-data>fresh; service web none>failing; category read none>unhealthy
      20s snapshot #1 epoch=2 web ok → accepted; service web failing>ok; category read unhealthy>healthy
      30s snapshot #2 epoch=2 web failing streak web=2 → accepted; service web ok>failing; category read healthy>unhealthy
      31s show read → unhealthy since 30s, failing web, counts web=2"
    `)
  })
})

describe('a service that was not asked again yet', () => {
  it('keeps its count and goes on from there', () => {
    // A rollout replaces all pods: for a moment nobody was asked, so the exporter tells no streak, and then goes on with it.
    const transcript = play(`
      5s configmap read sticky threshold=5
      10s snapshot #1 web failing streak web=2
      20s snapshot #2 web unchecked
      21s show read
      30s snapshot #3 web failing streak web=3
      31s show read
    `)

    expect(transcript).toContain('31s show read → unhealthy since 10s, failing web, counts web=3')
  })
})

describe('an object that is evicted', () => {
  it('in the middle of a count goes on with it', () => {
    const transcript = play(`
      5s configmap read sticky threshold=3
      10s snapshot #1 web failing streak web=2
      15s evict
      20s heartbeat #2
      21s show read
      25s evict
      30s heartbeat #3 streak web=3
    `)

    expect(transcript).toMatchInlineSnapshot(`
      "5s configmap read sticky threshold=3 → seen
      10s snapshot #1 web failing streak web=2 → accepted; cluster no-data>fresh; service web none>failing; category read none>unhealthy
      15s evict → read from storage
      20s heartbeat #2 → accepted
      21s show read → unhealthy since 10s, failing web, counts web=2
      25s evict → read from storage
      30s heartbeat #3 streak web=3 → accepted; trip read none>tripped (threshold: web failed 3 checks); category read unhealthy>disabled (threshold)"
    `)
  })
})
