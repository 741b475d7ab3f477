/** What the real server refuses in a Lease's spec, which is written by programs only and so fails at run time only. */
import { type Body, readPath } from './kube-object.ts'
import { ApiError } from './status.ts'

/** metav1.MicroTime: its layout has six digits, and Go's parser takes no other number of them. */
const MICRO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)$/

/** Throws 400 for a value of the wrong form, 422 for one out of bounds. */
export function checkLease(name: string, body: Body): void {
  for (const field of ['acquireTime', 'renewTime']) {
    const value = readPath(body, `spec.${field}`)
    if (value == null || (typeof value === 'string' && MICRO_TIME.test(value))) continue
    throw ApiError.badRequest(
      `Lease in version "v1" cannot be handled as a Lease: parsing time ${JSON.stringify(value)} as "2006-01-02T15:04:05.000000Z07:00": cannot parse`,
    )
  }
  for (const [field, least] of Object.entries({ leaseDurationSeconds: 1, leaseTransitions: 0 })) {
    const value = readPath(body, `spec.${field}`)
    if (value == null) continue
    if (typeof value !== 'number' || !Number.isInteger(value)) {
      throw ApiError.badRequest(
        `Lease in version "v1" cannot be handled as a Lease: json: cannot unmarshal ${JSON.stringify(value)} into Go struct field LeaseSpec.spec.${field} of type int32`,
      )
    }
    if (value >= least) continue
    throw ApiError.invalid('Lease.coordination.k8s.io', name, {
      reason: 'FieldValueInvalid',
      message: `Invalid value: ${value}: must be greater than ${least === 1 ? '0' : 'or equal to 0'}`,
      field: `spec.${field}`,
    })
  }
}
