/** A real HAProxy, run with the settings that docs/probers.md tells users to paste, and asked over its stats socket. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import { onTestFinished, vi } from 'vitest'
import { aFolder } from './a-setup.ts'

const SOON = { timeout: 5_000, interval: 20 }
const PAGE = new URL('../../../docs/probers.md', import.meta.url)

export interface Snippet {
  /** `haproxy` in a fence that opens with "```haproxy nodes.cfg". */
  language: string
  /** `nodes.cfg`; empty: it has none. */
  name: string
  text: string
}

export interface RunningHaproxy {
  /** A server's line of `show stat`: status, check_code, last_agt and so on, as HAProxy writes them. */
  serverOf(name: string): Promise<Record<string, string>>
  /** A command on the stats socket. */
  command(line: string): Promise<string>
}

export function isHaproxyInstalled(): boolean {
  return spawnSync('haproxy', ['-v']).status === 0
}

/** Every fenced block of the page. */
export function readSnippets(): Snippet[] {
  const fences = readFileSync(PAGE, 'utf8').matchAll(/^```(\w+) ?(\S*)\n(.*?)^```$/gms)
  return [...fences].map(([, language = '', name = '', text = '']) => ({ language, name, text }))
}

/** A snippet with other addresses and timings. Throws when the page has lost what is to be replaced. */
export function substitute(name: string, replacements: [RegExp | string, string][]): string {
  const snippet = readSnippets().find((known) => known.name === name)
  if (snippet === undefined) throw new Error(`docs/probers.md has no snippet ${name}`)
  return replacements.reduce((text, [from, to]) => {
    const replaced = text.replaceAll(typeof from === 'string' ? from : new RegExp(from, 'g'), to)
    if (replaced === text) throw new Error(`${name} of docs/probers.md has no ${String(from)}`)
    return replaced
  }, snippet.text)
}

/** What `haproxy -c` says; empty: all is well, without a warning. */
export function complaintsOf(config: string): string {
  const { status, stderr } = spawnSync('haproxy', ['-c', '-q', '-f', writeConfig(config)])
  const text = stderr.toString().replaceAll(/^\[NOTICE\].*\n/gm, '')
  return status === 0 ? text : `exit ${status}\n${text}`
}

/** Runs until the test ends. Its stats socket takes the place of the documented one. */
export async function startHaproxy(config: string): Promise<RunningHaproxy> {
  const socket = `${aFolder()}/stats.sock`
  const path = writeConfig(config.replace(/stats socket \S+/, `stats socket ${socket}`))
  const child = spawn('haproxy', ['-db', '-f', path])
  const said: string[] = []
  child.stderr.on('data', (text: Buffer) => said.push(text.toString()))
  const ended = once(child, 'close')
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await ended
  })
  await vi.waitFor(async () => {
    if (child.exitCode !== null) throw new Error(`HAProxy ended:\n${said.join('')}`)
    await ask(socket, 'show info')
  }, SOON)
  return {
    command: (line) => ask(socket, line),
    serverOf: async (name) => {
      const row = readCsv(await ask(socket, 'show stat')).find(({ svname }) => svname === name)
      if (row === undefined) throw new Error(`HAProxy has no server ${name}`)
      return row
    },
  }
}

function writeConfig(config: string): string {
  const path = `${aFolder()}/haproxy.cfg`
  writeFileSync(path, config)
  return path
}

async function ask(path: string, command: string): Promise<string> {
  const socket = createConnection(path)
  await once(socket, 'connect')
  socket.end(`${command}\n`)
  let text = ''
  for await (const chunk of socket.setEncoding('utf8')) text += String(chunk)
  return text
}

/** Its fields hold no commas but the last check's words, which HAProxy puts in quotes. */
function readCsv(text: string): Record<string, string>[] {
  const [head = '', ...rows] = text.replace(/^# /, '').trim().split('\n')
  const names = head.split(',')
  return rows.map((row) => {
    const fields = [...row.matchAll(/("(?:[^"]|"")*"|[^,]*)(?:,|$)/g)].map(
      ([, field = '']) => field,
    )
    return Object.fromEntries(names.map((name, i) => [name, fields[i] ?? '']))
  })
}
