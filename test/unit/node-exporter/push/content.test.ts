/** What a snapshot holds, and what is left of it where it would be too large: detail goes, verdicts never do. */
import { randomBytes } from 'node:crypto'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import * as v from 'valibot'
import { judgeServices } from '../../../../worker/domain/verdict.ts'
import { buildContent, packReport, type Sources } from '../../../../node-exporter/push/content.ts'
import type { Discovered } from '../../../../node-exporter/discovery/discovery.ts'
import { digestContent } from '../../../../worker/contract/digest.ts'
import {
  ACKS_MAX,
  CATEGORIES_MAX,
  REPORT_MAX_BYTES,
  REPORT_WIRE_MAX_BYTES,
  SERVICES_MAX,
} from '../../../../worker/contract/limits.ts'
import {
  contentSchema,
  reportSchema,
  snapshotSchema,
  type Content,
  type Report,
  type Service,
} from '../../../../worker/contract/report.ts'
import { aDiscovered, aKnownService } from '../../../support/exporter/a-discovered.ts'
import {
  aBlind,
  aCategory,
  aContent,
  aFailingTarget,
  aHeartbeat,
  aNode,
  aService,
  aSnapshot,
  aTarget,
} from '../../../support/a-report.ts'
import { containing } from '../../../support/like.ts'

/** A text of so many bytes that gzip makes little smaller. */
const SEVERITIES = [3, 1] as const

function noise(bytes: number): string {
  return randomBytes(bytes).toString('base64').slice(0, bytes)
}

function times<T>(count: number, make: (i: number) => T): T[] {
  return Array.from({ length: count }, (_, i) => make(i))
}

function contentOf(services: Service[]): Content {
  const warnings = [{ subject: 'Service web', message: 'several ports' }]
  return aContent({ services, warnings })
}

async function pack(content: Content) {
  const bytes = await packReport(aSnapshot({ content }))
  const text = gunzipSync(bytes).toString()
  const report = v.parse(reportSchema, JSON.parse(text))
  if (report.kind !== 'snapshot') throw new Error('a snapshot became something else')
  return { bytes: bytes.length, textBytes: Buffer.byteLength(text), content: report.content }
}

describe('the content', () => {
  const prober = {
    describe: ({ name }: { name: string }) => aService({ name }),
    warnings: () => [{ subject: 'Service web', message: 'answers without checks' }],
  }
  const build = (discovered: Discovered, given: Partial<Sources> = {}) =>
    buildContent({
      environment: 'Production',
      discovered,
      prober,
      collector: { describe: () => null },
      moreWarnings: [],
      areNodesCut: false,
      ...given,
    })

  it('is all that discovery, the prober and the collector know', () => {
    const known = aDiscovered({
      services: [aKnownService({ name: 'web' }), aKnownService({ name: 'shop' })],
      acks: [{ service: 'web', message: 'known' }],
      warnings: [{ subject: 'Service shop', message: 'several ports' }],
    })

    const content = build(known, {
      collector: { describe: () => [aNode({ name: 'node-7' })] },
      moreWarnings: [{ subject: 'discovery', message: '/api/v1/pods: forbidden' }],
    })

    expect(content).toEqual({
      environment: 'Production',
      categories: [],
      services: [aService({ name: 'web' }), aService({ name: 'shop' })],
      nodes: [aNode({ name: 'node-7' })],
      acks: [{ service: 'web', message: 'known' }],
      warnings: [
        { subject: 'Service shop', message: 'several ports' },
        { subject: 'discovery', message: '/api/v1/pods: forbidden' },
        { subject: 'Service web', message: 'answers without checks' },
      ],
    })
  })

  it('says null of what could not be listed', () => {
    const known = aDiscovered({ categories: null, acks: null })

    const content = build(known)

    expect(content).toMatchObject({ categories: null, acks: null, nodes: null })
  })

  it('names the categories that are incomplete', () => {
    const categories = [
      aCategory({ name: 'read', services: ['web'] }),
      aCategory({ name: 'hosts', services: ['nodes'] }),
    ]
    const known = aDiscovered({ categories, incomplete: ['default', 'read'] })

    expect(build(known).incomplete).toEqual(['default', 'read'])
    expect(build(known, { areNodesCut: true }).incomplete).toEqual(['default', 'read', 'hosts'])
    expect(build(aDiscovered({ categories }))).not.toHaveProperty('incomplete')
  })

  it('has 200 warnings at most, and says how many more', () => {
    const warnings = times(300, (i) => ({ subject: `Service ${i}`, message: 'several ports' }))

    const content = build(aDiscovered({ warnings }))

    expect(content.warnings).toHaveLength(200)
    expect(content.warnings.at(-1)?.message).toMatch(/^102 more warnings/)
  })

  it('has warnings that the wire takes, whatever the API server said', () => {
    const warnings = [{ subject: 'discovery', message: `/api/v1: ${'é'.repeat(5000)}` }]

    const content = build(aDiscovered({ warnings }))

    expect(v.safeParse(contentSchema, content).issues).toBeUndefined()
  })
})

describe('a report that fits', () => {
  it.each<[string, Report]>([
    ['snapshot', aSnapshot({ content: contentOf([aService({ targets: [aFailingTarget()] })]) })],
    ['heartbeat', aHeartbeat()],
    ['blind', aBlind()],
  ])('is sent whole: %s', async (_, report) => {
    const bytes = await packReport(report)

    expect(v.parse(reportSchema, JSON.parse(gunzipSync(bytes).toString()))).toEqual(report)
  })

  it.each([
    ['at 4 MiB', 0, true],
    ['one byte over it', 1, false],
  ])('may have 4 MiB unpacked: %s', async (_, more, isWhole) => {
    const withOutput = (bytes: number) =>
      contentOf([aService({ targets: [aFailingTarget({ checkOutput: 'x'.repeat(bytes) })] })])
    const around = gunzipSync(await packReport(aSnapshot({ content: withOutput(0) }))).length
    const content = withOutput(REPORT_MAX_BYTES - around + more)

    const bytes = await packReport(aSnapshot({ content }))

    const text = gunzipSync(bytes).toString()
    expect(Buffer.byteLength(text) === REPORT_MAX_BYTES).toBe(isWhole)
    expect(text.includes('checkOutput')).toBe(isWhole)
  })
})

describe('a report that is too large', () => {
  const failing = (i: number, output: string) =>
    aFailingTarget(
      { id: 'db', name: 'database', severity: 1, checkOutput: output, panicGuide: 'call Ann' },
      { id: `web-${i}`, node: 'node-1' },
    )
  const passing = (name: string) => ({ id: name, name, ok: true })

  it('loses its texts first', async () => {
    const targets = times(500, (i) => {
      const target = failing(i, noise(1024))
      return { ...target, checks: [...target.checks, passing('self')] }
    })
    const content = contentOf([aService({ targets })])

    const packed = await pack(content)

    expect(packed.bytes).toBeLessThanOrEqual(REPORT_WIRE_MAX_BYTES)
    expect(packed.content.services?.[0]?.targets?.[7]?.checks).toEqual([
      { id: 'db', name: 'database', ok: false, severity: 1 },
      { id: 'self', name: 'self', ok: true },
    ])
    expect(packed.content.services?.[0]?.targets?.[7]).toMatchObject({
      id: 'web-7',
      node: 'node-1',
    })
    expect(packed.content.warnings).toEqual(content.warnings)
    expect(await digestContent(packed.content)).toBe(await digestContent(content))
  })

  it('loses the checks that pass and its warnings next, and says so', async () => {
    const targets = times(500, (i) => {
      const checks = times(20, () => passing(noise(60)))
      return i % 2 === 0
        ? aTarget({ checks })
        : { ...failing(i, noise(500)), checks: [...failing(i, '').checks, ...checks] }
    })
    const content = contentOf([aService({ targets })])

    const packed = await pack(content)

    expect(packed.bytes).toBeLessThanOrEqual(REPORT_WIRE_MAX_BYTES)
    const kept = packed.content.services?.[0]?.targets ?? []
    expect(kept.slice(0, 2).map(({ checks }) => checks)).toEqual([
      [],
      [{ id: 'db', name: 'database', ok: false, severity: 1 }],
    ])
    expect(kept[1]?.id).toBe('web-1')
    expect(packed.content.warnings).toEqual([
      { subject: 'report', message: containing('details were left out') },
    ])
    expect(await digestContent(packed.content)).toBe(await digestContent(content))
  })

  it('loses what tells its targets from one another last', async () => {
    const targets = times(3000, (i) => {
      const target = i % 3 === 0 ? failing(i, 'refused') : aTarget()
      return { ...target, id: noise(250), node: noise(200), ready: i % 5 === 0 }
    })
    const late = { overdueSince: 1, periodSeconds: 20 }
    const content = contentOf([aService({ targets, ...late })])

    const packed = await pack(content)

    expect(packed.bytes).toBeLessThanOrEqual(REPORT_WIRE_MAX_BYTES)
    expect(packed.content.services?.[0]).toMatchObject(late)
    expect(packed.content.services?.[0]?.targets).toHaveLength(3000)
    expect(packed.content.services?.[0]?.targets?.[3]).toEqual({
      id: '3',
      ready: false,
      ok: false,
      answered: true,
      checkedAt: targets[3]?.checkedAt,
      checks: [{ id: 'db', name: 'db', ok: false, severity: 1 }],
    })
    expect(await digestContent(packed.content)).toBe(await digestContent(content))
  })

  it('keeps the worst failing check of each target when a shared dependency fails everywhere', async () => {
    const targets = times(2000, (i) => {
      const checks = times(20, (n) => ({
        id: noise(38),
        name: noise(38),
        ok: false,
        severity: SEVERITIES[n % 2],
      }))
      return aTarget({ id: `web-${i}`, ok: false, checks })
    })
    const content = contentOf([aService({ targets, isResilient: false })])

    const packed = await pack(content)

    expect(packed.bytes).toBeLessThanOrEqual(REPORT_WIRE_MAX_BYTES)
    expect(packed.content.services?.[0]?.targets?.every(({ checks }) => checks.length === 1)).toBe(
      true,
    )
    expect(judgeServices(packed.content, null)).toEqual(judgeServices(content, null))
  })

  it.each([
    ['for the wire', 300, () => noise(1024)],
    ['unpacked', 2500, () => 'x'.repeat(1024)],
  ])('loses the texts of its services too: %s', async (_, count, text) => {
    const services = times(count, (i) =>
      aService({ name: `web-${i}`, businessImpact: text(), panicGuide: text() }),
    )
    const content = contentOf(services)

    const packed = await pack(content)

    expect(packed.bytes).toBeLessThanOrEqual(REPORT_WIRE_MAX_BYTES)
    expect(packed.textBytes).toBeLessThanOrEqual(REPORT_MAX_BYTES)
    expect(await digestContent(packed.content)).toBe(await digestContent(content))
  })

  it('loses the texts of node checks, and never which of them pass', async () => {
    const passed = (i: number) => i % 7 !== 0
    const nodes = times(200, (n) =>
      aNode({
        name: `node-${n}`,
        checks: times(13, (i) => ({ name: `check_${i}`, passed: passed(i), reason: noise(1024) })),
      }),
    )
    const content = aContent({ nodes })

    const packed = await pack(content)

    expect(packed.bytes).toBeLessThanOrEqual(REPORT_WIRE_MAX_BYTES)
    expect(packed.content.nodes).toHaveLength(200)
    expect(packed.content.nodes?.[7]?.checks).toEqual(
      times(13, (i) => ({ name: `check_${i}`, passed: passed(i) })),
    )
    expect(await digestContent(packed.content)).toBe(await digestContent(content))
  })

  it('keeps null what was null', async () => {
    const content = aContent({
      services: [
        aService({ name: 'new', targets: null }),
        aService({ targets: times(500, (i) => failing(i, noise(1024))) }),
      ],
      categories: null,
    })

    const packed = await pack(content)

    expect(packed.content.services?.[0]?.targets).toBeNull()
    expect(packed.content.categories).toBeNull()
    expect(packed.content.nodes).toBeNull()
  })
})

describe('a report of which names alone are too many', () => {
  /** Letters and digits as Kubernetes takes them, which gzip can make no smaller than two thirds. */
  const label = (length: number) =>
    Array.from(randomBytes(length), (byte) => 'abcdefghijklmnopqrstuvwxyz234567'[byte % 32]).join(
      '',
    )
  const spaces = times(50, () => label(63))
  const names = times(SERVICES_MAX, (i) => `${label(63)}.${spaces[i % 50] ?? ''}`)
  const isOk = (i: number) => Math.floor(i / 50) % 2 === 0
  const services = names.map((name, i) =>
    aService({
      name,
      targets: times(2, () => {
        const checks = [{ id: label(253), name: label(253), ok: isOk(i), severity: 1 as const }]
        return aTarget({ id: label(253), node: label(253), ok: isOk(i), checks })
      }),
    }),
  )
  const categories = times(CATEGORIES_MAX, (i) =>
    aCategory({ name: '語'.repeat(200) + label(53), services: names.slice(i * 10, i * 10 + 40) }),
  )
  const acks = names.slice(0, ACKS_MAX).map((service) => ({ service, message: noise(1024) }))
  const nodes = times(1000, () => aNode({ name: label(253) }))
  const streaks = Object.fromEntries(names.map((name, i) => [name, i + 1]))
  const content = aContent({ services, categories, acks, nodes })

  it('is sent within its bounds, and says which categories are incomplete', async () => {
    const bytes = await packReport(aSnapshot({ content, streaks }))

    const text = gunzipSync(bytes).toString()
    const report = v.parse(snapshotSchema, JSON.parse(text))
    expect(bytes.length).toBeLessThanOrEqual(REPORT_WIRE_MAX_BYTES)
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(REPORT_MAX_BYTES)
    expect(report.content.incomplete).toContain('default')
    expect(report.content.incomplete).toContain(report.content.categories?.[0]?.name)
    expect(report.content.services?.length).toBeGreaterThan(300)
    // What fails stays.
    expect(report.content.services?.every(({ targets }) => targets?.[0]?.ok === false)).toBe(true)
    const kept = new Set(report.content.services?.map(({ name }) => name.split('.')[1]))
    expect(kept.size).toBe(50)
  })

  it('is sent as a heartbeat, too', async () => {
    const bytes = await packReport(aHeartbeat({ streaks }))

    const report = v.parse(reportSchema, JSON.parse(gunzipSync(bytes).toString()))
    expect(bytes.length).toBeLessThanOrEqual(REPORT_WIRE_MAX_BYTES)
    expect(Object.keys(report.streaks).length).toBeGreaterThan(1000)
  })

  it('costs a small namespace nothing', async () => {
    const mine = times(3, (i) => aService({ name: `web-${i}` }))

    const packed = await pack({ ...content, services: [...services, ...mine] })

    expect(packed.content.services?.filter(({ name }) => !name.includes('.'))).toHaveLength(3)
  })
})
