/** What a KV namespace speaks with its Worker, over a map in memory. `/count`, which is no key of ours: puts so far. */
/** @type {Map<string, ArrayBuffer>} */
const kept = new Map()
let puts = 0

export default {
  /** @param {Request} request */
  async fetch(request) {
    const { pathname } = new URL(request.url)
    if (pathname === '/count') return new Response(String(puts))
    const key = decodeURIComponent(pathname.slice(1))
    if (request.method === 'PUT') {
      puts += 1
      kept.set(key, await request.arrayBuffer())
      return new Response(null)
    }
    if (request.method === 'DELETE') {
      kept.delete(key)
      return new Response(null)
    }
    const value = kept.get(key)
    return value === undefined ? new Response(null, { status: 404 }) : new Response(value)
  },
}
