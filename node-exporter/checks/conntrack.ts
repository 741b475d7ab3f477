/** How full the connection tracking table is: once it is full, the kernel drops new connections without a word. */
import { readFileSync } from 'node:fs'
import type { Check, Outcome } from './check.ts'

const FULL_PERCENT = 90 // node-problem-detector's network_problem.sh draws the line there too

export const conntrack: Check = createConntrack()

/** `netfilterRoot`: the folder with both figures; the host's own, for the exporter shares its network. */
export function createConntrack(netfilterRoot = '/proc/sys/net/netfilter'): Check {
  return {
    name: 'conntrack',
    timeoutMs: 1000,
    cannotTell: 'pass',
    run: () => judge(netfilterRoot),
  }
}

function judge(netfilterRoot: string): Outcome {
  // At once, not by promise: a dead NFS mount may hold every thread that reads files, and proc never blocks.
  const count = readFigure(`${netfilterRoot}/nf_conntrack_count`)
  const max = readFigure(`${netfilterRoot}/nf_conntrack_max`)
  if (max === 0) return { passed: true } // the kernel's word for "no limit"
  if (count * 100 < max * FULL_PERCENT) return { passed: true }
  const percent = Math.floor((count / max) * 100)
  return { passed: false, reason: `connection tracking is ${percent} % full: ${count} of ${max}` }
}

/** Throws where there is none: the frame makes "can't tell" of it. */
function readFigure(path: string): number {
  const text = readFileSync(path, 'utf8').trim()
  if (!/^\d+$/.test(text)) throw new Error(`${path} holds no figure: ${JSON.stringify(text)}`)
  return Number(text)
}
