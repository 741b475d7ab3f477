/** The secrets and clusters that tests configure; none of them is used anywhere else. */

export const PUSH_SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
export const OTHER_SECRET = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD'
export const READ_TOKEN = 'read-token-of-the-tests'
export const OPERATE_TOKEN = 'operate-token-of-the-tests'

/** SHA-256 of each. */
const READ_TOKEN_SHA256 = 'fb61e1fb8f69ae8c03c6aba297f099d33395c6dc8ea34a759e612595893da83d'
const OPERATE_TOKEN_SHA256 = '500ddb6b241786408bee2314432e640ba2fb9a17a91de7c42359aa32a84f6300'

/** Enough clusters for each case to have one of its own. */
export const CLUSTERS = Array.from({ length: 60 }, (_, i) => `c${i}`)
/** Those that have a witness. */
export const WITNESSED = Array.from({ length: 12 }, (_, i) => `w${i}`)

/** Those that are judged alone. */
export const ALONE = Array.from({ length: 4 }, (_, i) => `l${i}`)

export const VARS = {
  PUSH_SECRETS: JSON.stringify(
    Object.fromEntries([...CLUSTERS, ...WITNESSED, ...ALONE].map((id) => [id, PUSH_SECRET])),
  ),
  CLUSTERS: JSON.stringify(
    Object.fromEntries([
      ...WITNESSED.map((id) => [id, { witness: `http://127.0.0.1:9/${id}` }]),
      ...ALONE.map((id) => [id, { silence: 'alone' }]),
    ]),
  ),
  TOKENS: JSON.stringify([
    { name: 'reader', sha256: READ_TOKEN_SHA256, roles: ['read'] },
    { name: 'nina', sha256: OPERATE_TOKEN_SHA256, roles: ['operate'] },
  ]),
  SESSION_SECRET: 'session-secret-of-the-tests-32-characters',
}
