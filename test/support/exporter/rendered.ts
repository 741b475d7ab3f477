/**
 * deploy/ as `kubectl kustomize` renders it, which is what a cluster is given. The files alone don't show it: kustomize
 * rewrites names, and gave the Lease's rights to a ConfigMap's name once. Where kubectl is missing, tests are skipped.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { readList, readRecord, readText } from '../../sandbox/api-server/kube-object.ts'
import { containerOf, parseDocuments, ROOT } from './manifests.ts'

const minor = readMinorVersion()
export const HAS_KUBECTL = minor !== null
/** Components and folders as resources came with kubectl 1.21; deploy/base needs neither. */
export const HAS_COMPONENTS = (minor ?? 0) >= 21
/** Since then the list of kinds to prune has its name. */
export const HAS_PRUNE = (minor ?? 0) >= 26

/** null: there is no kubectl. */
function readMinorVersion(): number | null {
  try {
    const said = runKubectl(['version', '--client', '-o', 'json'])
    return Number.parseInt(readText(JSON.parse(said), 'clientVersion.minor'), 10)
  } catch {
    return null // not installed, so its tests are skipped
  }
}

function runKubectl(command: string[]): string {
  return execFileSync('kubectl', command, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

export function pathOf(folder: string): string {
  return new URL(`deploy/${folder}`, ROOT).pathname
}

const rendered = new Map<string, unknown[]>()

/** The objects of a folder of deploy/. */
export function render(folder: string): unknown[] {
  const known = rendered.get(folder) ?? parseDocuments(runKubectl(['kustomize', pathOf(folder)]))
  rendered.set(folder, known)
  return known
}

/** An overlay with these components, as an operator's own names both. */
export function renderWith(components: string[], overlay = 'overlays/sample'): unknown[] {
  return parseDocuments(renderText(components, overlay))
}

/** The same as YAML, as kubectl takes it. */
export function renderText(components: string[], overlay = 'overlays/sample'): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'overlay-')))
  const wayTo = (name: string) => relative(folder, pathOf(name)) // kustomize takes no absolute paths
  const kustomization = {
    resources: [wayTo(overlay)],
    components: components.map((name) => wayTo(`components/${name}`)),
  }
  try {
    writeFileSync(join(folder, 'kustomization.yaml'), JSON.stringify(kustomization))
    return runKubectl(['kustomize', folder])
  } finally {
    rmSync(folder, { recursive: true })
  }
}

export function kindAndName(object: unknown): string {
  return `${readText(object, 'kind')} ${readText(object, 'metadata.name')}`
}

/** By `Kind name`. */
export function findObject(objects: unknown[], name: string): unknown {
  const found = objects.find((object) => kindAndName(object) === name)
  if (found === undefined)
    throw new Error(`${name} is not among ${objects.map(kindAndName).join()}`)
  return found
}

/**
 * What the kubelet would set for a workload's container: its ConfigMaps are looked up among `objects`, and `given` stands
 * for what a Secret or the downward API says, by the variable's name.
 */
export function environmentOf(
  objects: unknown[],
  workload: unknown,
  given: Record<string, string>,
): Record<string, string> {
  const container = containerOf(workload)
  const dataOf = (name: string) => readRecord(findObject(objects, `ConfigMap ${name}`), 'data')
  const from = readList(container, 'envFrom').flatMap((each) =>
    Object.entries(dataOf(readText(each, 'configMapRef.name'))),
  )
  const own = readList(container, 'env').map((each): [string, unknown] => {
    const name = readText(each, 'name')
    const key = readRecord(each, 'valueFrom.configMapKeyRef')
    if (readText(key, 'name') !== '') {
      return [name, dataOf(readText(key, 'name'))[readText(key, 'key')]]
    }
    return [name, readText(each, 'value') || given[name]]
  })
  return Object.fromEntries(
    [...from, ...own].map(([name, value]) => {
      if (typeof value !== 'string') throw new Error(`nothing is given for ${name}`)
      return [name, value]
    }),
  )
}
