/**
 * What versions of the Worker left in KV and in storage, key by key: never mended to fit a schema. A schema that can't
 * read one of these loses what people decided when it is deployed; a new key needs a default there, and a fixture here.
 */

const AT_MS = 1_767_225_600_000
const LEASE = { freshAtMs: AT_MS, validUntilMs: AT_MS + 60_000, heldUntilMs: null }

/** As fc493a4 wrote it to KV: it knew no decisions. */
export const RECORD_OF_FC493A4 = {
  version: 7,
  publishedAtMs: AT_MS,
  isDead: false,
  view: {
    lease: LEASE,
    intervalSeconds: 10,
    categories: [
      {
        name: 'default',
        passes: true,
        reason: 'healthy',
        severity: null,
        failing: [],
        missing: [],
        sinceMs: AT_MS,
      },
    ],
  },
}

/** `web` is acked by hand, the ConfigMap's ack of `api` was taken back, `latched` tripped, `read` is off by hand. */
const DECISIONS = {
  acks: [
    {
      service: 'web',
      message: 'known',
      by: 'nina',
      atMs: AT_MS,
      expiresAtMs: 4_102_444_800_000, // 2100
      until: 'recovery',
      failure: { marks: ['check database'], severity: 1 },
      goodSinceMs: null,
      isRestored: false,
    },
  ],
  hiddenAcks: [{ service: 'api', message: 'since May' }],
  overrides: [
    {
      category: 'latched',
      isEnabled: false,
      cause: 'trip',
      by: null,
      why: 'shop failed 2 checks',
      atMs: AT_MS,
      saidThen: true,
      isRestored: false,
    },
    {
      category: 'read',
      isEnabled: false,
      cause: 'hand',
      by: 'nina',
      why: 'failover',
      atMs: AT_MS,
      saidThen: null,
      isRestored: false,
    },
  ],
}

const FACTS = [
  {
    name: 'latched',
    services: ['shop'],
    refreshSeconds: 30,
    isSticky: true,
    failureThreshold: 2,
    onMissing: 'degrade',
    said: true,
    isChecked: true,
    failures: [{ service: 'shop', severity: 2, honoured: null }],
    missing: [],
  },
  {
    name: 'read',
    services: ['api', 'web', 'gone'],
    refreshSeconds: null,
    isSticky: false,
    failureThreshold: 3,
    onMissing: 'fail',
    said: null,
    isChecked: true,
    failures: [
      { service: 'api', severity: 2, honoured: 'since May' },
      { service: 'web', severity: 1, honoured: null },
    ],
    missing: ['gone'],
  },
]

const CATEGORIES = [
  {
    name: 'latched',
    passes: false,
    reason: 'disabled',
    severity: 2,
    failing: ['shop'],
    acked: [],
    missing: [],
    sinceMs: AT_MS,
  },
  {
    name: 'read',
    passes: false,
    reason: 'disabled',
    severity: 2,
    failing: ['api'],
    acked: [{ service: 'web', severity: 1, expiresAtMs: 4_102_444_800_000 }],
    missing: ['gone'],
    sinceMs: AT_MS,
  },
]

/** As d93bc93 wrote it to KV. */
export const RECORD_OF_D93BC93 = {
  version: 4,
  publishedAtMs: AT_MS,
  isDead: false,
  epoch: 3,
  sequence: 7,
  intervalSeconds: 10,
  lease: LEASE,
  facts: FACTS,
  categories: CATEGORIES,
  decisions: DECISIONS,
}

/** As 6ea93d5 wrote it to KV. */
export const RECORD_OF_6EA93D5 = { ...RECORD_OF_D93BC93, environment: 'demo' }

const NODES = [
  {
    name: 'node-a',
    isSchedulable: true,
    ready: null,
    silentSinceMs: AT_MS,
    passing: ['node_ready'],
    failing: ['kubelet'],
  },
]

/** As 5d55e31 wrote it to KV. */
export const RECORD_OF_5D55E31 = { ...RECORD_OF_6EA93D5, nodes: NODES }

const PULSE = {
  epoch: 3,
  sequence: 7,
  digest: 'digest-1',
  lease: LEASE,
  intervalSeconds: 10,
  blindSinceMs: null,
  resendAskedAtMs: null,
  streaks: { shop: 2, web: 1 },
  streaksEpoch: 3,
  counts: [{ category: 'latched', service: 'shop', failed: 2 }],
  freshness: 'fresh',
  recovery: { epoch: 3, sinceMs: AT_MS },
  exporter: {
    type: 'pilotlight',
    version: '0.1.0',
    commit: '',
    startedAt: 1_700_000_000_000,
    status: 'healthy',
    components: { push: { status: 'healthy', message: '' } },
  },
  counters: { gtg: { 'no-data': 1 }, reports: { accepted: 1 } },
}

/** The rows of d93bc93 by their keys. */
export const ROWS_OF_D93BC93 = {
  pulse: PULSE,
  facts: FACTS,
  categories: CATEGORIES,
  decisions: DECISIONS,
  publication: { version: 4, putVersion: 4, lastPutAtMs: AT_MS, failures: 0 },
  services: {
    shop: { ok: false, severity: 2, sinceMs: AT_MS },
    api: { ok: true, severity: null, sinceMs: AT_MS },
  },
  content: {
    environment: 'demo',
    categories: [],
    services: [],
    nodes: null,
    acks: [{ service: 'api', message: 'since May' }],
    warnings: [],
  },
}

/** The rows of 6ea93d5 by their keys. */
export const ROWS_OF_6EA93D5 = { ...ROWS_OF_D93BC93, pulse: { ...PULSE, environment: 'demo' } }

/** The rows of 5d55e31 by their keys. */
export const ROWS_OF_5D55E31 = {
  ...ROWS_OF_6EA93D5,
  pulse: {
    ...ROWS_OF_6EA93D5.pulse,
    nodes: {
      minReady: { share: 0.9 },
      failing: { sinceMs: AT_MS, countedAtMs: AT_MS },
      untoldSinceMs: null,
      forgetAtMs: AT_MS,
    },
  },
  nodes: NODES,
}
