/** A real browser on the pages: Chromium as its npm package carries it, nothing to install. One per test file. */
import axe from 'axe-core'
import { chromium as launcher, type Browser, type BrowserContext, type Page } from 'playwright-core'
import * as v from 'valibot'
import { afterAll, beforeAll, expect, onTestFinished } from 'vitest'
import { unpackBrowser } from './unpack-browser.ts'

/** Every case of the file shares the browser, none a page. */
export function useBrowser(): () => Browser {
  let browser: Browser | null = null
  beforeAll(async () => {
    const folder = await unpackBrowser()
    browser = await launcher.launch({
      executablePath: `${folder}/chromium`,
      args: ['--no-sandbox'], // as root, in a container
      env: {
        ...process.env,
        FONTCONFIG_PATH: `${folder}/fonts`,
        LD_LIBRARY_PATH: `${folder}/al2023/lib`,
      },
    })
  }, 60_000)
  afterAll(() => browser?.close())
  return () => {
    if (browser === null) throw new Error('the browser has not started')
    return browser
  }
}

export interface Look {
  colorScheme?: 'light' | 'dark'
  width?: number
  javaScriptEnabled?: boolean
}

/** A page of its own; what its console says against the page fails the case. */
export async function aPage(
  browser: Browser,
  { colorScheme = 'light', width = 1280, javaScriptEnabled = true }: Look = {},
): Promise<Page> {
  const context: BrowserContext = await browser.newContext({
    colorScheme,
    viewport: { width, height: 900 },
    javaScriptEnabled,
  })
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => {
    if (/content security policy|refused to/i.test(message.text())) complaints.push(message.text())
  })
  onTestFinished(async () => {
    await context.close()
    expect(complaints).toEqual([])
  })
  return page
}

const axeSchema = v.object({
  violations: v.array(
    v.object({
      id: v.string(),
      impact: v.nullish(v.string()),
      nodes: v.array(v.object({ html: v.string() })),
    }),
  ),
})

/** What axe-core finds of the page, as `rule: element`; none is what is expected. */
export async function findBarriers(page: Page): Promise<string[]> {
  // The page's own policy allows no script but ours; an evaluation isn't subject to it.
  await page.evaluate(axe.source)
  const { violations } = v.parse(axeSchema, await page.evaluate('axe.run()'))
  return violations.flatMap(({ id, impact, nodes }) =>
    nodes.map(({ html }) => `${impact} ${id}: ${html}`),
  )
}
