/** Which type an `Accept` header gets, on `__gtg`, on `__health` and for problems alike. */
import { describe, expect, it } from 'vitest'
import { pickType } from '../../../../worker/dialects/pick-type.ts'

const GTG = ['text/plain', 'application/json'] as const
const HEALTH = ['text/html', 'application/json', 'application/health+json'] as const

const AXIOS = 'application/json, text/plain, */*'
const CHROME =
  'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8'
const FIREFOX = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'

const TABLE: [string, string | undefined, string, string][] = [
  ['none', undefined, 'text/plain', 'text/html'],
  ['empty', '', 'text/plain', 'text/html'],
  ['anything', '*/*', 'text/plain', 'text/html'],
  ['JSON', 'application/json', 'application/json', 'application/json'],
  ['JSON in capitals', 'Application/JSON; Charset=UTF-8', 'application/json', 'application/json'],
  ['JSON however little', 'application/json;q=0.001', 'application/json', 'application/json'],
  ['Chrome and Uptime Kuma', CHROME, 'text/plain', 'text/html'],
  ['Firefox', FIREFOX, 'text/plain', 'text/html'],
  ['axios', AXIOS, 'application/json', 'application/json'],
  ['text liked better', 'application/json;q=0.5, text/*', 'text/plain', 'text/html'],
  [
    'JSON liked better',
    'text/*;q=0.5,application/json;q=0.6',
    'application/json',
    'application/json',
  ],
  ['text first among equals', 'text/plain, application/json', 'text/plain', 'application/json'],
  ['page first among equals', 'text/html, application/json', 'application/json', 'text/html'],
  ['JSON and anything', 'application/json, */*', 'application/json', 'application/json'],
  ['anything and JSON', '*/*, application/json', 'application/json', 'application/json'],
  ['JSON less than anything', '*/*, application/json;q=0.9', 'text/plain', 'text/html'],
  ['any application', 'application/*', 'application/json', 'application/json'],
  ['no JSON', 'application/json;q=0', 'text/plain', 'text/html'],
  ['anything but JSON', 'application/json;q=0, */*', 'text/plain', 'text/html'],
  ['anything but JSON, with decimals', '*/*, application/json;q=0.000', 'text/plain', 'text/html'],
  ['anything but text', 'text/*;q=0, */*', 'application/json', 'application/json'],
  ['health+json', 'application/health+json', 'text/plain', 'application/health+json'],
  ['nothing that is there', 'image/png', 'text/plain', 'text/html'],
  ['nothing at all', '*/*;q=0', 'text/plain', 'text/html'],
  ['one that only begins alike', 'application/jsonp', 'text/plain', 'text/html'],
  ['malformed', ';;,=;q=,/', 'text/plain', 'text/html'],
]

describe('the Accept header', () => {
  it.each(TABLE)('picks the type of a __gtg and of a page: %s', (_, accept, gtg, health) => {
    expect(pickType(accept, GTG)).toBe(gtg)
    expect(pickType(accept, HEALTH)).toBe(health)
  })
})
