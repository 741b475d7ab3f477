/** Time limits for what may hang: the object, KV. It stops waiting; it can't stop the work. */

/** What `work` gives within `ms`; null when it fails, which is logged, or is late. Never rejects. */
export async function within<T>(ms: number, work: Promise<T>): Promise<T | null> {
  const { promise, resolve } = Promise.withResolvers<null>()
  const timer = setTimeout(() => {
    resolve(null)
  }, ms)
  try {
    return await Promise.race([work, promise])
  } catch (error) {
    console.error('failed:', error instanceof Error ? error.message : error)
    return null
  } finally {
    clearTimeout(timer)
  }
}
