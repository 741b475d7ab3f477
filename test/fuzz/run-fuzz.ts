/** Both runs: random requests that may change nothing, and bent reports that may break nothing. */
import { setTimeout as sleep } from 'node:timers/promises'
import { rollFrom } from '../support/hour-dice.ts'
import { aSnapshot } from '../support/a-report.ts'
import { OPERATE_TOKEN, READ_TOKEN } from '../support/secrets.ts'
import { BENT, startFuzzedEdge, type FuzzedEdge } from './edge.ts'
import { findFaults, findProbeFaults } from './judge.ts'
import { ReportRun } from './report-run.ts'
import { makeRequest } from './requests.ts'
import { readRoutes } from './routing-table.ts'
import { send, type Answer, type Sent } from './send.ts'

export interface FuzzOptions {
  seed: number
  requests: number
  reports: number
  /** The number of the first of each: with a count of 1 a finding is repeated alone. */
  from?: number
  tell: (line: string) => void
}

export interface FuzzResult {
  findings: string[]
  /** How often each status was answered. */
  requests: Record<string, number>
  reports: Record<string, number>
}

/** Findings after which a run ends. */
const FINDINGS_MAX = 20
const CONNECTIONS = 16
/** Requests between two looks at the state. */
const LOOK_EVERY = 2500

export async function runFuzz(options: FuzzOptions): Promise<FuzzResult> {
  const result: FuzzResult = { findings: [], requests: {}, reports: {} }
  const edge = await startFuzzedEdge()
  try {
    await runRequests(edge, options, result)
    await runReports(edge, options, result)
  } finally {
    await edge.stop()
  }
  return result
}

/** Each number has dice of its own, so that it is the same however many run beside it. */
export function diceOf(seed: number, kind: number, number: number) {
  return rollFrom(Math.imul(seed, 0x9e3779b1) ^ Math.imul(number + 1, 0x85ebca6b) ^ kind)
}

async function runRequests(
  edge: FuzzedEdge,
  { seed, requests, from = 0, tell }: FuzzOptions,
  { findings, requests: counts }: FuzzResult,
): Promise<void> {
  const table = await readRoutes()
  const before = await edge.readState()
  for (let start = from; start < from + requests; start += LOOK_EVERY) {
    if (findings.length >= FINDINGS_MAX) return
    const end = Math.min(start + LOOK_EVERY, from + requests)
    // Anew each time: some requests sign out.
    const readSession = await edge.signIn(READ_TOKEN)
    const operateSession = await edge.signIn(OPERATE_TOKEN)
    const around = { ...table, readSession, operateSession }
    await runSideBySide({ start, end }, async (number) => {
      const { isProbe, ...sent } = makeRequest(diceOf(seed, 1, number), around)
      const answer = await ask(edge, sent)
      count(counts, answer)
      const faults =
        typeof answer === 'string'
          ? [answer]
          : (isProbe ? findProbeFaults : findFaults)(sent, answer)
      if (faults.length > 0) findings.push(tellFinding(`request ${number}`, sent, faults))
    })
    if ((await edge.readState()) !== before) {
      findings.push(
        `requests ${start} to ${end - 1}: the state of a cluster changed without a token`,
      )
    }
    tell(`${end - from} requests, ${findings.length} findings`)
  }
}

async function runReports(
  edge: FuzzedEdge,
  { seed, reports, from = 0, tell }: FuzzOptions,
  { findings, reports: counts }: FuzzResult,
): Promise<void> {
  const before = await edge.readState()
  let done = 0
  await Promise.all(
    BENT.map(async (cluster, lane) => {
      const run = new ReportRun(edge, cluster)
      for (let number = from + lane; number < from + reports; number += BENT.length) {
        if (findings.length >= FINDINGS_MAX) return
        const { status, faults } = await run.next(diceOf(seed, 2, number))
        counts[status] = (counts[status] ?? 0) + 1
        findings.push(...faults.map((fault) => `report ${number}: ${fault}`))
        done += 1
        if (done % 1000 === 0) tell(`${done} reports, ${findings.length} findings`)
      }
    }),
  )
  if ((await edge.readState()) !== before) findings.push('reports of some clusters changed another')
  findings.push(...(await Promise.all(BENT.map((cluster) => findUnusable(edge, cluster)))).flat())
}

/** Whatever came: once it is emptied, the cluster's next right report is taken, and read. */
async function findUnusable(edge: FuzzedEdge, cluster: string): Promise<string[]> {
  const erased = await edge.operate(`/clusters/${cluster}/erase`, { confirm: cluster })
  const taken = await pushUntilTaken(edge, cluster)
  const gtg = await edge.operate(`/clusters/${cluster}/__gtg?cache=false`)
  const statuses = [erased, taken, gtg].map(({ status }) => status).join(' ')
  return statuses === '200 202 200' ? [] : [`${cluster} is unusable: ${statuses}`]
}

/** A signature tells whole seconds, so one of the second in which the cluster was emptied may be refused. */
async function pushUntilTaken(edge: FuzzedEdge, cluster: string, tries = 5): Promise<Answer> {
  const answer = await edge.push(aSnapshot({ cluster, observedAt: Date.now() }))
  if (answer.status !== 409 || tries === 0) return answer
  await sleep(1000)
  return pushUntilTaken(edge, cluster, tries - 1)
}

async function runSideBySide(
  { start, end }: { start: number; end: number },
  work: (number: number) => Promise<void>,
): Promise<void> {
  let next = start
  const lane = async () => {
    while (next < end) await work(next++)
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, lane))
}

async function ask(edge: FuzzedEdge, sent: Sent): Promise<Answer | string> {
  try {
    return await send(edge.url, sent)
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

function count(counts: Record<string, number>, answer: Answer | string): void {
  const status = typeof answer === 'string' ? 'none' : answer.status
  counts[status] = (counts[status] ?? 0) + 1
}

export function tellFinding(what: string, sent: Sent, faults: string[]): string {
  const { method, path, headers, body } = sent
  const bytes =
    body === null
      ? 'no body'
      : `body (base64) ${Buffer.from(body).toString('base64').slice(0, 2000)}`
  return `${what}: ${faults.join(', ')}\n  ${method} ${path}\n  ${JSON.stringify(headers)}\n  ${bytes}`
}
