/** The files of deploy/ as objects, and what tests ask of them. It renders nothing: that is kubectl's. */
import { readdirSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { loadYaml } from '@kubernetes/client-node'
import { readList, readPath, readRecord, readText } from '../../sandbox/api-server/kube-object.ts'

export const ROOT = new URL('../../../', import.meta.url)

export interface Manifest {
  /** From deploy/ on. */
  file: string
  object: unknown
}

/** Every document of every YAML file. */
export function readManifests(): Manifest[] {
  const deploy = new URL('deploy/', ROOT)
  const files = readdirSync(deploy, { recursive: true, encoding: 'utf8' })
  return files
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => /\.ya?ml$/.test(file))
    .toSorted()
    .flatMap((file) =>
      parseDocuments(readFileSync(new URL(file, deploy), 'utf8')).map((object) => ({
        file,
        object,
      })),
    )
}

/** Below a key of its own a document is handed out as it is: loadYaml drops the fields that a kind doesn't have. */
export function parseDocuments(text: string): unknown[] {
  return text
    .split(/^---$/m)
    .map((document) =>
      readPath(loadYaml<unknown>(`it:\n${document.replaceAll(/^/gm, '  ')}`), 'it'),
    )
}

export function isKustomization({ file }: Manifest): boolean {
  return posix.basename(file) === 'kustomization.yaml'
}

/** What a kustomization names under a key, from deploy/ on: files, or folders. */
export function namedBy({ file, object }: Manifest, key: 'resources' | 'patches'): string[] {
  const named = readList(object, key).map((each) =>
    key === 'patches' ? readText(each, 'path') : String(each),
  )
  return named.map((name) => posix.join(posix.dirname(file), name))
}

/** Patches are parts of objects. */
export function findPatches(manifests: Manifest[]): Set<string> {
  return new Set(manifests.filter(isKustomization).flatMap((each) => namedBy(each, 'patches')))
}

/** The one of this kind and name in deploy/base. */
export function findInBase(kind: string, name: string): unknown {
  const found = readManifests().filter(
    ({ file, object }) =>
      file.startsWith('base/') &&
      readText(object, 'kind') === kind &&
      readText(object, 'metadata.name') === name,
  )
  if (found.length !== 1) throw new Error(`deploy/base has ${found.length} ${kind} ${name}`)
  return found[0]?.object
}

export function containerOf(workload: unknown): unknown {
  return readList(workload, 'spec.template.spec.containers')[0]
}

/** `NAME=value` of the generator of this name. */
export function literalsOf(kustomization: string, generator: string): Record<string, string> {
  const found = readManifests().find(({ file }) => file === kustomization)
  const literals = readList(found?.object, 'configMapGenerator')
    .filter((each) => readText(each, 'name') === generator)
    .flatMap((each) => readList(each, 'literals'))
  return Object.fromEntries(
    literals.map((literal) => {
      const [name = '', ...value] = String(literal).split('=')
      return [name, value.join('=')]
    }),
  )
}

/** As the kubelet would make it: `given` stands for what a Secret or the downward API says, by the variable's name. */
export function environmentOf(
  workload: unknown,
  given: Record<string, string>,
): Record<string, string> {
  const container = containerOf(workload)
  const own = readList(container, 'env').map((each): [string, string] => {
    const name = readText(each, 'name')
    const value = readText(each, 'value') || given[name]
    if (value === undefined) throw new Error(`nothing is given for ${name}`)
    return [name, value]
  })
  const from = readList(container, 'envFrom').flatMap((each) =>
    Object.entries(
      literalsOf('overlays/sample/kustomization.yaml', readText(each, 'configMapRef.name')),
    ),
  )
  return Object.fromEntries([...from, ...own])
}

/** Of a workload's pods. */
export function labelsOf(workload: unknown): Record<string, unknown> {
  return readRecord(workload, 'spec.template.metadata.labels')
}
