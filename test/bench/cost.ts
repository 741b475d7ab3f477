/**
 * What it costs a month, out of operations that were counted in this run and the prices of reference/cloudflare.md
 * (Workers Paid and Free, November 2026). Durations are ms of whole round trips, so more than is billed.
 */
import { countCosts, type Cost, type Costs } from './rows.ts'
import { print, round, tell, type Row } from './table.ts'

const DAYS = 30
const INTERVAL_SECONDS = 10
const HEARTBEATS_A_DAY = 86_400 / INTERVAL_SECONDS
/** Assumed: services that fail and recover, twice an hour each. */
const TURNS_A_DAY = 96
/** The fleet's object looks at each cluster once in DEAD_AFTER_SECONDS (60), by an alarm of its own. */
const LOOKS_A_DAY = 1440
/** A link that is dropped by deploys and networks is opened anew about as often; each time is a request to either. */
const LINKS_A_DAY = 10
/** One Route 53 health check: 15 places, each every 30 s. */
const ROUTE_53_PROBES_A_DAY = (15 * 86_400) / 30
/** GB that an object is billed for: 128 MB. */
const OBJECT_GB = 0.128
/** Messages in that are billed as one request. */
const MESSAGES_A_REQUEST = 20

/** US$: what is included a month, and each million more. */
const PAID = {
  base: 5,
  workerRequests: { included: 10e6, perMillion: 0.3 },
  objectRequests: { included: 1e6, perMillion: 0.15 },
  gbSeconds: { included: 400e3, perMillion: 12.5 },
  rowsWritten: { included: 50e6, perMillion: 1 },
  rowsRead: { included: 25e9, perMillion: 0.001 },
  kvPuts: { included: 1e6, perMillion: 5 },
} as const

/** A day. */
const FREE: Operations = {
  workerRequests: 100e3,
  objectRequests: 100e3,
  gbSeconds: 13e3,
  rowsWritten: 100e3,
  rowsRead: 5e6,
  kvPuts: 1e3,
}

interface Operations {
  workerRequests: number
  objectRequests: number
  gbSeconds: number
  rowsWritten: number
  rowsRead: number
  kvPuts: number
}

const NAMES = [
  'workerRequests',
  'objectRequests',
  'gbSeconds',
  'rowsWritten',
  'rowsRead',
  'kvPuts',
] as const

export async function benchCost(): Promise<void> {
  const rows: Row[] = []
  for (const over of ['HTTP', 'link'] as const) {
    tell(`counting operations over ${over}`)
    const costs = await countCosts(over)
    if (costs === null) rows.push({ over, clusters: 'no link yet' })
    else for (const clusters of [1, 10, 100]) rows.push(priceOf(costs, { over, clusters }))
  }
  print('US$ a month: 5,000 pods, a report every 10 s, 48 faults a day that come and go', rows)
}

function priceOf(
  costs: Costs,
  { over, clusters }: { over: 'HTTP' | 'link'; clusters: number },
): Row {
  const one = addUp([
    times(operationsOf(costs.heartbeat, over), HEARTBEATS_A_DAY),
    times(operationsOf(costs.turn, over), TURNS_A_DAY),
    times(
      { ...NOTHING, objectRequests: 1, gbSeconds: 0.001 * OBJECT_GB, rowsRead: 10 },
      LOOKS_A_DAY,
    ),
    over === 'HTTP'
      ? NOTHING
      : times({ ...NOTHING, workerRequests: 1, objectRequests: 1, rowsWritten: 2 }, LINKS_A_DAY),
  ])
  const fleet = times({ ...NOTHING, objectRequests: 1, rowsWritten: 1, rowsRead: 1 }, LOOKS_A_DAY)
  const day = addUp([times(one, clusters), fleet])
  const probes = times(PROBE, ROUTE_53_PROBES_A_DAY * clusters)
  const left = probesLeft(day)
  return {
    over,
    clusters,
    'Worker requests a day': Math.round(day.workerRequests),
    'object requests a day': Math.round(day.objectRequests),
    'GB-s a day': round(day.gbSeconds),
    'rows written a day': Math.round(day.rowsWritten),
    'rows read a day': Math.round(day.rowsRead),
    'KV puts a day': Math.round(day.kvPuts),
    '$ without probes': price(day),
    '$ with Route 53 at 30 s': price(addUp([day, probes])),
    'free plan': left > 0 ? `fits, ${Math.floor(left / 1440)} probes a minute left` : tooMuch(day),
  }
}

const NOTHING: Operations = {
  workerRequests: 0,
  objectRequests: 0,
  gbSeconds: 0,
  rowsWritten: 0,
  rowsRead: 0,
  kvPuts: 0,
}

/** Each place comes every 30 s and finds no memo, so each asks the object too; that is at work for a millisecond. */
const PROBE: Operations = {
  ...NOTHING,
  workerRequests: 1,
  objectRequests: 1,
  gbSeconds: 0.001 * OBJECT_GB,
  rowsRead: 10,
}

function operationsOf(cost: Cost, over: 'HTTP' | 'link'): Operations {
  return {
    workerRequests: over === 'HTTP' ? 1 : 0,
    objectRequests: cost.calls + cost.messages / MESSAGES_A_REQUEST,
    gbSeconds: (cost.tookMs / 1000) * OBJECT_GB,
    rowsWritten: cost.rowsWritten,
    rowsRead: cost.rowsRead,
    kvPuts: cost.kvPuts,
  }
}

function times(operations: Operations, factor: number): Operations {
  return combine((name) => operations[name] * factor)
}

function addUp(all: Operations[]): Operations {
  return combine((name) => all.reduce((sum, one) => sum + one[name], 0))
}

function combine(figure: (name: keyof Operations) => number): Operations {
  return {
    workerRequests: figure('workerRequests'),
    objectRequests: figure('objectRequests'),
    gbSeconds: figure('gbSeconds'),
    rowsWritten: figure('rowsWritten'),
    rowsRead: figure('rowsRead'),
    kvPuts: figure('kvPuts'),
  }
}

/** CPU time is left out: 30 M ms are included, and a report takes a few. */
function price(day: Operations): string {
  const over = NAMES.map((name) => {
    const { included, perMillion } = PAID[name]
    return (Math.max(0, day[name] * DAYS - included) / 1e6) * perMillion
  })
  return over.reduce((sum, one) => sum + one, PAID.base).toFixed(2)
}

/** A day, until the first of the free plan's limits. */
function probesLeft(day: Operations): number {
  const left = NAMES.filter((name) => PROBE[name] > 0 || day[name] > FREE[name]).map((name) =>
    day[name] > FREE[name] ? 0 : (FREE[name] - day[name]) / PROBE[name],
  )
  return Math.min(...left)
}

function tooMuch(day: Operations): string {
  return `no: ${NAMES.filter((name) => day[name] > FREE[name]).join(', ')}`
}
