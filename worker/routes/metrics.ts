/** `/metrics` of all clusters, for Prometheus: text, or OpenMetrics when asked for. Names: docs/metrics.md. */
import { Hono } from 'hono'
import { readMetrics } from '../cluster/read-metrics.ts'
import {
  isOpenMetricsAsked,
  OPENMETRICS_TYPE,
  PROMETHEUS_TEXT_TYPE,
  writeCluster,
  writePage,
  type ClusterFormat,
  type ClusterText,
} from '../dialects/metrics.ts'
import type { AppEnv } from '../env.ts'
import { BUSY, replyProblem } from './answer.ts'
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
  const format = { prefix, maxLength }
  const reads = await Promise.all(
    clusters.map((cluster) => readMetrics(c.env, cluster, { ...format, isKnown })),
  )
  // A page that leaves a cluster out for want of an allowed call would read as one that is gone.
  if (reads.some((read) => !read.ok && read.reason === 'busy')) return replyProblem(c, BUSY)
  const texts = reads.map((read, i) =>
    read.ok ? read.value : writeUnreadable(clusters[i] ?? '', format),
  )
  const isOpenMetrics = isOpenMetricsAsked(c.req.header('Accept'))
  return c.body(streamText(writePage(texts, { prefix, isOpenMetrics })), 200, {
    'Content-Type': isOpenMetrics ? OPENMETRICS_TYPE : PROMETHEUS_TEXT_TYPE,
    'Cache-Control': 'no-store',
    Vary: 'Accept',
  })
})

/** It says that it can't be read, and nothing else: counters at zero would read as ones that start anew. */
function writeUnreadable(cluster: string, format: ClusterFormat): ClusterText {
  return writeCluster({ cluster, status: null, counters: { gtg: {}, reports: {} } }, format)
}

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
