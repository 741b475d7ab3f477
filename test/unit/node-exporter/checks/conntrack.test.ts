/** How full the connection tracking table may be, and what is no figure at all. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { expect, it, onTestFinished } from 'vitest'
import { runCheck } from '../../../../node-exporter/checks/check.ts'
import { conntrack, createConntrack } from '../../../../node-exporter/checks/conntrack.ts'
import { aNodeFacts } from '../../../support/exporter/a-node.ts'

/** null: the file isn't there. */
interface Figures {
  count?: string | null
  max?: string | null
}

function aNetfilter({ count = '1\n', max = '1000\n' }: Figures): string {
  const root = mkdtempSync(`${tmpdir()}/pilotlight-conntrack-`)
  onTestFinished(() => {
    rmSync(root, { recursive: true })
  })
  if (count !== null) writeFileSync(`${root}/nf_conntrack_count`, count)
  if (max !== null) writeFileSync(`${root}/nf_conntrack_max`, max)
  return root
}

const full = (words: string) => ({ passed: false, reason: `connection tracking is ${words}` })
const saying = (words: string): unknown => expect.stringContaining(words)
const unsure = (words: string) => ({ passed: true, warning: saying(words) })

it.each<[string, Figures, object]>([
  ['passes on an empty table', { count: '0' }, { passed: true }],
  ['passes one below 90 %', { count: '899' }, { passed: true }],
  ['fails at exactly 90 %', { count: '900' }, full('90 % full: 900 of 1000')],
  ['fails on a full table', { count: '1000' }, full('100 % full: 1000 of 1000')],
  ['passes below 90 % of an odd size', { count: '235929', max: '262144' }, { passed: true }],
  [
    'fails above 90 % of an odd size',
    { count: '235930', max: '262144' },
    full('90 % full: 235930 of 262144'),
  ],
  ['passes where there is no limit', { count: '5000', max: '0' }, { passed: true }],
  ['cannot tell without the count', { count: null }, unsure('ENOENT')],
  ['cannot tell without the limit', { max: null }, unsure('ENOENT')],
  ['cannot tell by an empty file', { count: '' }, unsure('nf_conntrack_count holds no figure: ""')],
  ['cannot tell by a word', { max: 'many\n' }, unsure('nf_conntrack_max holds no figure: "many"')],
  ['cannot tell by a negative count', { count: '-1' }, unsure('holds no figure: "-1"')],
])('%s', async (_, figures, shown) => {
  const check = createConntrack(aNetfilter(figures))

  const { duration_ms: _took, ...result } = await runCheck(check, aNodeFacts())

  expect(result).toStrictEqual({ name: 'conntrack', ...shown })
})

it("passes on this machine's own table, or cannot tell", async () => {
  const result = await runCheck(conntrack, aNodeFacts())

  expect(result).toMatchObject({ name: 'conntrack', passed: true })
})
