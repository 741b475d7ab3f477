/** Environment to what an operator may set of the checks: each fault says what to write instead. */
import { isIP } from 'node:net'
import { posix } from 'node:path'
import * as v from 'valibot'
import { parseConditions, type WatchedCondition } from '../checks/custom-conditions.ts'
import type { CheckSettings } from '../checks/index.ts'

const PATHS_FORM = 'must be absolute paths on the host, separated by commas'
const PERCENT_FORM = 'must be a number of percent, 0 (off) to 99, such as 10'
const PORT_FORM = 'must be a port, 1 to 65535'
const NAME_FORM = 'must be a name to ask DNS for, such as example.com'

/** Separated by commas, for a path may hold a blank; without slashes at their ends. */
const paths = v.pipe(
  v.string(),
  v.transform((text) => text.split(',').map((path) => path.trim())),
  v.transform((list) => list.filter((path) => path !== '')),
  v.minLength(1, PATHS_FORM),
  v.everyItem((path) => path.startsWith('/'), PATHS_FORM),
  v.transform((list) => [...new Set(list.map((path) => posix.resolve(path)))]),
)

const percent = v.pipe(
  v.string(),
  v.regex(/^\d{1,2}(\.\d+)?$/, PERCENT_FORM),
  v.transform((text) => Number(text)),
)

const conditions = v.pipe(
  v.string(),
  v.rawTransform<string, WatchedCondition[]>(({ dataset, addIssue, NEVER }) => {
    const parsed = parseConditions(dataset.value)
    if (parsed.ok && parsed.conditions.length > 0) return parsed.conditions
    const faults = parsed.ok ? ['must name conditions'] : parsed.faults
    for (const fault of faults) addIssue({ message: fault })
    return NEVER
  }),
)

/** To be spread into the schema of a role's environment. */
export const CHECK_ENTRIES = {
  WRITABLE_PATHS: v.optional(paths),
  NODEFS_PATHS: v.optional(paths),
  IMAGEFS_PATHS: v.optional(paths),
  NODEFS_FREE_PERCENT: v.optional(percent),
  IMAGEFS_FREE_PERCENT: v.optional(percent),
  INODES_FREE_PERCENT: v.optional(percent),
  CUSTOM_CONDITIONS: v.optional(conditions),
  CRI_SOCKET: v.optional(
    v.pipe(
      v.string(),
      v.regex(
        /^(unix:\/\/)?\/./,
        'must be a path on the host, such as /run/containerd/containerd.sock',
      ),
    ),
  ),
  DNS_NAME: v.optional(
    v.pipe(
      v.string(),
      v.maxLength(254, NAME_FORM), // RFC 1035: 253 and the dot at its end
      v.regex(/^(?!\.)([\w-]{1,63}(\.(?=.)|\.?$))+$/, NAME_FORM),
      v.transform((name) => (name.endsWith('.') ? name : `${name}.`)),
    ),
  ),
  KUBELET_HEALTHZ_ADDRESS: v.optional(
    v.pipe(
      v.string(),
      v.trim(),
      v.check((text) => isIP(text) !== 0, 'must be an IP address of the node, such as 192.0.2.10'),
    ),
  ),
  KUBELET_HEALTHZ_PORT: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^\d+$/, PORT_FORM),
      v.transform(Number),
      v.minValue(1, PORT_FORM),
      v.maxValue(65_535, PORT_FORM),
    ),
  ),
}

const checkSchema = v.object(CHECK_ENTRIES)

/** What isn't set stays undefined: each check knows its own defaults. */
export function toCheckSettings(env: v.InferOutput<typeof checkSchema>): CheckSettings {
  return {
    writablePaths: env.WRITABLE_PATHS,
    nodefsPaths: env.NODEFS_PATHS,
    imagefsPaths: env.IMAGEFS_PATHS,
    leastNodefs: env.NODEFS_FREE_PERCENT,
    leastImagefs: env.IMAGEFS_FREE_PERCENT,
    leastInodes: env.INODES_FREE_PERCENT,
    conditions: env.CUSTOM_CONDITIONS,
    criSocket: env.CRI_SOCKET,
    dnsName: env.DNS_NAME,
    kubeletAddress: env.KUBELET_HEALTHZ_ADDRESS,
    kubeletPort: env.KUBELET_HEALTHZ_PORT,
  }
}
