/** `/metrics` of all clusters, for Prometheus: text, or OpenMetrics when asked for. Names: docs/metrics.md. */
import { Hono, type Context } from 'hono'
import { giveBack, takeCounts } from '../cluster/counters.ts'
import { readState } from '../cluster/read-state.ts'
import { within } from '../cluster/within.ts'
import {
  isOpenMetricsAsked,
  OPENMETRICS_TYPE,
  PROMETHEUS_TEXT_TYPE,
  writeMetrics,
  type ClusterMetrics,
} from '../dialects/metrics.ts'
import { describeCluster } from '../domain/status.ts'
import type { AppEnv } from '../env.ts'
import { readers } from './guard.ts'

export const metrics = new Hono<AppEnv>()

/** ms that one cluster's object may take; Prometheus gives a scrape ten seconds. */
const READ_TIMEOUT_MS = 4000

metrics.get('/metrics', readers, async (c) => {
  const clusters = [...c.var.config.PUSH_SECRETS.keys()]
  const measured = await Promise.all(clusters.map((cluster) => measure(c, cluster)))
  const isOpenMetrics = isOpenMetricsAsked(c.req.header('Accept'))
  const text = writeMetrics(measured, { prefix: c.var.config.METRICS_PREFIX, isOpenMetrics })
  return c.body(text, 200, {
    'Content-Type': isOpenMetrics ? OPENMETRICS_TYPE : PROMETHEUS_TEXT_TYPE,
    'Cache-Control': 'no-store',
    Vary: 'Accept',
  })
})

async function measure(c: Context<AppEnv>, cluster: string): Promise<ClusterMetrics> {
  const counted = takeCounts(cluster)
  const counting = c.env.CLUSTER.getByName(cluster).countersWith(counted)
  counting.catch(() => {
    giveBack(cluster, counted) // and not when it is merely late: then they have arrived
  })
  const reading = readState(c.env, cluster, { isKnown: c.var.viewer !== null })
  const read = await within(READ_TIMEOUT_MS, Promise.all([counting, reading]))
  // Counters at zero would read as ones that start anew: without the object there are none.
  if (read === null) return { cluster, status: null, counters: { gtg: {}, reports: {} } }
  const [counters, state] = read
  const status = describeCluster(state, { cluster, names: [], nowMs: Date.now() })
  return { cluster, status, counters }
}
