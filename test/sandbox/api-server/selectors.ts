/** Label and field selectors: the grammar of the query string, and whether an object matches. */
import { type KubeObject, readText } from './kube-object.ts'
import { apiVersionOf, type Resource } from './resources.ts'
import { ApiError } from './status.ts'

export type Predicate = (object: KubeObject) => boolean

type LabelTest = (labels: Record<string, string>) => boolean

const NAME = '[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?'
const KEY = `(?:[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?/)?${NAME}` // optional DNS prefix, then a name of at most 63
const VALUE = `(?:${NAME})?`
const EXISTS = new RegExp(`^(!?)\\s*(${KEY})$`)
const COMPARES = new RegExp(`^(${KEY})\\s*(==|=|!=)\\s*(${VALUE})$`)
const ORDERS = new RegExp(`^(${KEY})\\s*([<>])\\s*(-?\\d+)$`)
const CONTAINS = new RegExp(`^(${KEY})\\s+(in|notin)\\s*\\(([^()]*)\\)$`)

/** `a`, `!a`, `a=x`, `a==x`, `a!=x`, `a in (x,y)`, `a notin (x)`, `a>1`, joined by commas. 400 for anything else. */
export function parseLabelSelector(text: string): Predicate {
  if (text.trim() === '') return () => true
  // A comma inside parentheses separates values, not requirements.
  const tests = text.split(/,(?![^(]*\))/).map((part) => parseRequirement(part.trim()))
  return (object) => tests.every((test) => test(object.metadata.labels ?? {}))
}

function parseRequirement(text: string): LabelTest {
  const exists = EXISTS.exec(text)
  if (exists !== null) {
    const [, not, key = ''] = exists
    return (labels) => Object.hasOwn(labels, key) === (not === '')
  }
  return parseComparison(text) ?? parseSet(text)
}

function parseComparison(text: string): LabelTest | undefined {
  const order = ORDERS.exec(text)
  if (order !== null) {
    const [, key = '', operator, bound] = order
    const sign = operator === '<' ? -1 : 1
    return (labels) => sign * (Number(labels[key]) - Number(bound)) > 0
  }
  const compare = COMPARES.exec(text)
  if (compare === null) return undefined
  const [, key = '', operator, value] = compare
  return (labels) => (labels[key] === value) === (operator !== '!=')
}

function parseSet(text: string): LabelTest {
  const [, key = '', operator, list] = CONTAINS.exec(text) ?? []
  const values = list?.split(',').map((value) => value.trim()) ?? []
  if (list === undefined || !values.every((value) => new RegExp(`^${VALUE}$`).test(value))) {
    throw ApiError.badRequest(`unable to parse requirement: found '${text}'`)
  }
  return (labels) => {
    const value = labels[key]
    return (value !== undefined && values.includes(value)) === (operator === 'in')
  }
}

/** `metadata.name=x,status.phase!=Running`. 400 for a field this resource cannot be selected by. */
export function parseFieldSelector(text: string, resource: Resource): Predicate {
  if (text.trim() === '') return () => true
  const tests = text.split(',').map((part) => parseFieldTest(part.trim(), { text, resource }))
  return (object) => tests.every((test) => test(object))
}

function parseFieldTest(part: string, asked: { text: string; resource: Resource }): Predicate {
  const [, path, operator, value] = /^([^=!]+)(==|=|!=)([^=]*)$/.exec(part) ?? []
  if (path === undefined) {
    throw ApiError.badRequest(`invalid field selector: ${asked.text}; can't understand '${part}'`)
  }
  const known = ['metadata.name', 'metadata.namespace', ...asked.resource.fields]
  if (!known.includes(path)) {
    const name = `${apiVersionOf(asked.resource)}, Resource=${asked.resource.plural}`
    throw ApiError.badRequest(
      `Unable to find "${name}" that match label selector "", field selector "${asked.text}": field label not supported: ${path}`,
    )
  }
  return (object) => (readText(object, path) === value) === (operator !== '!=')
}
