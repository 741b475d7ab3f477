/** The Worker that is fuzzed, in its real runtime: a cluster whose state must stay, one that never reported, and some to bend. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { importSecret, signBody } from '../../worker/contract/signature.ts'
import type { Report } from '../../worker/contract/report.ts'
import { startWorker } from '../sandbox/worker.ts'
import {
  aCategory,
  aContent,
  aFailingTarget,
  aNode,
  aService,
  aSnapshot,
} from '../support/a-report.ts'
import { OPERATE_TOKEN, PUSH_SECRET, VARS } from '../support/secrets.ts'
import { send, type Answer, type Sent } from './send.ts'

export const KEPT = 'kept'
export const BENT = ['bent-0', 'bent-1', 'bent-2', 'bent-3']
const CLUSTERS = [KEPT, 'empty', ...BENT]

export interface FuzzedEdge {
  url: string
  /** The cookie of a new session. */
  signIn(token: string): Promise<string>
  /** Signed as it should be. */
  push(report: Report): Promise<Answer>
  /** With a token that may operate. */
  operate(path: string, fields?: Record<string, string>): Promise<Answer>
  /** All that can be seen of the cluster that must stay as it is, and what KV holds of it. */
  readState(): Promise<string>
  stop(): Promise<void>
}

export async function startFuzzedEdge(): Promise<FuzzedEdge> {
  const stateDir = mkdtempSync(`${tmpdir()}/pilotlight-fuzz-`)
  const worker = await startWorker({
    port: 0,
    stateDir,
    vars: {
      PUSH_SECRETS: JSON.stringify(Object.fromEntries(CLUSTERS.map((id) => [id, PUSH_SECRET]))),
      TOKENS: VARS.TOKENS,
      SESSION_SECRET: VARS.SESSION_SECRET,
      DEAD_AFTER_SECONDS: '86400', // time alone must turn nothing
    },
  })
  const { url } = worker
  const edge: FuzzedEdge = {
    url,
    signIn: (token) => signIn(url, token),
    push: async (report) => send(url, await signed(report)),
    operate: (path, fields) => operate(url, path, fields),
    readState: async () => {
      const paths = ['__health', 'categories', 'history', 'nodes']
      const read = await Promise.all(paths.map((path) => operate(url, `/clusters/${KEPT}/${path}`)))
      return JSON.stringify([
        ...read.map(({ body }) => body),
        await worker.readKv(`cluster/${KEPT}`),
      ])
    },
    stop: async () => {
      await worker.stop()
      rmSync(stateDir, { recursive: true, force: true })
    },
  }
  await edge.push(keptReport())
  while ((await worker.readKv(`cluster/${KEPT}`)) === null) await sleep(100)
  return edge
}

/** With something of every kind, and one failure that acks and switches would hide. */
function keptReport(): Report {
  return aSnapshot({
    cluster: KEPT,
    observedAt: Date.now(),
    intervalSeconds: 20_000,
    content: aContent({
      services: [aService(), aService({ name: 'ledger', targets: [aFailingTarget()] })],
      categories: [aCategory(), aCategory({ name: 'money', services: ['ledger'] })],
      nodes: [aNode()],
      acks: [],
    }),
  })
}

async function signed(report: Report): Promise<Sent> {
  const body = Buffer.from(JSON.stringify(report))
  const parts = { id: 'msg_1', timestampSeconds: Math.floor(Date.now() / 1000) }
  return {
    method: 'POST',
    path: `/v1/clusters/${report.cluster}/reports`,
    headers: {
      'content-type': 'application/json',
      'webhook-id': parts.id,
      'webhook-timestamp': String(parts.timestampSeconds),
      'webhook-signature': await signBody(parts, body, [await importSecret(PUSH_SECRET)]),
    },
    body,
  }
}

function operate(url: string, path: string, fields?: Record<string, string>): Promise<Answer> {
  const isPost = fields !== undefined
  return send(url, {
    method: isPost ? 'POST' : 'GET',
    path,
    headers: {
      accept: 'application/json',
      authorization: `Bearer ${OPERATE_TOKEN}`,
      ...(isPost ? { 'content-type': 'application/x-www-form-urlencoded' } : {}),
    },
    body: isPost ? Buffer.from(new URLSearchParams(fields).toString()) : null,
  })
}

async function signIn(url: string, token: string): Promise<string> {
  const answer = await send(url, {
    method: 'POST',
    path: '/sign-in',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'sec-fetch-site': 'same-origin',
    },
    body: Buffer.from(new URLSearchParams({ token }).toString()),
  })
  const [cookie = ''] = (answer.headers.get('set-cookie') ?? '').split(';')
  if (answer.status !== 303 || cookie === '') throw new Error(`no session: ${answer.status}`)
  return cookie
}
