/** Where things are: every link and every form's target of a cluster's pages. Names from outside are encoded here. */

/** `base`: what each of them begins with; '' for the default cluster, a path prefix, or `/clusters/{id}`. */
export function linksOf(base: string) {
  const withName = (path: string, key: string) => (name: string) =>
    `${base}/${path}?${key}=${encode(name)}`
  return {
    categories: `${base}/categories`,
    history: `${base}/history`,
    hold: `${base}/hold`,
    nodes: `${base}/nodes`,
    node: (name: string) => `${base}/nodes/${encode(name)}`,
    /** Always by its cluster, whatever the page's own links begin with. */
    gtgOfNode: (cluster: string, name: string) =>
      `/clusters/${encode(cluster)}/nodes/${encode(name)}/__gtg`,
    /** Of these categories; of everything when none is named. */
    health: (categories: string[] = []) =>
      categories.length === 0
        ? `${base}/__health`
        : `${base}/__health?categories=${categories.map(encode).join(',')}`,
    pods: withName('__pods-health', 'service-name'),
    /** A pod's name alone is not unique: another namespace may have a `db-0` too. */
    pod: (service: string, pod: string) =>
      `${base}/__pod-individual-health?service-name=${encode(service)}&pod-name=${encode(pod)}`,
    ackForm: withName('add-ack-form', 'service-name'),
    addAck: withName('add-ack', 'service-name'),
    removeAck: withName('rem-ack', 'service-name'),
    enableCategory: withName('enable-category', 'category-name'),
    disableCategory: withName('disable-category', 'category-name'),
    historyOf: (kind: 'service' | 'category' | 'node', name: string) =>
      withName('history', `${kind}-name`)(name),
  }
}

export type Links = ReturnType<typeof linksOf>

export function linkToCluster(id: string): string {
  return linksOf(`/clusters/${encode(id)}`).health()
}

export const SIGN_IN = '/sign-in'

/** `path`: where to go on after signing in. */
export function linkToSignIn(path: string): string {
  return `${SIGN_IN}?next=${encode(path)}`
}

// JSON can carry half of a surrogate pair, on which encodeURIComponent throws.
function encode(name: string): string {
  return encodeURIComponent(name.toWellFormed())
}
