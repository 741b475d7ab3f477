/** No address is asked that the exporter never asks, whoever names it; and no redirect leads to one. */
import { expect, it } from 'vitest'
import { NeverAsked } from '../../../../node-exporter/discovery/never-asked.ts'
import { askAllowed } from '../../../../node-exporter/probing/ask-allowed.ts'
import { askDirectly } from '../../../../node-exporter/probing/ask.ts'
import { aKnownTarget } from '../../../support/exporter/a-discovered.ts'
import { serve } from '../../../support/exporter/local-server.ts'

async function ask(allowed: string[], answer: Parameters<typeof serve>[0]) {
  const { port, requests } = await serve(answer)
  const never = new NeverAsked(allowed)
  const asking = askAllowed(askDirectly, (address) => never.refuse(address))
  return { asked: await asking(aKnownTarget({ port }), 5000), requests }
}

it('says why nothing was asked', async () => {
  const { asked, requests } = await ask([], (_, response) => response.end('{}'))

  expect(asked).toEqual({
    isAnswer: false,
    reason: 'its address is 127.0.0.1, which is a loopback address: it is never asked',
    mayRetry: false,
  })
  expect(requests).toEqual([])
})

it('asks what is allowed, and follows no redirect', async () => {
  const { asked, requests } = await ask(['127.0.0.0/8'], (request, response) => {
    response.writeHead(302, { location: `http://${request.headers.host ?? ''}/secret` }).end()
  })

  expect(asked).toMatchObject({ isAnswer: true, status: 302, text: '' })
  expect(requests.map(({ url }) => url)).toEqual(['/__health'])
})
