/** The image definition, as far as it can be read without building it. */
import { existsSync, readFileSync } from 'node:fs'
import * as esbuild from 'esbuild'
import { describe, expect, it } from 'vitest'
import { NODE_FLAGS } from '../../../deploy/bundle.ts'
import packageJson from '../../../package.json' with { type: 'json' }
import { ROOT } from '../../support/exporter/manifests.ts'

const dockerfile = readFileSync(new URL('deploy/Dockerfile', ROOT), 'utf8')
const [, build = '', run = ''] = dockerfile.split(/^FROM /m)
const copied = [...build.matchAll(/^COPY (.+) \S+$/gm)].flatMap(([, from = '']) => from.split(' '))

describe('the image', () => {
  it('copies every file that the bundle reads, and nothing that is not there', async () => {
    const { metafile } = await esbuild.build({
      absWorkingDir: ROOT.pathname,
      entryPoints: ['node-exporter/main.ts'],
      bundle: true,
      write: false,
      metafile: true,
      splitting: true,
      platform: 'node',
      format: 'esm',
      outdir: 'dist',
    })
    const read = Object.keys(metafile.inputs).filter((file) => !file.startsWith('node_modules/'))

    expect(read.length).toBeGreaterThan(50)
    expect(read.filter((file) => !isIn(copied, file))).toEqual([])
    expect(copied.filter((path) => !existsSync(new URL(path, ROOT)))).toEqual([])
  })

  it('is sent what it copies, and nothing else', () => {
    const ignore = readFileSync(new URL('.dockerignore', ROOT), 'utf8')
    const lines = ignore.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
    const sent = lines.filter((line) => line.startsWith('!')).map((line) => line.slice(1))

    expect(lines[0]).toBe('*')
    expect(sent.toSorted()).toEqual(copied.toSorted())
  })

  it('runs as a number that is not root, from two stages, with nothing but the bundle', () => {
    expect(run).toMatch(/^USER 65532:65532$/m)
    expect(run.match(/^(COPY|ADD|RUN) .*$/gm)).toEqual(['COPY --from=build /app /app'])
    expect(dockerfile).toMatch(/^ARG RUN_IMAGE=gcr\.io\/distroless\/nodejs24-\S+:nonroot$/m)
  })

  it('knows its commit and its version', () => {
    expect(run).toMatch(/^ENV .*\bCOMMIT=\$\{COMMIT\}/m)
    expect(run).toContain(`ARG VERSION=${packageJson.version}\n`)
  })

  it('starts the cluster role with the flags that were measured', () => {
    const [, words = ''] = /^CMD (.+)$/m.exec(run) ?? []

    expect(JSON.parse(words)).toEqual([...NODE_FLAGS, '/app/exporter.mjs'])
  })
})

function isIn(paths: string[], file: string): boolean {
  return paths.some((path) => file === path || file.startsWith(`${path}/`))
}
