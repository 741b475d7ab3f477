/** The pages in a real browser, against the real Worker and exporter: what somebody on call does with them. */
import type { Page } from 'playwright-core'
import { expect, it, vi } from 'vitest'
import { anExporter, askGtg, aWorker, aWorld, CLUSTER } from '../support/exporter/a-setup.ts'
import { aPage, useBrowser } from '../support/browser/a-browser.ts'
import { OPERATE_TOKEN } from '../support/secrets.ts'

const SOON = { timeout: 15_000, interval: 50 }
const browser = useBrowser()

/** `web` fails, `orders` is well; the sticky category `shop` holds both and trips on the second failed check. */
async function aTown({ sticky = false } = {}) {
  const world = await aWorld()
  const [web = ''] = await world.addService({ name: 'web' })
  await world.addService({ name: 'orders', replicas: 2 })
  world.addCategory({
    name: 'shop',
    services: ['web', 'orders'],
    settings: sticky ? { issticky: 'true', failureThreshold: '2' } : {},
  })
  const worker = await aWorker({ DEFAULT_CLUSTER: CLUSTER })
  await anExporter(world, worker.url)
  await until(worker.url, 200, 'healthy')
  await world.pods.set(web, { kind: 'failing' })
  await until(worker.url, 503, 'unhealthy')
  return { world, web, url: worker.url }
}

async function until(url: string, status: number, reason: string, category?: string) {
  await vi.waitFor(async () => {
    expect(await askGtg(url, category)).toEqual({ status, reason })
  }, SOON)
}

async function signIn(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Sign in' }).first().click()
  await page.getByLabel('Token').fill(OPERATE_TOKEN)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

function rowOf(page: Page, service: string) {
  return page
    .getByRole('row')
    .filter({ has: page.getByRole('link', { name: service, exact: true }) })
}

it('acks a failing service in the form, and takes it back', async () => {
  const { url } = await aTown()
  const page = await aPage(browser())

  await page.goto(`${url}/__health`)
  expect(await page.getByRole('heading', { level: 1 }).innerText()).toMatch(/unhealthy/i)
  expect(await rowOf(page, 'web').innerText()).toMatch(/warning/i)
  await signIn(page)
  await rowOf(page, 'web').getByRole('link', { name: /ack/i }).click()
  await page.getByLabel('What is known').fill('The shop moves house')
  await page.getByLabel('Expires in').fill('4h')
  await page.getByRole('button', { name: 'Ack' }).click()

  await page.waitForURL(`${url}/__health`)
  expect(await page.getByRole('heading', { level: 1 }).innerText()).toMatch(/healthy.*1 acked/is)
  expect(await rowOf(page, 'web').innerText()).toMatch(/The shop moves house[^]*nina/)
  expect(await askGtg(url)).toEqual({ status: 200, reason: 'healthy' })

  await rowOf(page, 'web')
    .getByRole('button', { name: /remove ack/i })
    .click()
  await page.waitForURL(`${url}/__health`)
  expect(await page.getByRole('heading', { level: 1 }).innerText()).toMatch(/unhealthy/i)
  expect(await askGtg(url)).toEqual({ status: 503, reason: 'unhealthy' })

  await page.goto(`${url}/history?service-name=web`)
  const history = await page.getByRole('main').innerText()
  expect(history).toMatch(/The shop moves house[^]*nina/)
}, 60_000)

it('finds the form again with what was typed when it is wrong', async () => {
  const { url } = await aTown()
  const page = await aPage(browser(), { javaScriptEnabled: false, width: 390 })
  await page.goto(`${url}/add-ack-form?service-name=web`)
  await signIn(page)

  await page.getByLabel('What is known').fill('known')
  await page.getByLabel('Expires in').fill('tomorrow')
  await page.getByRole('button', { name: 'Ack' }).click()

  expect(await page.getByLabel('What is known').inputValue()).toBe('known')
  expect(await page.getByRole('main').innerText()).toContain('30m, 4h or 2d')
  expect(await askGtg(url)).toEqual({ status: 503, reason: 'unhealthy' })
}, 60_000)

it('enables a category that tripped, and finds its history', async () => {
  const { world, web, url } = await aTown({ sticky: true })
  const page = await aPage(browser())
  await until(url, 503, 'disabled', 'shop')
  await world.pods.set(web, { kind: 'ok' })
  await until(url, 200, 'healthy')
  expect(await askGtg(url, 'shop')).toEqual({ status: 503, reason: 'disabled' })

  await page.goto(`${url}/categories`)
  await signIn(page)
  expect(await page.getByRole('main').innerText()).toMatch(/tripped/i)
  await page.getByRole('button', { name: /enable/i }).click()
  await page.waitForURL(`${url}/categories`)

  expect(await askGtg(url, 'shop')).toEqual({ status: 200, reason: 'healthy' })
  await page.goto(`${url}/history?category-name=shop`)
  const history = await page.getByRole('main').innerText()
  expect(history).toMatch(/nina/)
  expect(history).toMatch(/tripped[^]*web failed \d checks/i)
}, 60_000)
