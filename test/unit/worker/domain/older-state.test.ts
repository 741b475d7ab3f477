/** Rows and copies of another time: what was decided since stands, and what they lack is found elsewhere. */
import { expect, it } from 'vitest'
import { applyAct } from '../../../../worker/domain/acts.ts'
import { publish, restoreState } from '../../../../worker/domain/restore.ts'
import { describeCluster } from '../../../../worker/domain/status.ts'
import { aCategory, aContent, aSnapshot } from '../../../support/a-report.ts'
import { accept, stateAfter, T0 } from '../../../support/apply.ts'

it('ends no kept override by the older facts of a copy', () => {
  const say = (sequence: number, enabled: boolean) =>
    aSnapshot({ sequence, content: aContent({ categories: [aCategory({ enabled })] }) })
  const copied = stateAfter([say(1, false)])
  const act = { kind: 'disable-category', category: 'read', why: 'failover' } as const
  const step = { nowMs: T0 + 1, actor: { by: 'nina', address: '' } }
  const acted = applyAct(accept(copied, say(2, true)).state, act, step)
  if (!acted.ok) throw new Error(acted.reason)

  const { state } = restoreState(publish(copied), T0 + 1000, acted.state.decisions)
  const next = accept(state, say(3, true), T0 + 2000).state

  expect(next.standing.categories.find(({ name }) => name === 'read')?.reason).toBe('disabled')
})

it('finds the environment of an older row in its content', () => {
  const state = stateAfter([aSnapshot({ content: aContent({ environment: 'prod' }) })])
  const older = { ...state, pulse: { ...state.pulse, environment: null } }

  const status = describeCluster(older, { cluster: 'c0', names: [], nowMs: T0 })

  expect(status?.environment).toBe('prod')
})
