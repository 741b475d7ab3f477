/** The files of deploy/ as objects, as they were written; rendered.ts has what a cluster is given. */
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

export function containerOf(workload: unknown): unknown {
  return readList(workload, 'spec.template.spec.containers')[0]
}

/** Of a workload's pods. */
export function labelsOf(workload: unknown): Record<string, unknown> {
  return readRecord(workload, 'spec.template.metadata.labels')
}
