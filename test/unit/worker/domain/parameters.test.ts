/** Which names of parameters mean a known one, and which are somebody's own. */
import { describe, expect, it } from 'vitest'
import { readNames } from '../../../../worker/domain/parameters.ts'

/** All that are guarded anywhere. */
const GUARDED = [
  'check',
  'categories',
  'cluster',
  'service-name',
  'pod-name',
  'category-name',
  'node-name',
  'ack-msg',
  'expires-in',
  'until',
  'why',
  'for',
  'confirm',
]

function meantBy(name: string, guarded = GUARDED): string | null {
  return readNames([name], { guarded, free: ['cache'] }).misspelled?.meant ?? null
}

describe('a name that is spelled wrong', () => {
  it.each([
    ['checks', 'check'],
    ['Check', 'check'],
    ['CHECK', 'check'],
    ['chek', 'check'],
    ['_check', 'check'],
    ['check1', 'check'],
    ['check_id', 'check'],
    ['checkId', 'check'],
    ['check-name', 'check'],
    ['check_names', 'check'],
    ['chekc', 'check'],
    ['hceck', 'check'],
    ['cheks', 'check'],
    ['scheck', 'check'],
    ['check[]', 'check'],
    ['check[0]', 'check'],
    ['check:kubelet', 'check'],
    ['check=kubelet', 'check'],
    ['amp;check', 'check'],
    [' check', 'check'],
    ['category', 'categories'],
    ['categorys', 'categories'],
    ['categorie', 'categories'],
    ['catagories', 'categories'],
    ['catagory', 'categories'],
    ['Categories', 'categories'],
    ['catgeories', 'categories'],
    ['ategories', 'categories'],
    ['category_id', 'categories'],
    ['categoryName', 'categories'],
    ['clusters', 'cluster'],
    ['clusterId', 'cluster'],
    ['cluster-name', 'cluster'],
    ['clutser', 'cluster'],
    ['service_name', 'service-name'],
    ['serviceName', 'service-name'],
    ['services-name', 'service-name'],
    ['expire-in', 'expires-in'],
    ['untill', 'until'],
    ['Why', 'why'],
  ])('%s means %s', (name, meant) => {
    expect(meantBy(name)).toBe(meant)
  })

  it('is told as it was sent, cut, and never half of a character', () => {
    const { misspelled } = readNames([`check:${'😀'.repeat(100)}`], { guarded: ['check'] })

    expect(misspelled?.name.length).toBeLessThanOrEqual(65)
    expect(misspelled?.name.isWellFormed()).toBe(true)
  })

  it('is a longer one where a path has only the shorter', () => {
    expect(meantBy('category-name', ['cluster', 'categories'])).toBe('categories')
    expect(meantBy('category-name', ['cluster', 'category-name'])).toBeNull()
  })

  it('counts among several, the right one beside it too', () => {
    const names = ['categories', 'source', 'category', 'checks']

    expect(readNames(names, { guarded: GUARDED }).misspelled).toEqual({
      name: 'category',
      meant: 'categories',
    })
  })
})

describe('a name of its own', () => {
  const own = [
    '_ t ts time timestamp rand random nonce cb r v q 😀',
    'cache cached nocache no-cache _cache cachebuster cachebust buster',
    'utm_source utm_medium utm_campaign fbclid gclid ref referrer uptime_kuma_cachebuster',
    'source src origin from via by client host hostname customer',
    'counter counters click clock chunk chk clusterid checksum pool-name',
    'region zone pool lb probe prober monitor monitor_id health',
    'healthcheck health_check health-check recheck',
    'id key token api_key user node name names service services pod',
    'format pretty verbose debug timeout interval filter sort form fort',
    'cause catalog content master configuration who while whyever',
  ].flatMap((line) => line.split(' '))

  it.each(['', ...own])('is ignored: %j', (name) => {
    expect(meantBy(name)).toBeNull()
  })

  it.each(GUARDED)('is every known one, whatever else is like it: %s', (name) => {
    expect(readNames([name], { guarded: GUARDED })).toEqual({ misspelled: null, ignored: 0 })
  })

  it.each(GUARDED)('is one that is known elsewhere alone: %s', (name) => {
    const others = GUARDED.filter((one) => one !== name && one !== 'categories')

    expect(meantBy(name, others)).toBeNull()
  })

  it('is counted once, and never a known one', () => {
    const names = ['check', 'cache', 'source', 'source', '_']

    expect(readNames(names, { guarded: ['check'], free: ['cache'] })).toEqual({
      misspelled: null,
      ignored: 2,
    })
  })
})
