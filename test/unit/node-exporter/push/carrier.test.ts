/** Which way a report takes, and what comes with its answer. */
import { describe, expect, it, vi } from 'vitest'
import { createCarrier } from '../../../../node-exporter/push/carrier.ts'
import type { Delivered } from '../../../../node-exporter/push/deliver.ts'

const TAKEN: Delivered = { kind: 'accepted', resend: false, commands: [] }
const FAILED: Delivered = { kind: 'failed', reason: 'any', retryAfterMs: null, clockMoved: false }

interface State {
  link: Delivered | null
  https: Delivered
  /** Nobody is opening a link. */
  settled: Promise<void>
}

function aCarrier(given: Partial<State> = {}) {
  const ways: string[] = []
  const state: State = { link: null, https: TAKEN, settled: Promise.resolve(), ...given }
  const take = (way: string, delivered: Delivered) => {
    ways.push(way)
    return Promise.resolve(delivered)
  }
  const open = vi.fn<() => void>()
  const commands: unknown[] = []
  const carrier = createCarrier({
    link: {
      open,
      settle: () => state.settled,
      deliver: (_, sequence) => state.link && take(`link ${sequence}`, state.link),
    },
    deliver: (_, sequence) => take(`https ${sequence}`, state.https),
    onCommand: (command) => {
      commands.push(command)
    },
  })
  let sequence = 0
  const push = () => carrier.deliver(new Uint8Array(), ++sequence)
  return { carrier, state, ways, open, commands, push }
}

describe('a report', () => {
  it('takes the link while it is open, and HTTPS before and after', async () => {
    const { carrier, state, ways, push } = aCarrier()
    const vias: string[] = [carrier.via()]

    for (const link of [null, TAKEN, FAILED, null]) {
      state.link = link
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await push()
      vias.push(carrier.via())
    }

    expect(ways).toEqual(['https 1', 'link 2', 'link 3', 'https 4'])
    expect(vias).toEqual(['https', 'https', 'link', 'link', 'https'])
  })

  it('waits for a link that is being opened', async () => {
    const opened = Promise.withResolvers<void>()
    const { state, ways, push } = aCarrier({ settled: opened.promise })

    const pushing = push()
    state.link = TAKEN
    opened.resolve()
    await pushing

    expect(ways).toEqual(['link 1'])
  })

  it.each<[string, Delivered, number]>([
    ['once one was taken', TAKEN, 1],
    ['not for one that failed', FAILED, 0],
    [
      'not for one that was refused for another speaks',
      { kind: 'superseded', held: { epoch: 1, sequence: 1 } },
      0,
    ],
  ])('has a link opened: %s', async (_, https, times) => {
    const { open, push } = aCarrier({ https })

    await push()

    expect(open).toHaveBeenCalledTimes(times)
  })

  it.each(['link', 'https'])('may bring commands with its answer: over %s', async (way) => {
    const { commands, push } = aCarrier({ [way]: { ...TAKEN, commands: [{ kind: 'round' }, 7] } })

    await push()

    expect(commands).toEqual([{ kind: 'round' }, 7])
  })
})
