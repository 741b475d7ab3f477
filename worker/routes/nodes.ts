/** The nodes of a cluster, for people and scripts: what each check said of each, 200 whether or not all is well. */
import { Hono, type Context } from 'hono'
import { tellNodes, tellOneNode } from '../dialects/nodes-json.ts'
import type { AppEnv } from '../env.ts'
import { NodePage } from '../views/node.tsx'
import { NodesPage } from '../views/nodes.tsx'
import { findFormat, frameOf, replyLive, replyProblem, titleOf } from './answer.ts'
import { readers } from './guard.ts'
import { openToAll } from './health.ts'
import { knows } from './known-names.ts'
import { placesOf } from './paths.ts'
import { readCluster } from './read-cluster.ts'

export const nodes = new Hono<AppEnv>()

nodes.on('GET', placesOf('/nodes'), readers, knows(), async (c) => {
  const read = await readCluster(c)
  if (!read.ok) return replyProblem(c, read.problem)
  const { status, cluster } = read
  if (findFormat(c) === 'text/html') {
    return replyLive(c, status, () =>
      NodesPage({ frame: frameOf(c), title: titleOf(c, cluster), status }),
    )
  }
  openToAll(c)
  const none = { all: [], schedulable: 0, passing: 0, least: null }
  return c.json(tellNodes(status, status.nodes ?? none))
})

nodes.on('GET', placesOf('/nodes/:node'), readers, knows(), async (c: Context<AppEnv>) => {
  const read = await readCluster(c)
  if (!read.ok) return replyProblem(c, read.problem)
  const { status, cluster } = read
  const node = status.nodes?.all.find(({ name }) => name === c.req.param('node'))
  if (node === undefined) {
    const message = 'There is no node of that name in this cluster.'
    return replyProblem(c, { status: 404, code: 'unknown-node', message })
  }
  if (findFormat(c) === 'text/html') {
    return replyLive(c, [status.freshness, status.freshAtMs, node], () =>
      NodePage({ frame: frameOf(c), title: titleOf(c, cluster), status, node }),
    )
  }
  openToAll(c)
  return c.json(tellOneNode(status, node))
})
