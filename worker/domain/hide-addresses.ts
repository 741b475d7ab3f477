/** Addresses of the network are for token holders (behaviour, section 5): in any other text a number stands in their place. */

/** In JSON the last letter of an escape such as `\n`, or of a colour, belongs to no word. */
const AFTER_ESCAPE = String.raw`(?<=\\[bfnrt]|\\u[\da-f]{4}|\\u001b\[[\d;]*m)`
/** Not within a word or a longer number with dots: `v1.2.3.4.5` is no address. */
const IPV4 = new RegExp(
  String.raw`(?:(?<!\w|\d\.)|${AFTER_ESCAPE})\d{1,3}(?:\.\d{1,3}){3}(?!\w|\.\d)`,
  'gi',
)
const GROUPS = '[0-9a-f]{1,4}(?::[0-9a-f]{1,4})'
/** With `::`, or of all eight groups: a time of day such as 12:30:45 is neither. A word and a colon may stand before it. */
const IPV6 = new RegExp(
  String.raw`(?:(?<!\w|(?<!\w)[\da-f]{0,4}:)|${AFTER_ESCAPE})(?:${GROUPS}{7}|(?:${GROUPS}{0,6})?::(?:${GROUPS}{0,6})?)(?![\w:])`,
  'gi',
)

/**
 * Puts `address-1`, `address-2`, … in the place of each address, the same for the same address in all texts of one hider: so
 * a pod that is known by its address alone is still told apart. Texts may be JSON.
 */
export function makeAddressHider(): (text: string) => string {
  const names = new Map<string, string>()
  const nameOf = (address: string): string => {
    const name = names.get(address) ?? `address-${names.size + 1}`
    names.set(address, name)
    return name
  }
  return (text) => text.replaceAll(IPV4, nameOf).replaceAll(IPV6, nameOf)
}
