/**
 * What is asked of a cluster this very moment, by people in a real browser and by scripts, with all of it running: pods, the
 * exporter, its live link, the Worker. The next report of its own would come in an hour.
 */
import type { Page } from 'playwright-core'
import { expect, it, vi } from 'vitest'
import { aPage, useBrowser } from '../support/browser/a-browser.ts'
import { READ_TOKEN } from '../support/secrets.ts'
import { anExporter, aWorker, aWorld, CLUSTER } from '../support/exporter/a-setup.ts'

const SOON = { timeout: 15_000, interval: 10 }
const JSON_ONLY = { headers: { accept: 'application/json' } }
const browser = useBrowser()

/** `web` of two pods and `orders` of one; all is well, known at the edge, and the link is open. */
async function aQuietTown() {
  const world = await aWorld()
  const [web = ''] = await world.addService({ name: 'web', replicas: 2 })
  await world.addService({ name: 'orders' })
  const worker = await aWorker({ DEFAULT_CLUSTER: CLUSTER, DEAD_AFTER_SECONDS: '20000' })
  const { log } = await anExporter(world, worker.url, { env: { INTERVAL_SECONDS: '3600' } })
  await vi.waitFor(() => {
    expect(log).toContain('info the live link is open')
    expect(log).toContain('info snapshot accepted')
  }, SOON)
  return { world, web, url: worker.url }
}

function refreshLink(page: Page) {
  return page.getByRole('link', { name: 'Refresh without the cache' })
}

it('the health page shows on request what has changed, and asks once', async () => {
  const { world, web, url } = await aQuietTown()
  const page = await aPage(browser())
  await page.goto(`${url}/__health`)
  const title = page.getByRole('heading', { level: 1 })
  expect(await title.innerText()).not.toMatch(/unhealthy/i)
  await world.pods.set(web, { kind: 'failing', output: 'the disk is full' })
  await page.reload()
  expect(await title.innerText()).not.toMatch(/unhealthy/i)

  await refreshLink(page).click()
  await page.getByText('asked again just now').waitFor()

  expect(await title.innerText()).toMatch(/unhealthy/i)
  expect(await page.getByRole('main').innerText()).toContain('1/2 pods available')
  expect([...world.pods.asked.values()]).toEqual([2, 2, 2])
}, 60_000)

it('a hundred who ask at once get one round, and each the result of it', async () => {
  const { world, web, url } = await aQuietTown()
  await world.pods.set(web, { kind: 'failing' })
  const before = new Map(world.pods.asked)

  const answers = await Promise.all(
    Array.from({ length: 100 }, async () => {
      const response = await fetch(`${url}/__health?cache=false`, JSON_ONLY)
      const refreshed = response.headers.get('x-health-refreshed')
      const body: unknown = await response.json()
      return { refreshed, body }
    }),
  )

  const more = [...world.pods.asked].map(([pod, count]) => count - (before.get(pod) ?? 0))
  expect(more).toEqual([1, 1, 1])
  expect(answers.filter(({ refreshed }) => refreshed !== 'true')).toEqual([])
  for (const { body } of answers) expect(body).toMatchObject({ ok: false })
}, 60_000)

it('a pod says what it says now, in its own bytes to a script', async () => {
  const { world, web, url } = await aQuietTown()
  const body = '{"checks": [ ],\t"since":"Übermorgen"}\n'
  await world.pods.set(web, { kind: 'body', body })

  const headers = { ...JSON_ONLY.headers, authorization: `Bearer ${READ_TOKEN}` }

  const response = await fetch(`${url}/__pod-individual-health?pod-name=${web}`, { headers })

  expect(await response.text()).toBe(body)
  expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8')
  expect(response.headers.get('x-pod-status')).toBe('200')
}, 60_000)

it.each([
  ['as JSON', 'application/json'],
  ['as a page', 'text/html'],
])(
  'a pod that says <script> %s is shown, and nothing of it runs',
  async (_, contentType) => {
    const { world, web, url } = await aQuietTown()
    const body = `<script>document.title = 'taken'</script><img src=x onerror="alert('x')">`
    await world.pods.set(web, { kind: 'body', body, contentType })
    const page = await aPage(browser())
    const dialogs: string[] = []
    page.on('dialog', (dialog) => {
      dialogs.push(dialog.message())
      void dialog.dismiss()
    })

    await page.setExtraHTTPHeaders({ authorization: `Bearer ${READ_TOKEN}` })
    await page.goto(`${url}/__pod-individual-health?pod-name=${web}`)
    const said = page.getByRole('region', { name: 'What the pod says now' })

    expect(await said.innerText()).toContain(body)
    expect(await page.locator('img[src="x"]').count()).toBe(0)
    expect(await page.title()).toContain(web)
    expect(dialogs).toEqual([])
  },
  60_000,
)
