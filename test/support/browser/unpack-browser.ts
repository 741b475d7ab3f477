/**
 * Unpacks the Chromium of @sparticuz/chromium with its fonts and the libraries that a bare machine lacks, once per
 * `npm ci`. The package itself would unpack into the machine's temporary folder, and trust what lies there.
 */
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { inflate } from '@sparticuz/chromium'

const FOLDER = fileURLToPath(new URL('../../../node_modules/.cache/chromium', import.meta.url))
const PACKED = fileURLToPath(new URL('../bin/', import.meta.resolve('@sparticuz/chromium')))

/** The package's own names places of a lambda, and without any font a page has no text. */
const FONTS_CONF = `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>${FOLDER}/fonts/fonts</dir><cachedir>${FOLDER}/fonts/cache</cachedir></fontconfig>
`

/** Gives the folder that holds `chromium`, `fonts` and `al2023/lib`. Safe beside another run of the tests. */
export async function unpackBrowser(): Promise<string> {
  if (existsSync(FOLDER)) return FOLDER
  const own = `${FOLDER}.${process.pid}`
  mkdirSync(own, { recursive: true })
  const { TMPDIR } = process.env
  process.env['TMPDIR'] = own // where the package unpacks to
  try {
    for (const name of ['chromium.br', 'fonts.tar.br', 'al2023.tar.br', 'swiftshader.tar.br']) {
      // oxlint-disable-next-line no-await-in-loop -- each holds its whole content in memory
      await inflate(`${PACKED}${name}`)
    }
  } finally {
    if (TMPDIR === undefined) delete process.env['TMPDIR']
    else process.env['TMPDIR'] = TMPDIR
  }
  writeFileSync(`${own}/fonts/fonts.conf`, FONTS_CONF)
  try {
    renameSync(own, FOLDER)
  } catch {
    rmSync(own, { recursive: true }) // another run was faster: its folder is as good
  }
  return FOLDER
}
