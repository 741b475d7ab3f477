/**
 * The rules of the house, read from the files themselves: which way imports point, that the domain knows no clock and
 * no I/O, and what a file looks like. Each rule comes with examples that it must refuse, so none can fall asleep.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { describe, expect, it } from 'vitest'

interface SourceFile {
  /** From the root of the repository. */
  path: string
  text: string
}

interface Rule {
  says: string
  /** The files that it is about. */
  of: RegExp
  /** What is wrong with one of them. */
  findFaults: (file: SourceFile) => string[]
  /** A path, and a text at that path which the rule must refuse. */
  refuses: [path: string, text: string][]
}

const ROOT = new URL('../../', import.meta.url)
const SELF = 'test/unit/architecture.test.ts' // it is full of bad examples
const LINES_MAX = 400

/** Static, dynamic and of types; with comments out of the way. */
const IMPORTS = /^(?:import|export|\}).*?\bfrom '([^']+)'|^import '([^']+)'|\bimport\('([^']+)'\)/gm

function findImports({ path, text }: SourceFile): string[] {
  const code = text.replaceAll(/\/\*[\s\S]*?\*\//g, '')
  const specifiers = [...code.matchAll(IMPORTS)].flatMap(([, ...found]) => found.filter(Boolean))
  return specifiers.map((name) =>
    name.startsWith('.') ? posix.join(posix.dirname(path), name) : name,
  )
}

/** What is left when comments and quoted texts are gone: the words that run. */
function codeOf(text: string): string {
  return text.replaceAll(
    /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"/g,
    (found) => (found.startsWith('/') ? ' ' : "''"),
  )
}

function importsOnly(allowed: RegExp): Rule['findFaults'] {
  return (file) => findImports(file).filter((name) => !allowed.test(name))
}

function importsNever(forbidden: RegExp): Rule['findFaults'] {
  return (file) => findImports(file).filter((name) => forbidden.test(name))
}

function holdsNever(forbidden: RegExp): Rule['findFaults'] {
  return ({ text }) => codeOf(text).match(new RegExp(forbidden, 'g')) ?? []
}

const ARROWS: Rule[] = [
  {
    says: 'contract imports valibot and itself only',
    of: /^worker\/contract\//,
    findFaults: importsOnly(/^(valibot|worker\/contract\/.+)$/),
    refuses: [
      ['worker/contract/report.ts', "import { Hono } from 'hono'"],
      ['worker/contract/report.ts', "import type { Lease } from '../domain/freshness.ts'"],
      ['worker/contract/report.ts', "import type {\n  Env,\n} from '../env.ts'"],
    ],
  },
  {
    says: 'domain imports itself and contract only, and no package',
    of: /^worker\/domain\//,
    findFaults: importsOnly(/^worker\/(domain|contract)\/.+$/),
    refuses: [
      ['worker/domain/gtg.ts', "import * as v from 'valibot'"],
      ['worker/domain/gtg.ts', "import { readRecord } from '../store/cluster-record.ts'"],
      ['worker/domain/gtg.ts', "export { replyGtg } from '../dialects/gtg-text.ts'"],
    ],
  },
  {
    // The object writes its own metrics: those of a large cluster take the time of no isolate that answers for others.
    says: 'cluster and store know neither routes nor views, nor dialects but that of metrics',
    of: /^worker\/(cluster|store)\//,
    findFaults: importsNever(/^worker\/(routes|views|dialects\/(?!metrics))/),
    refuses: [
      ['worker/cluster/cluster.ts', "import { refuse } from '../routes/refuse.ts'"],
      ['worker/store/cluster-record.ts', "import { replyGtg } from '../dialects/gtg-text.ts'"],
      ['worker/cluster/cluster.ts', "import { page } from '../views/page.tsx'"],
    ],
  },
  {
    says: 'store knows no cluster object',
    of: /^worker\/store\//,
    findFaults: importsNever(/^worker\/cluster\//),
    refuses: [['worker/store/acks.ts', "import type { Cluster } from '../cluster/cluster.ts'"]],
  },
  {
    says: 'the worker knows neither the exporter nor tests nor Node',
    of: /^worker\//,
    findFaults: importsNever(/^(node-exporter\/|test\/|node:)/),
    refuses: [
      ['worker/app.ts', "import { readFile } from 'node:fs/promises'"],
      ['worker/app.ts', "import 'node:process'"],
      ['worker/routes/gtg.ts', "import { cutText } from '../../node-exporter/push/cut-text.ts'"],
      ['worker/routes/gtg.ts', "const play = await import('../../test/support/play.ts')"],
    ],
  },
  {
    says: 'the exporter imports of the worker contract and domain only',
    of: /^node-exporter\//,
    findFaults: importsNever(/^worker\/(?!contract\/|domain\/)/),
    refuses: [
      ['node-exporter/config.ts', "import { readConfig } from '../worker/env.ts'"],
      ['node-exporter/self/log.ts', "import { refuse } from '../../worker/routes/refuse.ts'"],
    ],
  },
  {
    says: 'nothing outside test imports test',
    of: /^(?!test\/)/,
    findFaults: importsNever(/^test\//),
    refuses: [
      ['node-exporter/main.ts', "import { startWorld } from '../test/sandbox/world.ts'"],
      ['worker/app.ts', "type Play = typeof import('../test/support/play.ts')"],
    ],
  },
]

/** What the domain must not see, and how somebody would write it. */
const CLOCK_AND_IO: [string, RegExp, string][] = [
  ['the clock', /\bDate\.now\b/, 'const nowMs = Date.now()'],
  ['the clock as a Date', /\bDate\(\s*\)|\bnew Date\b(?!\s*\()/, 'const now = new Date()'],
  ['a stopwatch', /\bperformance\b/, 'const startMs = performance.now()'],
  ['chance', /\bMath\.random\b/, 'const jitter = Math.random()'],
  ['the network', /\bfetch\b/, "void fetch('https://example.com')"],
  ['timers', /\bset(Timeout|Interval|Immediate)\b/, 'setTimeout(() => {}, 1)'],
  ['the console', /\bconsole\b/, "console.log('x')"],
  ['crypto', /\bcrypto\b/, 'const id = crypto.randomUUID()'],
  ['the process', /\bprocess\b/, "const mode = process.env['MODE']"],
  ['promises', /\b(async|await)\b/, 'export async function judge() {}'],
  ['an object of its own', /\bthis\b/, 'return this.state'],
]

const PURITY: Rule[] = CLOCK_AND_IO.map(([what, forbidden, example]) => ({
  says: `domain never sees ${what}`,
  of: /^worker\/domain\//,
  findFaults: holdsNever(forbidden),
  refuses: [['worker/domain/gtg.ts', example]],
}))

const FILES: Rule[] = [
  {
    says: 'an import of a file carries its extension',
    of: /./,
    findFaults: (file) =>
      findImports(file).filter((name) => name.includes('/') && isFileWithoutExtension(name)),
    refuses: [
      ['worker/app.ts', "import { gtg } from './routes/gtg'"],
      ['worker/app.ts', "import { gtg } from './routes/gtg.js'"],
      ['test/unit/x.test.ts', "import type {\n  Report,\n} from '../../worker/contract/report'"],
    ],
  },
  {
    says: 'a file opens with what it is for',
    of: /^(?!worker\/index\.ts$)/,
    findFaults: ({ text }) => (text.startsWith('/**') ? [] : ['no docstring']),
    refuses: [
      ['worker/app.ts', "import { Hono } from 'hono'\n/** The app. */"],
      ['worker/app.ts', '// The app.\n'],
    ],
  },
  {
    says: 'a file is named for what it holds',
    of: /./,
    findFaults: ({ path }) =>
      /^(utils?|helpers?|common|types|misc)\.tsx?$/.test(posix.basename(path)) ? [path] : [],
    refuses: [
      ['worker/utils.ts', ''],
      ['worker/routes/helpers.ts', ''],
      ['node-exporter/common.ts', ''],
      ['worker/domain/types.ts', ''],
    ],
  },
  {
    says: `a file has ${LINES_MAX} lines at most, but for tests`,
    of: /^(?!.*\.test\.tsx?$)/,
    findFaults: ({ text }) => {
      const lines = text.replace(/\n$/, '').split('\n').length
      return lines > LINES_MAX ? [`${lines} lines`] : []
    },
    refuses: [['worker/app.ts', '\n'.repeat(LINES_MAX + 1)]],
  },
]

function isFileWithoutExtension(name: string): boolean {
  const isOurs = /^(worker|node-exporter|test)\//.test(name)
  return isOurs && !/\.(ts|tsx|json)$/.test(name)
}

const RULES = [...ARROWS, ...PURITY, ...FILES]

function readSources(): SourceFile[] {
  return ['worker', 'node-exporter', 'test']
    .flatMap((folder) =>
      readdirSync(new URL(folder, ROOT), { recursive: true, encoding: 'utf8' }).map((name) =>
        posix.join(folder, name),
      ),
    )
    .filter((path) => /(?<!\.d)\.tsx?$/.test(path) && path !== SELF)
    .map((path) => ({ path, text: readFileSync(new URL(path, ROOT), 'utf8') }))
}

function judge({ of, findFaults }: Rule, files: SourceFile[]): string[] {
  return files
    .filter(({ path }) => of.test(path))
    .flatMap((file) => findFaults(file).map((fault) => `${file.path}: ${fault}`))
}

describe('the house', () => {
  const sources = readSources()

  it.each(RULES)('keeps its rule: $says', (rule) => {
    expect(judge(rule, sources)).toEqual([])
  })

  it('is read wholly: each part of it has files', () => {
    const parts = ['worker/contract/', 'worker/domain/', 'worker/cluster/', 'worker/store/']
    const counts = [...parts, 'node-exporter/', 'test/'].map(
      (part) => sources.filter(({ path }) => path.startsWith(part)).length,
    )

    expect(Math.min(...counts)).toBeGreaterThan(0)
    expect(sources.flatMap(findImports).length).toBeGreaterThan(sources.length)
  })
})

describe('a rule', () => {
  const examples = RULES.flatMap((rule) =>
    rule.refuses.map(([path, text]) => ({ rule, says: rule.says, path, text })),
  )

  it.each(examples)('wakes up when it is broken: $says, $text', ({ rule, path, text }) => {
    expect(judge(rule, [{ path, text }])).not.toEqual([])
  })

  it.each([
    ['a word in a comment', '/** Without `this`, fetch or console. */\n// await nothing'],
    ['a word in a text', "export const reason = 'this process can not await'"],
    ['a time that is passed in', 'export const text = new Date(nowMs).toISOString()'],
    ['an import of its own', "import { worst } from './service-health.ts'"],
    ['exactly 400 lines', `/** Long. */${'\n'.repeat(LINES_MAX)}`],
  ])('sleeps through what is allowed: %s', (_what, text) => {
    const file = { path: 'worker/domain/gtg.ts', text: `/** A file. */ ${text}` }

    expect(RULES.flatMap((rule) => judge(rule, [file]))).toEqual([])
  })
})

describe('the lockfile', () => {
  /** Where packages came from is each machine's own business; an address would bind everybody to one registry. */
  function findRegistries(lockfile: string): string[] {
    return (
      lockfile.match(/"resolved": "https?:[^"]*"|https?:\/\/[^/"]*(registry|npmjs)[^"]*/g) ?? []
    )
  }

  it('names no address of a registry', () => {
    expect(findRegistries(readFileSync(new URL('package-lock.json', ROOT), 'utf8'))).toEqual([])
  })

  it.each([
    '"resolved": "https://packages.example.com/hono/-/hono-4.13.19.tgz"',
    '"resolved": "http://127.0.0.1:4873/hono.tgz"',
    '"url": "https://npm-registry.example.com/hono"',
  ])('would be refused with %s', (line) => {
    expect(findRegistries(line)).toHaveLength(1)
  })
})
