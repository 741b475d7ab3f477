/** The exporter of a script: what it last saw of services and ConfigMaps, and the report that it makes of it. */
import type { Category, Content, Report, Service } from '../../worker/contract/report.ts'
import {
  aBlind,
  aCategory,
  aContent,
  aHeartbeat,
  anUnreachableTarget,
  aService,
  aSnapshot,
  aTarget,
} from './a-report.ts'
import { T0 } from './apply.ts'
import { findNames, findOption, readMs, type Line } from './script.ts'

const STATES = ['ok', 'failing', 'unreachable', 'nopods', 'unchecked'] as const

/** How a service was last seen. */
interface Seen {
  word: (typeof STATES)[number]
  checks: string[]
  severity: 1 | 2 | 3 | null
  pod: string
  output: string
  /** Of the script; null: it isn't overdue. */
  overdue: string | null
}

const OK: Seen = {
  word: 'ok',
  checks: ['database'],
  severity: null,
  pod: 'web-1',
  output: '',
  overdue: null,
}

export class Exporter {
  readonly #services = new Map<string, Seen>([['web', OK]])
  readonly #categories = new Map<string, Category>([['read', aCategory()]])
  readonly #acks = new Map<string, string>()
  #streaks = new Map<string, number>()
  #epoch = 1
  #digest = ''

  report(line: Line): Report {
    const observed = findOption(line, 'observed')
    const number = findNames(line).find((name) => name.startsWith('#'))
    const epoch = Number(findOption(line, 'epoch') ?? 1)
    // Another process, which saw no check fail so far.
    if (epoch !== this.#epoch) this.#streaks = new Map()
    this.#epoch = epoch
    this.#see(line)
    const envelope = {
      epoch,
      sequence: Number(number?.slice(1)),
      observedAt: observed === null ? line.atMs : T0 + readMs(observed),
      streaks: this.#listStreaks(),
    }
    const digest = findOption(line, 'digest')
    switch (line.kind) {
      case 'snapshot':
        this.#digest = digest ?? `${epoch}/${envelope.sequence}`
        return aSnapshot({ ...envelope, digest: this.#digest, content: this.#describe(line) })
      case 'heartbeat':
        return aHeartbeat({ ...envelope, digest: digest ?? this.#digest })
      default:
        return aBlind(envelope)
    }
  }

  readCategory(line: Line): string {
    const [name = '', ...words] = findNames(line)
    if (words.includes('gone')) this.#categories.delete(name)
    else {
      const enabled = findOption(line, 'enabled')
      const category = aCategory({
        name,
        services: findOption(line, 'services')?.split('+') ?? ['web'],
        isSticky: words.includes('sticky'),
        failureThreshold: Number(findOption(line, 'threshold') ?? 3),
        ...(enabled === null ? {} : { enabled: enabled === 'true' }),
      })
      this.#categories.set(name, category)
    }
    return 'seen'
  }

  readAck(line: Line): string {
    const [service = '', message = ''] = findNames(line)
    if (message === 'gone') this.#acks.delete(service)
    else this.#acks.set(service, message)
    return 'seen'
  }

  #see({ words }: Line): void {
    let name = ''
    for (const [i, { text, value }] of words.entries()) {
      const word = STATES.find((state) => state === text && value === null)
      if (word !== undefined) {
        name = words[i - 1]?.text ?? ''
        this.#services.set(name, { ...OK, word })
        if (word === 'ok') this.#streaks.delete(name)
      } else if (words[i - 1]?.text === 'streak') {
        this.#streaks.set(text, Number(value))
      } else if (value !== null) this.#add(name, [text, value])
    }
  }

  #add(name: string, [key, value]: [string, string]): void {
    const seen = this.#services.get(name)
    if (seen === undefined) return
    if (key === 'check') this.#services.set(name, { ...seen, checks: value.split('+') })
    if (key === 'severity') this.#services.set(name, { ...seen, severity: readSeverity(value) })
    if (key === 'pod') this.#services.set(name, { ...seen, pod: value })
    if (key === 'overdue') this.#services.set(name, { ...seen, overdue: value })
    if (key === 'output') this.#services.set(name, { ...seen, output: value })
  }

  /** Of failing services alone: one that is not checked yet has none to tell, and goes on where it was. */
  #listStreaks(): Record<string, number> {
    const unsaid = ['ok', 'unchecked']
    return Object.fromEntries(
      [...this.#streaks].filter(([name]) => !unsaid.includes(this.#services.get(name)?.word ?? '')),
    )
  }

  #describe(line: Line): Content {
    const services = [...this.#services].map(([name, seen]) => describeService(name, seen))
    return aContent({
      services: findOption(line, 'services') === 'null' ? null : services,
      categories: findOption(line, 'categories') === 'null' ? null : [...this.#categories.values()],
      acks:
        findOption(line, 'acks') === 'null'
          ? null
          : [...this.#acks].map(([service, message]) => ({ service, message })),
    })
  }
}

function describeService(name: string, seen: Seen): Service {
  const overdue = seen.overdue === null ? {} : { overdueSince: T0 + readMs(seen.overdue) }
  return aService({ name, targets: describeTargets(seen), ...overdue })
}

function describeTargets({ word, checks, severity, pod, output }: Seen): Service['targets'] {
  switch (word) {
    case 'ok':
      return [aTarget({ id: pod })]
    case 'unreachable':
      return [anUnreachableTarget({ id: pod })]
    case 'nopods':
      return []
    case 'unchecked':
      return null
    case 'failing':
      return [aTarget({ id: pod, ok: false, checks: checks.map((id) => failCheck(id)) })]
  }

  function failCheck(id: string) {
    const said = severity === null ? {} : { severity }
    return { id, name: id, ok: false, checkOutput: output, ...said }
  }
}

function readSeverity(text: string): 1 | 2 | 3 {
  const severity = ([1, 2, 3] as const).find((one) => String(one) === text)
  if (severity === undefined) throw new Error(`not a severity: ${text}`)
  return severity
}
