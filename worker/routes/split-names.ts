/** Names as queries carry them: separated by commas, blanks around them ignored, repeats once. */
export function splitNames(lists: string[]): string[] {
  const names = lists.flatMap((list) => list.split(',')).map((name) => name.trim())
  return [...new Set(names.filter((name) => name !== ''))]
}
