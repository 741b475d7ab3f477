/** Parameters that are spelled wrong are refused on every path, and change nothing; all others are ignored and counted. */
import { beforeEach, describe, expect, it } from 'vitest'
import {
  aCategory,
  aContent,
  aFailingTarget,
  aHeartbeat,
  aNode,
  aService,
  aSnapshot,
} from '../support/a-report.ts'
import { ask, askJson, heldOf, push, takeCluster } from './edge.ts'
import { judgeAlone } from './object.ts'
import { BEARER, browse, operateJson } from './visitors.ts'

beforeEach(judgeAlone)

const services = [aService({ name: 'web' }), aService({ name: 'bad', targets: [aFailingTarget()] })]
const categories = [aCategory({ name: 'read', services: ['web'] })]
const nodes = [aNode({ name: 'node-a', checks: [{ name: 'node_ready', passed: true }] })]

async function aCluster(): Promise<string> {
  const cluster = takeCluster()
  const content = aContent({ services, categories, nodes })
  await push(aSnapshot({ cluster, observedAt: Date.now(), content }))
  return cluster
}

describe('a __gtg with a name that is spelled wrong', () => {
  it.each([
    ['/__gtg?category=read', 'category', 'categories'],
    ['/__gtg?categorys=read', 'categorys', 'categories'],
    ['/__gtg?Categories=read', 'Categories', 'categories'],
    ['/__gtg?%63ategory=read', 'category', 'categories'],
    ['/__gtg?categories[]=read', 'categories%5B%5D', 'categories'],
    ['/__gtg/?category=read', 'category', 'categories'],
    ['/__gtg?category-name=read', 'category-name', 'categories'],
    ['/__gtg?clusterId=x', 'clusterId', 'cluster'],
    ['/__gtg/read?category=read', 'category', 'categories'],
    ['/__gtg?categories=read&amp;category=read', 'amp%3Bcategory', 'categories'],
    ['/__gtg?categories=typo&clusters=x', 'clusters', 'cluster'],
    ['/__gtg?categories=read&cluster%3A%0d%0agtg=pass', 'cluster%3A%0D%0Agtg', 'cluster'],
    ['/nodes/node-a/__gtg?checks=node_ready', 'checks', 'check'],
    ['/nodes/node-a/__gtg/node_ready?Check=x', 'Check', 'check'],
    ['/nodes/node-a/__gtg?check-name=x', 'check-name', 'check'],
    ['/nodes/nowhere/__gtg?checks=node_ready', 'checks', 'check'],
  ])('is a 400 that says what was meant: %s', async (path, name, meant) => {
    const url = `/clusters/${await aCluster()}${path}`
    await ask(url.replace(/\?.*/, '')) // what is in memory changes nothing

    const get = await ask(url)
    const json = await askJson(url)
    const head = await ask(url, { method: 'HEAD' })
    const options = await ask(url, { method: 'OPTIONS' })

    const body = `UNAVAILABLE\ngtg=fail reason=unknown-parameter meant=${meant}\n`
    expect([get.status, await get.text()]).toEqual([400, body])
    expect(Object.fromEntries(get.headers)).toEqual({
      'access-control-allow-origin': '*',
      'cache-control': 'no-store',
      'content-length': String(body.length),
      'content-type': 'text/plain; charset=utf-8',
      'x-content-type-options': 'nosniff',
      'x-gtg': 'fail',
      'x-gtg-age': 'none',
      'x-gtg-parameter': `${name}; meant=${meant}`,
      'x-gtg-reason': 'unknown-parameter',
    })
    expect(json.status).toBe(400)
    expect(await json.json()).toEqual({
      line: 'gtg=fail reason=unknown-parameter',
      gtg: 'fail',
      reason: 'unknown-parameter',
      ageSeconds: null,
      parameter: { name: decodeURIComponent(name), meant },
    })
    for (const bare of [head, options]) {
      expect([bare.status, await bare.text()]).toEqual([400, ''])
      expect(bare.headers.get('x-gtg-parameter')).toBe(`${name}; meant=${meant}`)
    }
  })

  it.each([
    ['no cluster named', '/__gtg?category=read'],
    ['an unknown cluster', '/__gtg?cluster=nowhere&category=read'],
    ['no data yet', `/clusters/${takeCluster()}/__gtg?category=read`],
  ])('comes before every other reason: %s', async (_, path) => {
    expect((await ask(path)).headers.get('x-gtg-reason')).toBe('unknown-parameter')
  })
})

describe('a name of its own', () => {
  it.each(['source=lb', '_=1', 't=1', 'utm_source=x', 'nocache=1', 'cached=0', '%zz=1', 'check=x'])(
    'changes no answer of __gtg: %s',
    async (query) => {
      const url = `/clusters/${await aCluster()}/__gtg?categories=read`

      const [plain, with_] = [await ask(url), await ask(`${url}&${query}`)]

      expect([with_.status, await with_.text()]).toEqual([plain.status, await plain.text()])
      expect(plain.status).toBe(200)
    },
  )

  it('is counted by where it was sent, without its name', async () => {
    const cluster = await aCluster()
    await ask(`/clusters/${cluster}/__gtg?categories=read&source=lb&_=1&_=2`)
    await ask(`/clusters/${cluster}/nodes/node-a/__gtg?source=lb`)
    await ask(`/clusters/${cluster}/__gtg?categories=read&cache=false`)
    await askJson(`/clusters/${cluster}/__health?utm_source=x`)
    await operateJson(`/clusters/${cluster}/add-ack?service-name=bad&ticket=1`, { 'ack-msg': 'x' })
    await ask(`/clusters/${cluster}/__gtg?category=read&source=lb`)

    // A scrape hands over what this isolate counted, and the next report stores it.
    await ask('/metrics', { headers: BEARER })
    await push(aHeartbeat({ cluster, sequence: 2, observedAt: Date.now() }))

    const page = await (await ask('/metrics', { headers: BEARER })).text()

    const labels = `{cluster="${cluster}",environment="[^"]*",`
    const ofCluster = new RegExp(`_ignored_parameters_total${labels}(.*)$`)
    const counted = page.split('\n').flatMap((line) => ofCluster.exec(line)?.[1] ?? [])
    expect(counted).toEqual(['of="act"} 1', 'of="gtg"} 3', 'of="page"} 1'])
    expect(page).not.toMatch(/utm_source|ticket/)
    expect(page).toContain('result="unknown-parameter"} 1')
  })
})

describe('a page with a name that is spelled wrong', () => {
  it.each([
    ['/__health?category=read', 'categories'],
    ['/__health/?category=read', 'categories'],
    ['?category=read', 'categories'],
    ['/__pods-health?service_name=web', 'service-name'],
    ['/__pod-individual-health?pods-name=web-1', 'pod-name'],
    ['/add-ack-form?services-name=web', 'service-name'],
    ['/categories?clusters=x', 'cluster'],
    ['/history?service_name=web', 'service-name'],
    ['/history?categorie-name=read', 'category-name'],
    ['/nodes?clusters=x', 'cluster'],
    ['/nodes/node-a?clusters=x', 'cluster'],
  ])('is a 400 that names it and what was meant: %s', async (path, meant) => {
    const url = `${(await aCluster()).replace(/^/, '/clusters/')}${path}`.replace('/?', '?')

    const [json, page] = [await askJson(url), await browse(url)]

    const name = /\?(.*?)=/.exec(path)?.[1] ?? ''
    const message = `${name}: is no parameter here. Did you mean ${meant}?`
    expect([json.status, page.status]).toEqual([400, 400])
    expect(await json.json()).toEqual({ error: { code: 'unknown-parameter', message } })
    expect(await page.text()).toContain(message)
  })

  it('is no way to write into it', async () => {
    const url = `/clusters/${await aCluster()}/__health?category:<img src=x>=1`

    const page = await browse(url)

    expect(page.status).toBe(400)
    const text = await page.text()
    expect(text).toContain('category:&lt;img src: is no parameter here.')
    expect(text).not.toContain('<img src:')
  })
})

describe('an act with a name that is spelled wrong', () => {
  it.each([
    ['add-ack?service-name=bad', { 'ack-msg': 'known', 'expire-in': '1h' }, 'expires-in'],
    ['add-ack?service-name=bad', { 'ack-msg': 'known', Until: 'recovery' }, 'until'],
    ['add-ack?service-name=bad&clusters=x', { 'ack-msg': 'known' }, 'cluster'],
    ['add-ack?service-name=bad&untill=change', { 'ack-msg': 'known' }, 'until'],
    ['disable-category?category-name=read', { Why: 'trying it' }, 'why'],
    ['hold', { for: '1h', Why: 'upgrade' }, 'why'],
    ['hold', { for: '1h', fors: '2h' }, 'for'],
    ['erase', { confrim: 'x' }, 'confirm'],
    ['reset-order', { Why: 'a leak' }, 'why'],
  ])('changes nothing, and says what was meant: %s %j', async (path, fields, meant) => {
    const cluster = await aCluster()
    const before = await heldOf(cluster)

    const response = await operateJson(`/clusters/${cluster}/${path}`, fields)

    expect(response.status).toBe(400)
    const { error } = await response.json<{ error: { code: string; message: string } }>()
    expect(error.code).toBe('unknown-parameter')
    expect(error.message).toContain(`Did you mean ${meant}?`)
    expect(await heldOf(cluster)).toBe(before)
  })
})
