/** The refusals of an API server as it words them: Status objects and the error that carries one to the edge. */

export interface Status {
  kind: 'Status'
  apiVersion: 'v1'
  metadata: { continue?: string }
  status: 'Failure'
  message: string
  reason?: string
  details?: StatusDetails
  code: number
}

export interface StatusDetails {
  name?: string
  group?: string
  kind?: string
  causes?: { reason: string; message: string; field?: string }[]
  retryAfterSeconds?: number
}

interface Refusal {
  reason?: string
  details?: StatusDetails
  continue?: string
  /** The header; the number of `details` unless it is said. */
  retryAfter?: string | undefined
}

/** The reason the API machinery gives to a bare HTTP status. */
const REASONS: Record<number, string> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  406: 'NotAcceptable',
  409: 'Conflict',
  410: 'Expired',
  413: 'RequestEntityTooLarge',
  415: 'UnsupportedMediaType',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
}

export class ApiError extends Error {
  readonly status: Status
  readonly retryAfter: string | undefined

  constructor(code: number, message: string, refusal: Refusal = {}) {
    super(message)
    this.name = 'ApiError'
    const seconds = refusal.details?.retryAfterSeconds
    this.retryAfter = refusal.retryAfter ?? seconds?.toString()
    const reason = refusal.reason ?? REASONS[code]
    this.status = {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: refusal.continue === undefined ? {} : { continue: refusal.continue },
      status: 'Failure',
      message,
      ...(reason === undefined ? {} : { reason }),
      ...(refusal.details === undefined ? {} : { details: refusal.details }),
      code,
    }
  }

  static badRequest(message: string): ApiError {
    return new ApiError(400, message)
  }

  static notFound(kind: string, name: string): ApiError {
    return new ApiError(404, `${kind} "${name}" not found`, { details: { name, kind } })
  }

  static alreadyExists(kind: string, name: string): ApiError {
    const details = { name, kind }
    return new ApiError(409, `${kind} "${name}" already exists`, {
      reason: 'AlreadyExists',
      details,
    })
  }

  static conflict(kind: string, name: string, why: string): ApiError {
    const message = `Operation cannot be fulfilled on ${kind} "${name}": ${why}`
    return new ApiError(409, message, { details: { name, kind } })
  }

  /** 422 for one field of one object. */
  static invalid(kind: string, name: string, cause: FieldError): ApiError {
    const message = `${kind} "${name}" is invalid: ${cause.field}: ${cause.message}`
    return new ApiError(422, message, { details: { name, kind, causes: [cause] } })
  }

  /** 422 for a combination of list or watch options that the API forbids. */
  static forbiddenOption(field: string, why: string): ApiError {
    const cause = { reason: 'FieldValueForbidden', message: `Forbidden: ${why}`, field }
    const message = `ListOptions.meta.k8s.io "" is invalid: ${field}: ${cause.message}`
    const details = { group: 'meta.k8s.io', kind: 'ListOptions', causes: [cause] }
    return new ApiError(422, message, { details })
  }

  static tooLargeResourceVersion(asked: number, current: number): ApiError {
    const cause = { reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }
    const message = `Timeout: Too large resource version: ${asked}, current: ${current}`
    return new ApiError(504, message, { details: { causes: [cause], retryAfterSeconds: 1 } })
  }
}

export interface FieldError {
  reason: string
  message: string
  field: string
}
