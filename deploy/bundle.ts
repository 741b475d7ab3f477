/**
 * `npm run bundle`: the exporter as the image ships it, an entry and a piece for each role: a quarter of the memory of its
 * sources' imports, and the node role never reads what only the cluster role needs.
 */
import { rm } from 'node:fs/promises'
import * as esbuild from 'esbuild'
import type { Plugin } from 'esbuild'

const ROOT = new URL('../', import.meta.url).pathname

/**
 * How the bundle is run: young garbage is collected while there is little of it. Asking 2,000 pods every 10 s then
 * takes half the memory, for about as much CPU.
 */
export const NODE_FLAGS = ['--max-semi-space-size=2', '--max-old-space-size=192'] // MB; enough for every kind of object at its bound

/**
 * How it is run where it has the role node alone: it computes next to nothing, so code that is optimised for speed, and
 * the optimisers themselves, cost 10 MB and gain nothing (measured). A Node object of 3.4 MB still fits.
 */
export const NODE_ROLE_FLAGS = [
  '--max-semi-space-size=1',
  '--max-old-space-size=32',
  '--no-opt',
  '--no-maglev',
]

/** Writes dist/exporter.mjs, and its pieces beside it in dist/exporter/; gives the entry's path. */
export async function bundleExporter(): Promise<string> {
  await rm(`${ROOT}dist/exporter`, { recursive: true, force: true }) // pieces of another day
  await esbuild.build({
    entryPoints: { exporter: `${ROOT}node-exporter/main.ts` },
    bundle: true,
    splitting: true, // where main.ts imports by need
    chunkNames: 'exporter/[name]-[hash]',
    outExtension: { '.js': '.mjs' },
    platform: 'node',
    format: 'esm',
    target: 'node22',
    minify: true,
    legalComments: 'none',
    plugins: [withoutUnusedModels],
    outdir: `${ROOT}dist`,
    // What is CommonJS inside asks for Node's own modules by require.
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)",
    },
  })
  return `${ROOT}dist/exporter.mjs`
}

/** client-node's 900 model classes look as if importing them did something; only a few are ever used. */
const withoutUnusedModels: Plugin = {
  name: 'without-unused-models',
  setup: (build) => {
    build.onResolve(
      { filter: /^(\.|@kubernetes\/client-node)/ },
      async ({ path, pluginData, ...args }) => {
        const isOurs = path.startsWith('@kubernetes/') || args.importer.includes('client-node/dist')
        if (!isOurs || pluginData === 'seen') return null
        const { errors, path: file } = await build.resolve(path, { ...args, pluginData: 'seen' })
        return errors.length > 0 ? { errors } : { path: file, sideEffects: false }
      },
    )
  },
}

if (import.meta.main) console.log(await bundleExporter())
