/** The kubelet's own word on memory: it starts evicting pods when this turns True. */
import type { Check } from './check.ts'
import { judgePressure, readMemoryFigures } from './pressure-figures.ts'

export const memoryPressure: Check = {
  name: 'memory_pressure',
  timeoutMs: 1000,
  cannotTell: 'pass',
  run: (node) => judgePressure(node, 'MemoryPressure', readMemoryFigures(node.hostRoot)),
}
