/** Counts judge a service as the list of its targets does, whatever targets come and go. */
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { judgeService } from '../../../../worker/domain/service-health.ts'
import { isTallyOk, NO_TALLY, tallyTarget } from '../../../../worker/domain/service-tally.ts'

const target = fc.record({
  ok: fc.boolean(),
  starting: fc.boolean(),
  terminating: fc.boolean(),
})
const service = fc.record({
  desired: fc.constantFrom(0, 1, null),
  isDaemon: fc.boolean(),
  isResilient: fc.boolean(),
})

it('judges a service that has served as its targets do', () => {
  fc.assert(
    fc.property(
      service,
      fc.array(target, { maxLength: 6 }),
      fc.array(target, { maxLength: 6 }),
      (given, stayed, gone) => {
        const all = [...gone, ...stayed].reduce(
          (tally, one) => tallyTarget(tally, one, 1),
          NO_TALLY,
        )
        const tally = gone.reduce((left, one) => tallyTarget(left, one, -1), all)

        const targets = stayed.map((one, i) => ({
          ...one,
          id: `pod-${i}`,
          ready: true,
          answered: true,
          checkedAt: 0,
          checks: [],
        }))

        expect(isTallyOk(tally, given)).toBe(judgeService({ name: 'web', ...given, targets })?.ok)
      },
    ),
  )
})
