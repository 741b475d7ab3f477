/** Every bound of the wire, each with its unit and where it comes from. */

/** Bytes of a report as sent, compressed or not: 5,000 pods are 28 kB gzipped, so this is ten times the largest. */
export const REPORT_WIRE_MAX_BYTES = 256 * 1024

/** Bytes of a report unpacked: an isolate has 128 MB and parsing costs several times the text. */
export const REPORT_MAX_BYTES = 4 * 1024 * 1024

/** Bytes of one free text (an output, a panic guide): enough for an operator, cut by the exporter. */
export const TEXT_MAX_BYTES = 1024

/** ms a signature's timestamp may be off, both ways: the tolerance of the Standard Webhooks libraries. */
export const SIGNATURE_TOLERANCE_MS = 300_000

/** Random bytes of a signing secret: Standard Webhooks 1.0.0, "between 24 bytes and 64 bytes". */
export const SECRET_MIN_BYTES = 24
export const SECRET_MAX_BYTES = 64

/** How far an epoch may be above the held one: a leader a second counts to it in eleven days. */
export const EPOCH_STEP_MAX = 1_000_000

/** The highest epoch that an exporter takes: `leaseTransitions` is an int32, and a successor must fit. */
export const EPOCH_MAX = 2 ** 31 - 2

/** Characters of a DNS-1123 label: a cluster's id, a namespace, a Service's name. */
export const LABEL_MAX_LENGTH = 63

/** Characters of a DNS-1123 subdomain: pods, nodes, ConfigMaps. */
export const SUBDOMAIN_MAX_LENGTH = 253

/** Characters of any other name (check, category): the longest that Kubernetes gives anything. */
export const NAME_MAX_LENGTH = 253

/** Intervals without freshness after which a verdict is late: two lost reports are weather, three are news. */
export const INTERVALS_UNTIL_LATE = 3

/** Times `intervalSeconds` must fit into DEAD_AFTER_SECONDS: three until late, one more until dead. */
export const INTERVALS_UNTIL_DEAD = 4

/** ms that a blind exporter, or a copy read in place of the object, may keep a verdict standing. */
export const HOLD_MAX_MS = 15 * 60_000

/**
 * Counts that a report may hold. The exporter keeps within them and names what it left out (behaviour, section 1);
 * the edge refuses more with 422, so that the work of a report is bounded and not only its bytes.
 */
export const SERVICES_MAX = 5000
/** Of all services together; the largest cluster measured has 5,000 pods. */
export const TARGETS_MAX = 10_000
export const CATEGORIES_MAX = 500
/** Names in one category, and in all of them together. */
export const CATEGORY_SERVICES_MAX = 5000
export const CATEGORY_NAMES_MAX = 20_000
export const ACKS_MAX = 1000
/** A cluster of Kubernetes is tested up to 5,000 nodes. */
export const NODES_MAX = 5000
/** Checks of one node that are kept, failing ones first: there are 13. */
export const NODE_CHECKS_MAX = 100
/** Checks of one pod that are kept; failing ones first. */
export const TARGET_CHECKS_MAX = 200
/** Of one report: more have one cause for most of them. */
export const WARNINGS_MAX = 200
/** Checks of all targets together, also of those that share a list of them; ten each. */
export const TARGET_CHECKS_IN_ALL_MAX = 100_000
/** Checks of all nodes together; thirteen each. */
export const NODE_CHECKS_IN_ALL_MAX = 65_000
/** Components of an exporter; it has six. */
export const COMPONENTS_MAX = 32
