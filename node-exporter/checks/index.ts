/** Every node check there is, by the name that it is asked for. */
import type { Check } from './check.ts'
import { clock } from './clock.ts'
import { conntrack } from './conntrack.ts'
import { containerRuntime } from './container-runtime.ts'
import { customConditions } from './custom-conditions.ts'
import { diskPressure } from './disk-pressure.ts'
import { filesystemRo } from './filesystem-ro.ts'
import { kubelet } from './kubelet.ts'
import { memoryPressure } from './memory-pressure.ts'
import { network } from './network.ts'
import { nodeReady } from './node-ready.ts'
import { okdRouter1936 } from './okd-router-1936.ts'
import { pidPressure } from './pid-pressure.ts'
import { schedulable } from './schedulable.ts'

export const CHECKS: Check[] = [
  nodeReady,
  okdRouter1936,
  filesystemRo,
  kubelet,
  containerRuntime,
  diskPressure,
  memoryPressure,
  pidPressure,
  network,
  customConditions,
  schedulable,
  conntrack,
  clock,
]
