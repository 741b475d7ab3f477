/**
 * The names of a query's or a form's parameters: which one is a known name that is spelled wrong. `?checks=kubelet` would
 * otherwise be ignored, and the answer would be about something else than was asked. The edge and the node use it.
 */

/** What is wrong about one parameter. */
export interface Misspelling {
  /** As it was sent; from outside, so it is cut, and never in the text of `__gtg`. */
  name: string
  /** The known name. */
  meant: string
}

export interface ReadNames {
  /** The first that is spelled wrong; null: none is. */
  misspelled: Misspelling | null
  /** How many parameters mean nothing here. Any other name is let through: probers add names of their own. */
  ignored: number
}

const NAME_MAX = 64
/** Edits by which a name may differ from a known one of so many letters: two edits make `check` into `click` or `clock`. */
const EDITS = [
  { fromLetters: 8, edits: 2 },
  { fromLetters: 5, edits: 1 },
]
/** `checkId` and `category-name` mean `check` and `categories`. */
const SUFFIX = /-(?:name|id)s?$/

/**
 * `guarded`: a name that plainly means one of these is wrong. `free`: known names; names similar to them are not refused,
 * because probers make names such as `nocache` to keep caches away, and no verdict depends on them.
 */
export function readNames(
  names: Iterable<string>,
  { guarded, free = [] }: { guarded: readonly string[]; free?: readonly string[] },
): ReadNames {
  const known = new Set([...guarded, ...free])
  const unknown = [...new Set(names)].filter((name) => !known.has(name))
  const [misspelled = null] = unknown.flatMap((name): Misspelling[] => {
    const meant = guarded.find((one) => isMeant(one, name))
    return meant === undefined ? [] : [{ name: cut(name), meant }]
  })
  return { misspelled, ignored: unknown.length }
}

function cut(name: string): string {
  return name.length > NAME_MAX ? `${name.slice(0, NAME_MAX).toWellFormed()}…` : name
}

function isMeant(known: string, name: string): boolean {
  const word = wordOf(name)
  const words = SUFFIX.test(known) ? [word] : [word, word.replace(SUFFIX, '')]
  const forms = known.endsWith('ies') ? [known, `${known.slice(0, -3)}y`] : [known]
  return forms.some((form) => words.some((one) => isAlike(form, one)))
}

/**
 * In the spelling of known names: `serviceName` and `Service_Name` are `service-name`, but `checkId` is `check-id`. Without what
 * a copy from HTML puts before a name, and an array or a missing `=` behind it: `amp;check`, `check[0]`, `check:kubelet`.
 */
function wordOf(name: string): string {
  const [word = ''] = name.replace(/^amp;/i, '').split(/[[:=]/)
  const kebab = word.trim().replaceAll(/(?<=[a-z])(?=[A-Z])/g, '-')
  return kebab.replaceAll(/[_. ]/g, '-').toLowerCase()
}

/** Or its plural. */
function isAlike(known: string, word: string): boolean {
  const letters = known.replaceAll('-', '').length
  const edits = EDITS.find(({ fromLetters }) => letters >= fromLetters)?.edits ?? 0
  // A second edit beside a wrong first letter makes another word: `buster` isn't `cluster`.
  const most = known[0] === word[0] ? edits : Math.min(edits, 1)
  return [known, `${known}s`].some((form) => isWithin(most, form, word))
}

/** Edits: a letter added, left out or replaced, or two neighbours swapped. */
function isWithin(edits: number, a: string, b: string): boolean {
  if (a === b) return true
  if (edits === 0 || Math.abs(a.length - b.length) > edits) return false
  let start = 0
  while (a[start] === b[start]) start += 1
  const [restA, restB] = [a.slice(start), b.slice(start)]
  const isSwapped = restA[0] === restB[1] && restA[1] === restB[0]
  const isNear = (ofA: number, ofB: number) =>
    isWithin(edits - 1, restA.slice(ofA), restB.slice(ofB))
  return isNear(1, 1) || isNear(1, 0) || isNear(0, 1) || (isSwapped && isNear(2, 2))
}
