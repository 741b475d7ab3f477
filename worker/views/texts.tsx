/** Texts that come from services: kept as they are, with their line breaks; a link only where the whole is an address. */

export function Guide({ text }: { text: string }) {
  if (!isWebAddress(text)) return <span class="text">{text}</span>
  return (
    <a href={text} rel="noopener noreferrer">
      {text}
    </a>
  )
}

/** A row of a <dl>; nothing where there is nothing to say. */
export function Fact({ name, text }: { name: string; text: string | undefined }) {
  if (text === undefined || text === '') return <></>
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <Guide text={text} />
      </dd>
    </div>
  )
}

function isWebAddress(text: string): boolean {
  return /^https?:\/\/\S+$/i.test(text) && URL.canParse(text)
}
