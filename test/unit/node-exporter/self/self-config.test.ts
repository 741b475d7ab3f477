/** What every role reads for itself: defaults that work, and every fault at once. */
import { describe, expect, it } from 'vitest'
import { readSelfConfig } from '../../../../node-exporter/self/self-config.ts'

describe('a configuration', () => {
  it('needs nothing at all', () => {
    expect(readSelfConfig({ HEALTH_PORT: ' ' })).toEqual({
      ok: true,
      config: { clusterId: '', healthPort: 9090, drainMs: 5000, logLevel: 'info' },
    })
  })

  it('takes all that there is', () => {
    expect(
      readSelfConfig({
        CLUSTER_ID: 'prod-eu',
        HEALTH_PORT: '0',
        DRAIN_SECONDS: '0.5',
        LOG_LEVEL: 'debug',
      }),
    ).toEqual({
      ok: true,
      config: { clusterId: 'prod-eu', healthPort: 0, drainMs: 500, logLevel: 'debug' },
    })
  })

  it.each([
    ['HEALTH_PORT', 'health'],
    ['HEALTH_PORT', '65536'],
    ['HEALTH_PORT', '-1'],
    ['HEALTH_PORT', '0x6000'],
    ['HEALTH_PORT', '1e3'],
    ['HEALTH_PORT', '90.0'],
    ['DRAIN_SECONDS', 'long'],
    ['DRAIN_SECONDS', '-1'],
    ['DRAIN_SECONDS', '0x5'],
    ['DRAIN_SECONDS', '1e1'],
    ['DRAIN_SECONDS', '3601'],
    ['DRAIN_SECONDS', 'Infinity'],
    ['LOG_LEVEL', 'loud'],
  ])('names the fault of %s=%s, once', (name, value) => {
    const read = readSelfConfig({ [name]: value })

    expect(read).toMatchObject({ ok: false, faults: [expect.stringMatching(`^${name} must be `)] })
  })

  it('names the fault of an id that is no DNS-1123 label', () => {
    const read = readSelfConfig({ CLUSTER_ID: 'Prod EU' })

    expect(read).toMatchObject({
      ok: false,
      faults: [expect.stringMatching(/^CLUSTER_ID .*DNS-1123/)],
    })
  })

  it('names all faults at once', () => {
    const read = readSelfConfig({ HEALTH_PORT: 'x', DRAIN_SECONDS: 'x', LOG_LEVEL: 'x' })

    expect(read.ok ? [] : read.faults).toHaveLength(3)
  })
})
