/** `__gtg` spelled out: the same status and headers, and the categories that made it. */
import { describe, expect, it } from 'vitest'
import { replyGtgJson, replyNodeGtgJson } from '../../../../worker/dialects/gtg-json.ts'
import { replyGtg } from '../../../../worker/dialects/gtg-text.ts'
import { aGtg, aStanding } from '../../../support/a-view.ts'

const POOR = aGtg({
  passes: false,
  reason: 'unhealthy',
  categories: [
    aStanding({
      name: 'read',
      passes: false,
      reason: 'unhealthy',
      severity: 1,
      failing: ['web'],
      acked: [{ service: 'shop', severity: 2, expiresAtMs: null }],
      missing: ['gone'],
    }),
  ],
})

describe('the JSON of __gtg', () => {
  it('names the categories, since when, and their services', async () => {
    const body: unknown = await replyGtgJson('GET', POOR, true).json()

    expect(body).toEqual({
      line: 'gtg=fail reason=unhealthy',
      gtg: 'fail',
      reason: 'unhealthy',
      ageSeconds: 3,
      categories: [
        {
          name: 'read',
          passes: false,
          reason: 'unhealthy',
          severity: 1,
          since: '2023-11-14T22:13:20.000Z',
          failing: ['web'],
          acked: ['shop'],
          missing: ['gone'],
        },
      ],
    })
  })

  it.each([
    ['passing', aGtg(), 'gtg=pass'],
    ['degraded', aGtg({ reason: 'degraded' }), 'gtg=pass'],
    ['failing', POOR, 'gtg=fail reason=unhealthy'],
    ['disabled', aGtg({ passes: false, reason: 'disabled' }), 'gtg=fail reason=disabled'],
  ] as const)('begins with the line that probers match: %s', async (_, gtg, line) => {
    expect(await replyGtgJson('GET', gtg, true).text()).toMatch(`{"line":"${line}",`)
    expect(await replyNodeGtgJson('GET', { ...gtg, failing: [] }, true).text()).toMatch(
      `{"line":"${line}",`,
    )
  })

  it('never holds the line of passing while it fails, whatever names are in it', async () => {
    const name = 'gtg=pass'
    const categories = [aStanding({ name, passes: false, failing: [name], missing: [name] })]
    const gtg = aGtg({ passes: false, reason: 'unhealthy', categories })

    const texts = await Promise.all([
      replyGtgJson('GET', gtg, true).text(),
      replyNodeGtgJson('GET', { ...gtg, failing: [name] }, true).text(),
    ])

    for (const text of texts) expect(text).not.toMatch(/gtg=pass/i)
    expect(texts.map((text): unknown => JSON.parse(text))).toMatchObject([
      { categories: [{ name, failing: [name], missing: [name] }] },
      { failing: [name] },
    ])
  })

  it('keeps names of services from those who may not know', async () => {
    const text = await replyGtgJson('GET', POOR, false).text()

    expect(text).toContain('"name":"read"')
    expect(text).not.toMatch(/web|gone|shop|failing|acked|missing/)
  })

  it('says pass and null where there is nothing else to say', async () => {
    const gtg = aGtg({ ageSeconds: null, categories: [] })

    expect(await replyGtgJson('GET', gtg, true).json()).toEqual({
      line: 'gtg=pass',
      gtg: 'pass',
      reason: 'healthy',
      ageSeconds: null,
      categories: [],
    })
  })

  it.each([
    ['passing', aGtg(), 200],
    ['degraded', aGtg({ reason: 'degraded' }), 200],
    ['failing', POOR, 503],
    ['disabled', aGtg({ passes: false, reason: 'disabled' }), 503],
    ['unknown', aGtg({ passes: false, reason: 'unknown-category' }), 400],
  ] as const)('has the status and headers of the text: %s', (_what, gtg, status) => {
    const json = replyGtgJson('GET', gtg, true)
    const text = replyGtg('GET', gtg)

    expect([json.status, text.status]).toEqual([status, status])
    expect(headersButBody(json)).toEqual(headersButBody(text))
    expect(json.headers.get('content-type')).toBe('application/json; charset=utf-8')
  })

  it('has a length that fits, and no body for HEAD', async () => {
    const get = replyGtgJson('GET', POOR, true)
    const head = replyGtgJson('HEAD', POOR, true)

    const text = await get.text()
    expect(get.headers.get('content-length')).toBe(String(text.length))
    expect(head.headers.get('content-length')).toBe(String(text.length))
    expect(await head.text()).toBe('')
  })

  function headersButBody(response: Response): [string, string][] {
    return [...response.headers].filter(([name]) => !name.startsWith('content-'))
  }
})
