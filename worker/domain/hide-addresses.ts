/** Addresses of the network are for token holders (behaviour, section 5): in any other text a number stands in their place. */

/** Not within a word or a longer number with dots: `v1.2.3.4.5` is no address. */
const IPV4 = /(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?!\w|\.\d)/g
/** With `::`, or of all eight groups: a time of day such as 12:30:45 is neither. */
const IPV6 =
  /(?<![\w:])(?:(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}|(?:[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){0,6})?::(?:[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){0,6})?)(?![\w:])/gi

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
