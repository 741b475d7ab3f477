/** Reads a whole collection page by page, in pages that are neither too large for their time nor many for nothing. */
import { KubeError, type KubeApi, type Listing, type ListPage } from './kube-api.ts'
import { EXPIRED } from './kube-error.ts'
import type { Collection } from './reflector.ts'

/** Objects of a page, at most. */
const PAGE_SIZE = 500

/**
 * Characters of a page that are plenty: the next is half as many objects. A page of 500 ConfigMaps may have 500 MB, which
 * nothing sends in time.
 */
const PAGE_PLENTY = 8 * 1024 * 1024

export class PageReader {
  readonly #api: KubeApi
  readonly #path: string
  readonly #most: number
  #size: number

  constructor(api: KubeApi, { path, pageSize = PAGE_SIZE }: Collection) {
    this.#api = api
    this.#path = path
    this.#most = pageSize
    this.#size = pageSize
  }

  /** Resolves with the version to watch from. `onStart`: it begins anew, so what was given before is void. */
  async readAll({ onStart, ...listing }: Listing & { onStart: () => void }): Promise<string> {
    onStart()
    return this.#readPages(listing, true).catch((error: unknown) => {
      // The snapshot that the pages are of is gone. Its last pages could be had as they are now, but no watch could
      // start from such a mixture: as client-go, the whole at once.
      if (!(error instanceof KubeError) || error.status !== EXPIRED) throw error
      onStart()
      return this.#readPages(listing, false)
    })
  }

  /** `inPages` false: all of it in one answer. */
  async #readPages(listing: Listing, inPages: boolean): Promise<string> {
    let resourceVersion = ''
    let token = ''
    do {
      const query = {
        ...listing.query,
        ...(inPages ? { limit: String(this.#size) } : {}),
        ...(token === '' ? {} : { continue: token }),
      }
      // Pages of one list share their version; the next page needs the token of this one.
      // oxlint-disable-next-line no-await-in-loop
      const page = await this.#readPage({ ...listing, query })
      resourceVersion ||= page.resourceVersion
      token = page.continue
    } while (token !== '')
    return resourceVersion
  }

  async #readPage(listing: Listing): Promise<ListPage> {
    let hasBegun = false
    const onItem = (object: unknown) => {
      hasBegun = true
      listing.onItem(object)
    }
    try {
      const page = await this.#api.list(this.#path, { ...listing, onItem })
      if (page.length > PAGE_PLENTY) this.#size = Math.ceil(this.#size / 2)
      else if (page.length < PAGE_PLENTY / 4) this.#size = Math.min(this.#most, this.#size * 2)
      return page
    } catch (error) {
      // It came, and was too much for the time that a page has.
      if (hasBegun) this.#size = Math.ceil(this.#size / 4)
      throw error
    }
  }
}
