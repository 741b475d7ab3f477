/** Four kinds of test, each in the runtime that its subject runs in. */
import { cloudflareTest } from '@cloudflare/vitest-plugin'
import { defineConfig } from 'vitest/config'
import { VARS } from './support/secrets.ts'

const root = new URL('..', import.meta.url).pathname

export default defineConfig({
  root,
  test: {
    reporters: process.env['CI']
      ? ['default', ['json', { outputFile: 'dist/tests.json' }]]
      : ['default'],
    maxWorkers: 4, // of two cores: many tests wait for a process or for a timer most of the time
    testTimeout: 20_000,
    hookTimeout: 30_000,
    projects: [
      {
        extends: true,
        // Pure code, which leaves nothing behind: a process for each file would take as long again.
        test: { name: 'unit', isolate: false, include: ['test/unit/**/*.test.ts'] },
      },
      {
        extends: true,
        plugins: [
          cloudflareTest({
            wrangler: { configPath: './wrangler.toml' },
            miniflare: { bindings: VARS },
          }),
        ],
        test: {
          name: 'worker',
          include: ['test/worker/**/*.test.ts'],
          setupFiles: ['test/worker/fresh-isolate.ts'],
        },
      },
      { extends: true, test: { name: 'kube', include: ['test/kube/**/*.test.ts'] } },
      { extends: true, test: { name: 'e2e', include: ['test/{e2e,faults}/**/*.test.ts'] } },
    ],
  },
})
