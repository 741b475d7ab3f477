/** A program of this project as a process of its own, the way users run it; stopped by its own id. */
import { spawn, type ChildProcess } from 'node:child_process'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'

const ROOT = new URL('../../', import.meta.url).pathname

export interface RunningProcess {
  readonly pid: number
  /** Everything it wrote, line by line, both streams. */
  readonly lines: string[]
  /** Calls back for each further line. */
  onLine(listener: (line: string) => void): void
  /** Resolves with the first line, past or to come, that matches. */
  waitFor(pattern: RegExp): Promise<string>
  /** A line on its stdin. */
  write(line: string): void
  /** Resolves with the exit code when it has ended; null when a signal ended it. */
  readonly ended: Promise<number | null>
  /** SIGKILL, which nobody can pass on, goes to all that it started. */
  kill(signal: NodeJS.Signals): void
  stop(): Promise<void>
}

/** Pods of the sandbox are on loopback, which no exporter asks unless it is told to. */
export const ON_LOOPBACK = { PROBE_ALLOW_CIDRS: '127.0.0.0/8,::1/128' }

/** An exporter that stops at once, and never finds its port taken by another one. */
const FOR_NOW = { HEALTH_PORT: '0', DRAIN_SECONDS: '0', ...ON_LOOPBACK }

/** `script`: a path below the root. `env` is all it gets, but for PATH, HOME, and what suits a process of the moment. */
export function startProcess(script: string, env: Record<string, string>): RunningProcess {
  const child = spawn(process.execPath, [resolve(ROOT, script)], {
    cwd: ROOT,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...FOR_NOW, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true, // a group of its own, so that SIGKILL reaches what it started too
  })
  const lines: string[] = []
  const listeners = new Set<(line: string) => void>()
  for (const input of [child.stdout, child.stderr]) {
    createInterface({ input }).on('line', (line) => {
      lines.push(line)
      for (const listener of listeners) listener(line)
    })
  }
  const ended = endOf(child)
  return {
    pid: child.pid ?? 0,
    lines,
    onLine: (listener) => listeners.add(listener),
    waitFor: (pattern) => {
      const known = lines.find((line) => pattern.test(line))
      if (known !== undefined) return Promise.resolve(known)
      const { promise, resolve: found, reject } = Promise.withResolvers<string>()
      const listener = (line: string) => {
        if (!pattern.test(line)) return
        listeners.delete(listener)
        found(line)
      }
      listeners.add(listener)
      void ended.then((code) => {
        reject(new Error(`${script} ended (${code}) before ${pattern}:\n${lines.join('\n')}`))
      })
      return promise
    },
    write: (line) => {
      child.stdin.write(`${line}\n`)
    },
    ended,
    kill: (signal) => {
      if (signal === 'SIGKILL' && child.pid !== undefined) process.kill(-child.pid, signal)
      else child.kill(signal)
    },
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
      await ended
    },
  }
}

function endOf(child: ChildProcess): Promise<number | null> {
  const { promise, resolve: end } = Promise.withResolvers<number | null>()
  child.once('close', (code) => {
    end(code)
  })
  return promise
}
