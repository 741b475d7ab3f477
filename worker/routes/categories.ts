/** Categories: what they hold and how they stand, and the switches to disable and enable one (behaviour, section 3). */
import { Hono, type Context } from 'hono'
import * as v from 'valibot'
import { tellCategory } from '../dialects/operator-json.ts'
import type { AppEnv } from '../env.ts'
import { CategoriesPage } from '../views/categories.tsx'
import { linksOf } from '../views/links.ts'
import { act, boundedWrite, replyDone } from './act.ts'
import { findFormat, frameOf, renderJson, renderPage, replyProblem, titleOf } from './answer.ts'
import { nameSchema, readFields, wordsSchema, type Fields } from './fields.ts'
import { operators, readers } from './guard.ts'
import { knows } from './known-names.ts'
import { baseOf, placesOf } from './paths.ts'
import { missingQuery, readCluster } from './read-cluster.ts'
import { replyShared } from './shared-answers.ts'

export const categories = new Hono<AppEnv>()

categories.on('GET', placesOf('/categories'), readers, knows(), async (c) => {
  const read = await readCluster(c)
  if (!read.ok) return replyProblem(c, read.problem)
  const { status, cluster, turnsAtMs } = read
  return replyShared(c, read.of, () => {
    if (findFormat(c) !== 'text/html') {
      const all = status.categories.map(tellCategory)
      const told = { cluster, freshness: status.freshness, categories: all }
      return { turnsAtMs, render: () => renderJson(told) }
    }
    const page = () => CategoriesPage({ frame: frameOf(c), title: titleOf(c, cluster), status })
    const shown = { ...status, services: [] } // those are on other pages, and many
    return { shown, turnsAtMs, render: () => renderPage(page()) }
  })
})

categories.on(['POST', 'GET'], placesOf('/enable-category'), operators, boundedWrite, async (c) => {
  const read = await readFields(c, ['category-name'])
  if (!read.ok) return replyProblem(c, read.problem)
  const category = categoryOf(read.fields)
  if (category === null) return replyProblem(c, NO_NAME)
  return replyDone(c, await act(c, { kind: 'enable-category', category }), pageOf(c))
})

categories.on(
  ['POST', 'GET'],
  placesOf('/disable-category'),
  operators,
  boundedWrite,
  async (c) => {
    const read = await readFields(c, ['category-name', 'why'])
    if (!read.ok) return replyProblem(c, read.problem)
    const category = categoryOf(read.fields)
    if (category === null) return replyProblem(c, NO_NAME)
    const why = v.safeParse(wordsSchema, read.fields['why'] ?? '')
    if (!why.success) {
      const message = `why: ${why.issues[0].message}.`
      return replyProblem(c, { status: 400, code: 'invalid', message })
    }
    const done = await act(c, { kind: 'disable-category', category, why: why.output })
    return replyDone(c, done, pageOf(c))
  },
)

const NO_NAME = missingQuery('category-name')

function categoryOf(fields: Fields): string | null {
  const name = v.safeParse(nameSchema, fields['category-name'])
  return name.success ? name.output : null
}

function pageOf(c: Context<AppEnv>): string {
  return linksOf(baseOf(c)).categories
}
