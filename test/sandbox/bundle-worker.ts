/** The Worker as one ES module, the way it is deployed. */
import { build } from 'esbuild'

const ROOT = new URL('../../', import.meta.url).pathname

/** `entry`: source of an entry beside worker/index.ts; absent: worker/index.ts itself. */
export async function bundleWorker({
  minify = true,
  entry = `export * from './worker/index.ts'; export { default } from './worker/index.ts'`,
}: { minify?: boolean; entry?: string } = {}): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: entry, resolveDir: ROOT, sourcefile: 'entry.ts', loader: 'ts' },
    bundle: true,
    minify,
    keepNames: false, // as wrangler.toml says
    format: 'esm',
    target: 'es2024',
    external: ['cloudflare:workers'],
    write: false,
  })
  const [file] = outputFiles
  if (file === undefined) throw new Error('esbuild gave no bundle')
  return file.text
}
