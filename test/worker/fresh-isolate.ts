/** Each case begins as in an isolate that has just started: nothing is remembered, and no allowance is used up. */
import { beforeEach } from 'vitest'
import { resetAllowance } from '../../worker/cluster/allowance.ts'
import { forgetCluster } from '../../worker/routes/act.ts'
import { resetAnswers } from '../../worker/routes/shared-answers.ts'
import { CLUSTERS, WITNESSED } from '../support/secrets.ts'

beforeEach(() => {
  for (const cluster of [...CLUSTERS, ...WITNESSED]) forgetCluster(cluster)
  resetAllowance()
  resetAnswers()
})
