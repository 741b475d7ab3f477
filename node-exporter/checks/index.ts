/** Every node check there is, by the name that it is asked for, and what of them an operator may set. */
import type { Check } from './check.ts'
import { clock } from './clock.ts'
import { conntrack } from './conntrack.ts'
import { makeContainerRuntime } from './container-runtime.ts'
import { makeCustomConditions, type WatchedCondition } from './custom-conditions.ts'
import { KUBELET_LEAST_FREE, makeDiskPressure } from './disk-pressure.ts'
import { makeFilesystemRo } from './filesystem-ro.ts'
import { makeKubelet } from './kubelet.ts'
import { memoryPressure } from './memory-pressure.ts'
import { createNetwork } from './network.ts'
import { nodeReady } from './node-ready.ts'
import { okdRouter1936 } from './okd-router-1936.ts'
import { pidPressure } from './pid-pressure.ts'
import { schedulable } from './schedulable.ts'

/** What isn't set is as each check has it. */
export interface CheckSettings {
  /** Absolute, on the host; the other two likewise. */
  writablePaths?: readonly string[] | undefined
  nodefsPaths?: readonly string[] | undefined
  imagefsPaths?: readonly string[] | undefined
  /** Percent that has to be free. */
  leastNodefs?: number | undefined
  leastImagefs?: number | undefined
  leastInodes?: number | undefined
  conditions?: readonly WatchedCondition[] | undefined
  /** On the host, with or without `unix://`. */
  criSocket?: string | undefined
  /** With the dot at its end. */
  dnsName?: string | undefined
  /** An IP address. */
  kubeletAddress?: string | undefined
  kubeletPort?: number | undefined
}

/** With memories of their own: of what was writable, and of calls that still hang. */
export function makeChecks(settings: CheckSettings = {}): Check[] {
  return [
    nodeReady,
    okdRouter1936,
    makeFilesystemRo(settings.writablePaths),
    makeKubelet({ address: settings.kubeletAddress, port: settings.kubeletPort }),
    makeContainerRuntime({ socket: settings.criSocket }),
    makeDiskPressure({
      nodefsPaths: settings.nodefsPaths,
      imagefsPaths: settings.imagefsPaths,
      leastFree: {
        nodefs: settings.leastNodefs ?? KUBELET_LEAST_FREE.nodefs,
        imagefs: settings.leastImagefs ?? KUBELET_LEAST_FREE.imagefs,
        inodes: settings.leastInodes ?? KUBELET_LEAST_FREE.inodes,
      },
    }),
    memoryPressure,
    pidPressure,
    createNetwork({ name: settings.dnsName ?? null }),
    makeCustomConditions(settings.conditions),
    schedulable,
    conntrack,
    clock,
  ]
}

/** As they are asked for: what a configuration may name. */
export const CHECK_NAMES: ReadonlySet<string> = new Set(makeChecks().map(({ name }) => name))
