/** A log that keeps its lines, so that a case can read what was told. */
import { pino } from 'pino'
import type { Log } from '../../../node-exporter/self/log.ts'

export function aLog(): { log: Log; lines: string[] } {
  const lines: string[] = []
  const log = pino(
    { level: 'debug', base: null, timestamp: false, messageKey: 'message' },
    {
      write: (line: string) => {
        lines.push(line)
      },
    },
  )
  return { log, lines }
}
