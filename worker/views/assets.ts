/** What pages load besides themselves, each under a path that changes with its content. */
import { ENHANCE } from './enhance.ts'
import { FLAME } from './flame.ts'
import { STYLE } from './style.ts'

export type AssetName = 'style.css' | 'enhance.js' | 'flame.svg'

interface Asset {
  contentType: string
  body: string
}

export const ASSETS: Record<AssetName, Asset> = {
  'style.css': { contentType: 'text/css; charset=utf-8', body: STYLE },
  'enhance.js': { contentType: 'text/javascript; charset=utf-8', body: ENHANCE },
  'flame.svg': { contentType: 'image/svg+xml; charset=utf-8', body: FLAME },
}

/** One for all of them: a page never meets the script of another version. */
export const ASSETS_VERSION = hash(
  Object.values(ASSETS)
    .map((asset) => asset.body)
    .join(),
)

export function isAssetName(name: string): name is AssetName {
  return Object.hasOwn(ASSETS, name)
}

export function linkToAsset(name: AssetName): string {
  return `/assets/${ASSETS_VERSION}/${name}`
}

/** FNV-1a, 32 bits: it tells versions apart, nothing more. By units, for it runs at each start of an isolate. */
function hash(text: string): string {
  let value = 0x811c9dc5
  for (let i = 0; i < text.length; i++) {
    value = Math.imul(value ^ text.charCodeAt(i), 0x01000193)
  }
  return (value >>> 0).toString(16).padStart(8, '0')
}
