/** `/metrics` of all clusters, for Prometheus: text, or OpenMetrics when asked for. Names: docs/metrics.md. */
import { Hono } from 'hono'
import { readMetrics } from '../cluster/read-metrics.ts'
import {
  isOpenMetricsAsked,
  OPENMETRICS_TYPE,
  PROMETHEUS_TEXT_TYPE,
  writePage,
} from '../dialects/metrics.ts'
import type { AppEnv } from '../env.ts'
import { readers } from './guard.ts'

export const metrics = new Hono<AppEnv>()

/** Characters of a page, which an isolate holds in its 128 MB; of one cluster: the largest has 3 million. */
const PAGE_MAX_LENGTH = 16_000_000
const CLUSTER_MAX_LENGTH = 4_000_000

metrics.get('/metrics', readers, async (c) => {
  const { PUSH_SECRETS, METRICS_PREFIX: prefix } = c.var.config
  const clusters = [...PUSH_SECRETS.keys()].toSorted()
  // The same part for each, so that a large cluster takes no line from another.
  const maxLength = Math.min(CLUSTER_MAX_LENGTH, Math.floor(PAGE_MAX_LENGTH / clusters.length))
  const isKnown = c.var.viewer !== null
  const texts = await Promise.all(
    clusters.map((cluster) => readMetrics(c.env, cluster, { prefix, maxLength, isKnown })),
  )
  const isOpenMetrics = isOpenMetricsAsked(c.req.header('Accept'))
  return c.body(streamText(writePage(texts, { prefix, isOpenMetrics })), 200, {
    'Content-Type': isOpenMetrics ? OPENMETRICS_TYPE : PROMETHEUS_TEXT_TYPE,
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    Vary: 'Accept',
  })
})

/** Piece by piece as the client takes it: a page of megabytes is never encoded in one go. */
function streamText(pieces: Iterator<string, void>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  return new ReadableStream({
    pull(controller) {
      const next = pieces.next()
      if (next.done === true) controller.close()
      else controller.enqueue(encoder.encode(next.value))
    },
  })
}
