/** Paths of the API server's collections. */

/** `namespace` null: in all of them. */
export function pathOf(base: string, namespace: string | null, plural: string): string {
  return namespace === null ? `${base}/${plural}` : `${base}/namespaces/${namespace}/${plural}`
}
