/** What counts as an address in a text that visitors see, and what stands in its place (behaviour, section 5). */
import { describe, expect, it } from 'vitest'
import { makeAddressHider } from '../../../../worker/domain/hide-addresses.ts'

describe('an address', () => {
  it.each([
    ['10.0.0.7', 'address-1'],
    ['connect ECONNREFUSED 10.0.0.7:8080', 'connect ECONNREFUSED address-1:8080'],
    ['http://[2001:db8::1]:8080/', 'http://[address-1]:8080/'],
    ['fe80::1', 'address-1'],
    ['upstream:fe80::1', 'upstream:address-1'],
    ['looking for...10.0.0.7', 'looking for...address-1'],
    [String.raw`\u001b[1;31m10.0.0.7\u001b[0m`, String.raw`\u001b[1;31maddress-1\u001b[0m`],
    ['::1 and ::1', 'address-1 and address-1'],
    ['2001:0db8:0:0:0:0:0:1', 'address-1'],
    [
      '{"id":"10.0.0.7","reason":"10.0.0.8, 10.0.0.7."}',
      '{"id":"address-1","reason":"address-2, address-1."}',
    ],
    [
      String.raw`{"checkOutput":"failed:\n10.0.0.7\tfe80::1\u000a10.0.0.7"}`,
      String.raw`{"checkOutput":"failed:\naddress-1\taddress-2\u000aaddress-1"}`,
    ],
  ])('is a number in its place: %s', (text, shown) => {
    expect(makeAddressHider()(text)).toBe(shown)
  })

  it('has the same number in all texts of one reader', () => {
    const hide = makeAddressHider()

    expect([hide('10.0.0.7'), hide('10.0.0.8'), hide('10.0.0.7')]).toEqual([
      'address-1',
      'address-2',
      'address-1',
    ])
  })

  it.each([
    'at 12:30:45',
    '2030-01-01T00:00:06.000Z',
    'v1.2.3',
    '1.2.3.4.5',
    'std::vector',
    'Net::HTTP::ad',
    'ip-10-0-0-7.eu-west-1.compute.internal',
    '{"a":{"b":[1,2]},"c":1.5}',
    'a:b:c',
  ])('is none: %s', (text) => {
    expect(makeAddressHider()(text)).toBe(text)
  })
})
