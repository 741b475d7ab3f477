/** A cluster whose exporter speaks over the live link, at a time that the test sets by hand. */
import { vi } from 'vitest'
import { aHeartbeat, aSnapshot } from '../support/a-report.ts'
import { openLink, type Link } from './a-link.ts'
import { takeCluster } from './edge.ts'
import { runAlarm } from './object.ts'
import { operate } from './visitors.ts'

/** A cluster that has sent a snapshot (sequence 2) over its link (sequence 1), and is put to KV. */
export async function aLinkedCluster(): Promise<{ cluster: string; link: Link }> {
  const cluster = takeCluster()
  const link = await openLink(cluster, { epoch: 1, sequence: 1 })
  await link.push(aSnapshot({ cluster, sequence: 2, observedAt: Date.now() }))
  await runAlarm(cluster)
  return { cluster, link }
}

/** The same, a minute later: its alarm has seen that reports come. */
export async function aSteadyCluster(): Promise<{ cluster: string; link: Link }> {
  const { cluster, link } = await aLinkedCluster()
  vi.setSystemTime(Date.now() + 55_000)
  await beat(link, cluster, 3)
  vi.setSystemTime(Date.now() + 5001)
  await runAlarm(cluster)
  return { cluster, link }
}

export function beat(link: Link, cluster: string, sequence: number) {
  return link.push(aHeartbeat({ cluster, sequence, observedAt: Date.now() }))
}

export async function tell(cluster: string): Promise<string> {
  const answer = await operate(`/clusters/${cluster}/__gtg?cache=false`, { method: 'GET' })
  return `${answer.status} ${answer.headers.get('x-gtg-reason')}`
}
