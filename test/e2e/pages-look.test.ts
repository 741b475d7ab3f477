/** What every page owes whoever looks at it: barriers, widths, dark and light, hostile names, its age, without JavaScript. */
import { CHECK_NAMES } from '../../node-exporter/checks/index.ts'
import type { Page } from 'playwright-core'
import { expect, it, vi } from 'vitest'
import {
  aCategory,
  aContent,
  aFailingTarget,
  aNode,
  anUnreachableTarget,
  aService,
  aSnapshot,
  aTarget,
} from '../support/a-report.ts'
import { aPage, findBarriers, useBrowser, type Look } from '../support/browser/a-browser.ts'
import { pushTo } from '../support/exporter/a-push.ts'
import { aWorker, CLUSTER } from '../support/exporter/a-setup.ts'
import { OPERATE_TOKEN } from '../support/secrets.ts'

const browser = useBrowser()
const HOSTILE = `<img src=x onerror="alert('x')">"'&\nline`

const EVERY_CHECK = [...CHECK_NAMES].map((name) => ({ name, passed: true }))

/** Every state that a page shows, and names that nobody would choose. */
async function anEdgeInTrouble(vars: Record<string, string> = {}): Promise<string> {
  const { url } = await aWorker({ DEFAULT_CLUSTER: CLUSTER, ...vars })
  const services = [
    aService({ name: 'web', targets: [aTarget({ node: 'node-a' }), aFailingTarget()] }),
    aService({
      name: 'ledger',
      isResilient: false,
      targets: [anUnreachableTarget({ id: 'ledger-1' })],
    }),
    aService({ name: 'dns', isDaemon: true, targets: [aTarget({ id: 'dns-1', node: 'node-a' })] }),
    aService({ name: HOSTILE, targets: [aFailingTarget({ name: HOSTILE, checkOutput: HOSTILE })] }),
    aService({ name: 'n'.repeat(253) }),
    aService({ name: 'newborn', targets: null }),
  ]
  const categories = [
    aCategory({ name: 'read', services: ['web', 'gone'], isSticky: true, failureThreshold: 3 }),
    aCategory({ name: HOSTILE.replace('\n', ' '), services: [HOSTILE] }),
  ]
  const nodes = [
    aNode({ name: 'node-a', checks: [{ name: 'kubelet', passed: true, warning: HOSTILE }] }),
    aNode({ name: 'node-b', answered: false }),
    aNode({ name: 'n'.repeat(200), ready: false, schedulable: false }),
    aNode({ name: HOSTILE, checks: [{ name: HOSTILE, passed: false, reason: HOSTILE }] }),
    ...Array.from({ length: 5 }, (_, i) =>
      aNode({ name: `ip-10-0-${i}-17.ec2.internal`, checks: EVERY_CHECK }),
    ),
  ]
  const warnings = [{ subject: HOSTILE, message: HOSTILE }]
  const content = aContent({ services, categories, nodes, warnings })
  const now = { cluster: CLUSTER, observedAt: Date.now() }
  await pushTo(url, aSnapshot({ ...now, content, streaks: { web: 1 } }))
  await act(url, `add-ack?service-name=${encodeURIComponent(HOSTILE)}`, {
    'ack-msg': HOSTILE,
    'expires-in': '4h',
  })
  await act(url, 'disable-category?category-name=read', { why: HOSTILE })
  return url
}

async function act(url: string, path: string, fields: Record<string, string>): Promise<void> {
  const response = await fetch(`${url}/${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${OPERATE_TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify(fields),
  })
  expect(response.status).toBe(200)
}

const PAGES = [
  '/',
  '/__health',
  '/__health?categories=read',
  '/__pods-health?service-name=web',
  '/__pods-health?service-name=dns',
  `/__pods-health?service-name=${encodeURIComponent(HOSTILE)}`,
  '/__pod-individual-health?pod-name=web-2',
  '/add-ack-form?service-name=web',
  `/add-ack-form?service-name=${encodeURIComponent(HOSTILE)}`,
  '/categories',
  '/nodes',
  '/nodes/node-a',
  '/nodes/node-b',
  `/nodes/${encodeURIComponent(HOSTILE)}`,
  '/history',
  '/history?service-name=web',
  '/sign-in',
  '/nothing-here',
  '/__pods-health?service-name=nobody',
]

/** Each width and each scheme once: no rule of the stylesheet asks for both. */
const LOOKS: [string, Look][] = [
  ['on a desktop, light', { colorScheme: 'light' }],
  ['on a phone, dark', { colorScheme: 'dark', width: 390 }],
]

async function signIn(page: Page, url: string): Promise<void> {
  await page.goto(`${url}/sign-in`)
  await page.getByLabel('Token').fill(OPERATE_TOKEN)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.waitForURL(`${url}/`)
}

it.each(LOOKS)(
  'has no barriers, fits its width and runs no name: %s',
  async (_what, look) => {
    const url = await anEdgeInTrouble()
    const page = await aPage(browser(), look)
    const dialogs: string[] = []
    page.on('dialog', (dialog) => {
      dialogs.push(dialog.message())
      void dialog.dismiss()
    })
    await signIn(page, url)
    const found: string[] = []

    for (const path of PAGES) {
      // oxlint-disable-next-line no-await-in-loop
      await page.goto(`${url}${path}`)
      // oxlint-disable-next-line no-await-in-loop
      const barriers = await findBarriers(page)
      // oxlint-disable-next-line no-await-in-loop
      const tooWide = await page.evaluate('document.documentElement.scrollWidth > innerWidth')
      found.push(...barriers.map((barrier) => `${path} ${barrier}`))
      if (tooWide === true) found.push(`${path} scrolls sideways`)
    }

    expect(found).toEqual([])
    expect(dialogs).toEqual([])
  },
  60_000,
)

it('shows a change without a reload, and keeps the filter', async () => {
  const url = await anEdgeInTrouble()
  const page = await aPage(browser())
  await page.clock.install()
  await page.goto(`${url}/__health`)
  await page.getByLabel(/filter/i).fill('web')
  const rows = page.getByRole('table').getByRole('row')
  await vi.waitFor(async () => {
    expect(await page.locator('#service-ledger').isVisible()).toBe(false)
  })

  await act(url, 'add-ack?service-name=web', { 'ack-msg': 'seen by a colleague' })
  await page.clock.runFor(11_000)

  await rows.getByText('seen by a colleague').waitFor()
  expect(await page.getByLabel(/filter/i).inputValue()).toBe('web')
}, 60_000)

it('says that it can’t be refreshed when the edge is away', async () => {
  const worker = await aWorker({ DEFAULT_CLUSTER: CLUSTER })
  await pushTo(worker.url, aSnapshot({ cluster: CLUSTER, observedAt: Date.now() }))
  const page = await aPage(browser())
  await page.clock.install()
  await page.goto(`${worker.url}/__health`)

  await worker.stop()
  for (let i = 0; i < 5; i++) {
    // oxlint-disable-next-line no-await-in-loop
    await page.clock.runFor(11_000)
  }

  await page.getByText(/can.t be refreshed/i).waitFor()
  expect(await page.getByRole('banner').or(page.getByRole('main')).first().isVisible()).toBe(true)
}, 60_000)

it('never shows a dead cluster as healthy', async () => {
  const { url } = await aWorker({ DEFAULT_CLUSTER: CLUSTER, DEAD_AFTER_SECONDS: '1' })
  const report = { cluster: CLUSTER, observedAt: Date.now(), intervalSeconds: 0.2 }
  await pushTo(url, aSnapshot(report))
  const page = await aPage(browser(), { javaScriptEnabled: false })

  await vi.waitFor(
    async () => {
      await page.goto(`${url}/__health`)
      expect(await page.getByRole('main').innerText()).toMatch(/dead/i)
    },
    { timeout: 10_000, interval: 100 },
  )

  expect(await page.getByRole('heading', { level: 1 }).innerText()).not.toMatch(/: healthy/i)
  await page.goto(`${url}/`)
  expect(await page.getByRole('main').innerText()).toMatch(/dead/i)
}, 60_000)
