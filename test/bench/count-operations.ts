/**
 * Goes into a build of the Worker of its own, never into one whose time is taken: counts what the platform bills of the
 * Cluster object. Everything runs in one isolate there, so its Worker can tell the counts.
 */
export interface Operations {
  /** Of SQL, and one for each alarm that is set (reference/cloudflare.md). */
  rowsWritten: number
  rowsRead: number
  alarmsSet: number
  /** Calls, fetches and alarms: each is a request to the object. */
  calls: number
  /** WebSocket messages in. */
  messages: number
}

export const operations: Operations = {
  rowsWritten: 0,
  rowsRead: 0,
  alarmsSet: 0,
  calls: 0,
  messages: 0,
}

/** The entry of such a build: what is deployed, with `/bench/operations` beside it. */
export const COUNTING_ENTRY = `
import worker, { Cluster } from './worker/index.ts'
import { countCalls, countStorage, operations } from './test/bench/count-operations.ts'
export { Fleet } from './worker/index.ts'
class Counting extends Cluster {
  constructor(ctx, env) {
    countStorage(ctx.storage)
    super(ctx, env)
  }
}
countCalls(Counting.prototype, Cluster.prototype)
export { Counting as Cluster }
export default {
  fetch(request, env, ctx) {
    if (new URL(request.url).pathname === '/bench/operations') return Response.json(operations)
    return worker.fetch(request, env, ctx)
  },
}`

type Method = (this: unknown, ...args: unknown[]) => unknown

/** Its own methods are the private ones' only callers, so each call from outside is counted once. */
export function countCalls(counting: object, counted: object): void {
  const names = Object.getOwnPropertyNames(counted).filter((name) => name !== 'constructor')
  for (const name of names) {
    const method = findMethod(counted, name)
    if (method === null) continue
    const kind = name === 'webSocketMessage' ? 'messages' : 'calls'
    define(counting, name, function counter(...args) {
      operations[kind] += 1
      return method.apply(this, args)
    })
  }
}

export function countStorage(storage: object): void {
  const sql: unknown = Reflect.get(storage, 'sql')
  if (typeof sql !== 'object' || sql === null) throw new Error('no SQL behind this storage')
  const exec = findMethod(sql, 'exec')
  const setAlarm = findMethod(storage, 'setAlarm')
  if (exec === null || setAlarm === null) throw new Error('another storage than is known here')
  define(sql, 'exec', (...args) => {
    const cursor = exec.apply(sql, args)
    if (typeof cursor !== 'object' || cursor === null) return cursor
    // A statement that writes is done when exec returns; one that reads counts while it is read.
    operations.rowsWritten += numberOf(cursor, 'rowsWritten')
    const toArray = findMethod(cursor, 'toArray')
    define(cursor, 'toArray', () => {
      const rows = toArray?.apply(cursor, [])
      operations.rowsRead += numberOf(cursor, 'rowsRead')
      return rows
    })
    return cursor
  })
  define(storage, 'setAlarm', (...args) => {
    operations.alarmsSet += 1
    operations.rowsWritten += 1
    return setAlarm.apply(storage, args)
  })
}

function define(of: object, name: string, value: Method): void {
  Object.defineProperty(of, name, { value, configurable: true, writable: true })
}

function findMethod(of: object, name: string): Method | null {
  const found: unknown = Reflect.get(of, name)
  return isMethod(found) ? found : null
}

function isMethod(value: unknown): value is Method {
  return typeof value === 'function'
}

function numberOf(of: object, name: string): number {
  return Number(Reflect.get(of, name))
}
