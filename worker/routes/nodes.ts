/** The nodes of a cluster, for people and scripts: what each check said of each, 200 whether or not all is well. */
import { Hono, type Context } from 'hono'
import { tellNodes, tellOneNode } from '../dialects/nodes-json.ts'
import type { AppEnv } from '../env.ts'
import { NodePage } from '../views/node.tsx'
import { NodesPage } from '../views/nodes.tsx'
import {
  findFormat,
  frameOf,
  openToAll,
  renderJson,
  renderPage,
  replyProblem,
  titleOf,
} from './answer.ts'
import { readers } from './guard.ts'
import { knows } from './known-names.ts'
import { placesOf } from './paths.ts'
import { readCluster } from './read-cluster.ts'
import { replyShared } from './shared-answers.ts'

export const nodes = new Hono<AppEnv>()

nodes.on('GET', placesOf('/nodes'), readers, knows(), async (c) => {
  const read = await readCluster(c)
  if (!read.ok) return replyProblem(c, read.problem)
  const { status, cluster, turnsAtMs } = read
  return replyShared(c, read.of, () => {
    if (findFormat(c) === 'text/html') {
      const page = () => NodesPage({ frame: frameOf(c), title: titleOf(c, cluster), status })
      const shown = { ...status, services: [], categories: [] } // those are on other pages, and many
      return { shown, turnsAtMs, render: () => renderPage(page()) }
    }
    const none = { all: [], schedulable: 0, passing: 0, least: null }
    const told = tellNodes(status, status.nodes ?? none)
    return { turnsAtMs, render: () => renderJson(told, { headers: openToAll(c) }) }
  })
})

nodes.on('GET', placesOf('/nodes/:node'), readers, knows(), async (c: Context<AppEnv>) => {
  const read = await readCluster(c)
  if (!read.ok) return replyProblem(c, read.problem)
  const { status, cluster, turnsAtMs } = read
  const node = status.nodes?.all.find(({ name }) => name === c.req.param('node'))
  if (node === undefined) {
    const message = 'There is no node of that name in this cluster.'
    return replyProblem(c, { status: 404, code: 'unknown-node', message })
  }
  return replyShared(c, read.of, () => {
    if (findFormat(c) === 'text/html') {
      const page = () => NodePage({ frame: frameOf(c), title: titleOf(c, cluster), status, node })
      const shown = [status.freshness, status.freshAtMs, status.held, node]
      return { shown, turnsAtMs, render: () => renderPage(page()) }
    }
    const told = tellOneNode(status, node)
    return { turnsAtMs, render: () => renderJson(told, { headers: openToAll(c) }) }
  })
})
