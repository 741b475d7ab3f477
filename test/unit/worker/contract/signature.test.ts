/** Standard Webhooks against its published vector, against another implementation, and against whoever tampers. */
import { Webhook } from 'standardwebhooks'
import { describe, expect, it } from 'vitest'
import {
  decodeSecret,
  importSecret,
  signBody,
  verifyBody,
  type SignedHeaders,
} from '../../../../worker/contract/signature.ts'
import { OTHER_SECRET, PUSH_SECRET } from '../../../support/secrets.ts'

/** The vector that the specification's own libraries carry in their tests. */
const VECTOR = {
  secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
  timestampSeconds: 1_614_265_330,
  body: '{"test": 2432232314}',
  signature: 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
}
const NOW_MS = VECTOR.timestampSeconds * 1000

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

function whsec(byteCount: number): string {
  return `whsec_${btoa('k'.repeat(byteCount))}`
}

/** Whether the edge takes it, with the secrets that it holds, at a moment. */
async function isTaken(
  headers: Partial<SignedHeaders>,
  {
    body = VECTOR.body,
    secrets = [VECTOR.secret],
    nowMs = NOW_MS,
  }: { body?: string; secrets?: string[]; nowMs?: number } = {},
): Promise<boolean> {
  const keys = await Promise.all(secrets.map(importSecret))
  return verifyBody({ ...VECTOR, ...headers }, bytesOf(body), { keys, nowMs })
}

describe('the published vector', () => {
  it('comes out of signing, to the character', async () => {
    const key = await importSecret(VECTOR.secret)

    const signature = await signBody(VECTOR, bytesOf(VECTOR.body), [key])

    expect(signature).toBe(VECTOR.signature)
  })

  it('is taken by verifying', async () => {
    expect(await isTaken(VECTOR)).toBe(true)
  })
})

describe('another implementation', () => {
  const body = JSON.stringify({ pods: 'größer 😀' })
  const id = 'msg_1'

  it('takes what is signed here', async () => {
    const timestampSeconds = Math.floor(Date.now() / 1000)
    const keys = [await importSecret(PUSH_SECRET)]
    const signature = await signBody({ id, timestampSeconds }, bytesOf(body), keys)

    const taken = new Webhook(PUSH_SECRET).verify(body, {
      'webhook-id': id,
      'webhook-timestamp': String(timestampSeconds),
      'webhook-signature': signature,
    })

    expect(taken).toEqual(JSON.parse(body))
  })

  it('is taken here', async () => {
    const nowMs = Date.now()
    const timestampSeconds = Math.floor(nowMs / 1000)
    const signature = new Webhook(PUSH_SECRET).sign(id, new Date(nowMs), body)

    const headers = { id, timestampSeconds, signature }

    expect(await isTaken(headers, { body, secrets: [PUSH_SECRET], nowMs })).toBe(true)
  })
})

describe('rotating a secret', () => {
  const table: [string, string[], string[], boolean][] = [
    ['both sides have both', [PUSH_SECRET, OTHER_SECRET], [PUSH_SECRET, OTHER_SECRET], true],
    ['the edge has the new one too', [PUSH_SECRET], [OTHER_SECRET, PUSH_SECRET], true],
    ['the exporter has the new one too', [PUSH_SECRET, OTHER_SECRET], [OTHER_SECRET], true],
    ['the exporter still has the old one only', [PUSH_SECRET], [OTHER_SECRET], false],
    ['the edge has none', [PUSH_SECRET], [], false],
  ]

  it.each(table)('leaves no gap while one secret is shared: %s', async (...row) => {
    const [, signs, holds, expected] = row
    const keys = await Promise.all(signs.map(importSecret))

    const signature = await signBody(VECTOR, bytesOf(VECTOR.body), keys)

    expect(await isTaken({ signature }, { secrets: holds })).toBe(expected)
  })

  it('puts a signature of each secret in one header', async () => {
    const keys = await Promise.all([VECTOR.secret, OTHER_SECRET].map(importSecret))

    const signature = await signBody(VECTOR, bytesOf(VECTOR.body), keys)

    expect(signature).toMatch(/^v1,[\w+/]{43}= v1,[\w+/]{43}=$/)
    expect(signature.split(' ')[0]).toBe(VECTOR.signature)
  })
})

describe('a signature that was tampered with', () => {
  const mac = VECTOR.signature.slice('v1,'.length)
  const table: [string, Partial<SignedHeaders>, string?][] = [
    ['another id', { id: 'msg_p5jXN8AQM9LWM0D4loKWxJel' }],
    ['no id', { id: '' }],
    ['a second later', { timestampSeconds: VECTOR.timestampSeconds + 1 }],
    ['a second earlier', { timestampSeconds: VECTOR.timestampSeconds - 1 }],
    ['no time', { timestampSeconds: Number.NaN }],
    ['another digit in the body', {}, '{"test": 2432232315}'],
    ['a blank less in the body', {}, '{"test":2432232314}'],
    ['a newline behind the body', {}, `${VECTOR.body}\n`],
    ['no body', {}, ''],
    ['no signature', { signature: '' }],
    ['the scheme alone', { signature: 'v1,' }],
    ['no scheme', { signature: mac }],
    ['the scheme of asymmetric keys', { signature: `v1a,${mac}` }],
    ['a scheme to come', { signature: `v2,${mac}` }],
    ['the scheme in capitals', { signature: `V1,${mac}` }],
    ['cut in half', { signature: VECTOR.signature.slice(0, 24) }],
    ['not base64', { signature: 'v1,%%%' }],
    ['a comma in place of the blank', { signature: `v1,AAAA,${VECTOR.signature}` }],
  ]

  it.each(table)('is refused: %s', async (_what, headers, body = VECTOR.body) => {
    expect(await isTaken(headers, { body })).toBe(false)
  })

  it('is refused whichever of its bytes was changed', async () => {
    const bytes = Uint8Array.from(atob(mac), (char) => char.charCodeAt(0))
    const forged = Array.from(bytes, (byte, i) => bytes.with(i, byte ^ 1)).map(
      (changed) => `v1,${btoa(String.fromCharCode(...changed))}`,
    )

    const taken = await Promise.all(forged.map((signature) => isTaken({ signature })))

    expect(taken).toEqual(Array.from({ length: 32 }, () => false))
  })
})

describe('the time of a signature', () => {
  it.each([
    ['exactly 300 s old', 300_000, true],
    ['one millisecond older', 300_001, false],
    ['exactly 300 s ahead', -300_000, true],
    ['one millisecond further ahead', -300_001, false],
    ['an hour old', 3_600_000, false],
  ])('may be off by 300 s both ways: %s', async (_what, offMs, expected) => {
    expect(await isTaken({}, { nowMs: NOW_MS + offMs })).toBe(expected)
  })
})

describe('a header with many signatures', () => {
  const other = `v1,${btoa('x'.repeat(32))}`

  it.each([
    ['the first of two', `${VECTOR.signature} ${other}`, true],
    ['the second of two', `${other} ${VECTOR.signature}`, true],
    ['behind one of another scheme', `v1a,AAAA ${VECTOR.signature}`, true],
    ['behind one that is not base64', `v1,%%% ${VECTOR.signature}`, true],
    ['behind two blanks', `${other}  ${VECTOR.signature}`, true],
    ['the eighth', `${`${other} `.repeat(7)}${VECTOR.signature}`, true],
    ['the ninth, which nobody reads', `${`${other} `.repeat(8)}${VECTOR.signature}`, false],
    ['none that fits', `${other} ${other}`, false],
  ])('is taken when one of them fits: %s', async (_what, signature, expected) => {
    expect(await isTaken({ signature })).toBe(expected)
  })
})

describe('a secret', () => {
  const table: [string, string, number | null][] = [
    ['23 bytes', whsec(23), null],
    ['24 bytes', whsec(24), 24],
    ['64 bytes', whsec(64), 64],
    ['65 bytes', whsec(65), null],
    ['no prefix', btoa('k'.repeat(32)), null],
    ['another prefix', `whpk_${btoa('k'.repeat(32))}`, null],
    ['the prefix in capitals', `WHSEC_${btoa('k'.repeat(32))}`, null],
    ['the prefix alone', 'whsec_', null],
    ['not base64', `whsec_${'%'.repeat(44)}`, null],
    ['base64 for URLs', `whsec_${'-_'.repeat(22)}`, null],
    ['nothing', '', null],
  ]

  it.each(table)('is whsec_ and base64 of 24 to 64 bytes: %s', (_what, secret, bytes) => {
    expect(decodeSecret(secret)?.length ?? null).toBe(bytes)
  })

  const malformed = table.filter(([, , bytes]) => bytes === null)

  it.each(malformed)('is not repeated when it is malformed: %s', async (_what, secret) => {
    const error: unknown = await importSecret(secret).catch((reason: unknown) => reason)

    expect(error).toBeInstanceOf(Error)
    expect(error).toHaveProperty('message', 'malformed signing secret')
  })
})
