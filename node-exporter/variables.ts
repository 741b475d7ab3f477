/** What the configurations of all roles share: how variables are read, and those that all of them have. */
import * as v from 'valibot'

const PORT_FORM = 'must be a port, 0 to 65535 (0: any free one)'

export const PORT = v.pipe(
  v.string(),
  v.regex(/^\d{1,5}$/, PORT_FORM), // Number() would also take 0x6000 and 1e3
  v.transform(Number),
  v.maxValue(65_535, PORT_FORM),
)

export const LOG_LEVEL = v.optional(
  v.picklist(['debug', 'info', 'warn', 'error'], 'must be debug, info, warn or error'),
  'info',
)

export type Read<T> = { ok: true; config: T } | { ok: false; faults: string[] }

/**
 * Every fault at once, each as the variable and what to write instead. An empty or blank variable counts as not set: that
 * is what templates leave behind.
 */
export function readVariables<T>(
  schema: v.GenericSchema<unknown, T>,
  env: Record<string, string | undefined>,
): Read<T> {
  const set = Object.entries(env).map(([name, value]) => [name, value?.trim() || undefined])
  const result = v.safeParse(schema, Object.fromEntries(set))
  if (result.success) return { ok: true, config: result.output }
  const faults = result.issues.map((issue) => `${String(issue.path?.[0].key)} ${issue.message}`)
  return { ok: false, faults: [...new Set(faults)] }
}
