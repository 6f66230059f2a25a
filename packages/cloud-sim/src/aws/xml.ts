/** What the XML renderer takes. Arrays become a wrapper with repeated items; `undefined` is left out. */
export type Xml = string | number | boolean | Date | undefined | readonly Xml[] | { readonly [tag: string]: Xml }

/** EC2 repeats `<item>`, the other Query services `<member>`. */
export type ItemTag = 'item' | 'member'

/** The members of `value` as XML, without an outer element. */
export function renderXml(value: { readonly [tag: string]: Xml }, itemTag: ItemTag): string {
  let out = ''
  for (const tag in value) out += element(tag, value[tag], itemTag)
  return out
}

function element(tag: string, value: Xml, itemTag: ItemTag): string {
  if (value === undefined) return ''
  if (typeof value === 'string') return `<${tag}>${escapeXml(value)}</${tag}>`
  if (typeof value === 'number' || typeof value === 'boolean') return `<${tag}>${value}</${tag}>`
  if (value instanceof Date) return `<${tag}>${value.toISOString()}</${tag}>`
  if (Array.isArray(value)) {
    const items = value as readonly Xml[]
    if (items.length === 0) return `<${tag}/>`
    let out = `<${tag}>`
    for (const item of items) out += element(itemTag, item, itemTag)
    return `${out}</${tag}>`
  }
  return `<${tag}>${renderXml(value as { readonly [tag: string]: Xml }, itemTag)}</${tag}>`
}

// oxlint-disable-next-line no-control-regex -- control characters are exactly what it has to find
const special = /[&<>"'\u0000-\u0008\u000b\u000c\u000e-\u001f]/
const specials = new RegExp(special, 'g')
const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' }

/** Control characters have no form in XML 1.0 at all; they become a replacement mark rather than a document nobody can parse. */
export const escapeXml = (text: string): string => (special.test(text) ? text.replaceAll(specials, (char) => entities[char] ?? '\ufffd') : text)
