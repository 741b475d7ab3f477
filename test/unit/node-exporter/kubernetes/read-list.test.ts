/** A list read as it comes: its objects one by one, whatever is cut where, and nothing kept of them. */
import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { readItems } from '../../../../node-exporter/kubernetes/read-list.ts'

const LIST = {
  kind: 'ServiceList',
  apiVersion: 'v1',
  metadata: { resourceVersion: '7', continue: 'a "items":[{' },
  items: [
    { metadata: { name: 'a', annotations: { json: '{"items":[{"x":"\\"}]"}]}' } } },
    { metadata: { name: 'ü€😀' }, items: [{ nested: [] }, [1, 2]], empty: {} },
    {},
  ],
  more: [{ no: 'item' }],
}

async function read(pieces: (string | Buffer)[], maxLength = 10_000) {
  const items: unknown[] = []
  const onItem = (item: unknown) => {
    items.push(item)
  }
  const body = Readable.from(pieces, { objectMode: false })
  return { ...(await readItems(body, { maxLength, onItem })), items }
}

describe('a list', () => {
  it.each([
    ['as the API server writes it', JSON.stringify(LIST)],
    ['with line breaks and blanks', JSON.stringify(LIST, null, 2)],
  ])('gives each object, and the rest without them: %s', async (_, text) => {
    const { items, rest, length } = await read([text])

    expect(items).toEqual(LIST.items)
    expect(rest).toEqual({ ...LIST, items: [] })
    expect(length).toBe(text.length)
  })

  it.each([1, 2, 3, 7])('may come in pieces of %i bytes', async (size) => {
    const bytes = Buffer.from(JSON.stringify(LIST, null, 1))
    const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
      bytes.subarray(i * size, (i + 1) * size),
    )

    const { items, rest } = await read(pieces)

    expect(items).toEqual(LIST.items)
    expect(rest).toEqual({ ...LIST, items: [] })
  })

  it.each([
    ['null', '{"items":null}', { items: null }],
    ['empty', '{"items":[ ]}', { items: [] }],
    ['of what are no objects', '{"items":[1]}', { items: [1] }],
    ['not there', '{"kind":"Status"}', { kind: 'Status' }],
  ])('may have items that are %s', async (_, text, expected) => {
    expect(await read([text])).toMatchObject({ items: [], rest: expected })
  })

  it.each([
    ['an object that is too large', `{"items":[{"a":"${'x'.repeat(100)}"}]}`],
    ['too much beside the objects', `{"a":"${'x'.repeat(100)}","items":[]}`],
    ['a string without an end', `{"items":[],"a":"${'x'.repeat(100)}`],
  ])('is refused for %s', async (_, text) => {
    await expect(read([text.slice(0, 50), text.slice(50)], 64)).rejects.toThrow(/too large/)
  })

  it.each(['{"items":[{"a":1}', '{"items":[{a}]}', '<html>', ''])(
    'is refused that is no JSON: %s',
    async (text) => {
      await expect(read([text])).rejects.toThrow(SyntaxError)
    },
  )
})
