/** Cuts a text to so many bytes of UTF-8, at a character's end, with … where something is missing. */
export function cutText(text: string, maxBytes: number): string {
  if (text.length * 3 <= maxBytes) return text
  if (new TextEncoder().encode(text).length <= maxBytes) return text
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(maxBytes - 3))
  return `${text.slice(0, read)}…`
}
