/** Where and how a Service wants its pods asked: its annotations, and the ports of its slices (behaviour, section 1). Pure. */
import { TEXT_MAX_BYTES } from '../../worker/contract/limits.ts'
import type { KubeService, KubeSlice } from './kube-objects.ts'
import { ANNOTATION, quote, readText, readWord, type Warn } from './labels.ts'

const FALLBACK_PORT = 8080
const FALLBACK_PATH = '/__health'

/** One that means what it says: `..` would lead the exporter's own rights elsewhere when asked through a proxy. */
export function isPlainPath(path: string): boolean {
  const url = URL.parse(path, 'http://pod')
  const isAsItStands = url !== null && url.pathname + url.search === path
  const isShort = path.length <= TEXT_MAX_BYTES
  return isShort && isAsItStands && /^\/[!-~]*$/.test(path) && !/%(2e|2f|5c)/i.test(path)
}

export function readSettings({ metadata: { annotations } }: KubeService, warn: Warn) {
  const path = readText(annotations, `${ANNOTATION}health-path`) ?? FALLBACK_PATH
  const isPath = isPlainPath(path)
  if (!isPath)
    warn(`${ANNOTATION}health-path is "${quote(path)}", not a path: taken as ${FALLBACK_PATH}`)
  return {
    scheme: readWord(annotations, {
      key: `${ANNOTATION}health-scheme`,
      words: ['http', 'https'],
      warn,
    }),
    path: isPath ? path : FALLBACK_PATH,
    port: readText(annotations, `${ANNOTATION}health-port`),
  }
}

/** The annotation (a number or a port's name), else the port named app, else the only one, else 8080. */
export function choosePort(slice: KubeSlice, wanted: string | undefined, warn: Warn): number {
  // A Service without pods has a placeholder slice without ports: nothing is asked, and nothing is wrong.
  if ((slice.endpoints ?? []).length === 0) return FALLBACK_PORT
  const ports = (slice.ports ?? []).flatMap(({ name, port }) =>
    port === null || port === undefined ? [] : [{ name: name ?? '', port }],
  )
  if (wanted !== undefined) {
    const number = Number(wanted)
    if (Number.isInteger(number) && number >= 1 && number <= 65_535) return number
    const named = ports.find(({ name }) => name === wanted)
    if (named !== undefined) return named.port
    warn(
      `${ANNOTATION}health-port is "${quote(wanted)}", neither a port nor the name of one: ignored`,
    )
  }
  const chosen = ports.find(({ name }) => name === 'app') ?? (ports.length === 1 ? ports[0] : null)
  if (ports.length > 1 && !chosen) {
    warn(`several ports and none named app: taken as ${FALLBACK_PORT}`)
  }
  return chosen?.port ?? FALLBACK_PORT
}
