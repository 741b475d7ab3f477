/** The kubelet's own word on process ids: without one left, nothing on the node can start. */
import type { Check } from './check.ts'
import { judgePressure, readTaskFigures } from './pressure-figures.ts'

export const pidPressure: Check = {
  name: 'pid_pressure',
  timeoutMs: 1000,
  cannotTell: 'pass',
  run: (node) => judgePressure(node, 'PIDPressure', readTaskFigures(node.hostRoot)),
}
