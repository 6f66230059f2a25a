import type { Labels } from '@understudy/core'
import { providerError } from '@understudy/provider'
import { clonedTagsWithin } from '@understudy/provider/adapter-kit'

/**
 * Tags of the port are any text; Google's labels are at most 63 of `a-z0-9_-`, keys beginning with a letter. What does not fit
 * is written as `_` and two hexadecimal digits per byte, and a key that would begin otherwise gets `x-` in front. What a
 * person has labelled and reads the same either way stays as it is.
 */
const plain = /^[a-z0-9_-]*$/
const maxLength = 63
const keyStart = 'x-'

const escapeText = (text: string): string =>
  [...Buffer.from(text)].map((byte) => (/[a-z0-9-]/.test(String.fromCharCode(byte)) ? String.fromCharCode(byte) : hexOf(byte))).join('')
const hexOf = (byte: number): string => `_${byte.toString(16).padStart(2, '0')}`
const escapeKey = (key: string): string => {
  const escaped = escapeText(key)
  return /^[a-z]/.test(escaped) ? escaped : `${keyStart}${escaped}`
}

function unescapeText(label: string): string | undefined {
  const bytes: number[] = []
  for (let index = 0; index < label.length; index++) {
    if (label[index] !== '_') bytes.push(label.charCodeAt(index))
    else {
      const hex = label.slice(index + 1, index + 3)
      if (!/^[0-9a-f]{2}$/.test(hex)) return undefined
      bytes.push(Number.parseInt(hex, 16))
      index += 2
    }
  }
  const text = Buffer.from(bytes).toString()
  return escapeText(text) === label ? text : undefined
}

const readValue = (label: string): string => unescapeText(label) ?? label
function readKey(label: string): string {
  if (label.startsWith(keyStart)) {
    const rest = unescapeText(label.slice(keyStart.length))
    if (rest !== undefined && escapeKey(rest) === label) return rest
  }
  return unescapeText(label) ?? label
}

function written(what: string, text: string, label: string, readAgain: (label: string) => string): string {
  if (label.length > maxLength || readAgain(label) !== text) {
    throw providerError('invalid', 'InvalidLabel', `The tag ${what} ${JSON.stringify(text)} does not fit into a label of ${maxLength} characters.`)
  }
  return label
}

export const writeKey = (key: string): string =>
  written('key', key, plain.test(key) && /^[a-z]/.test(key) && readKey(key) === key ? key : escapeKey(key), readKey)
export const writeValue = (value: string): string =>
  written('value', value, plain.test(value) && readValue(value) === value ? value : escapeText(value), readValue)

export const readLabels = (labels: { readonly [key: string]: string } | null | undefined): Labels =>
  Object.fromEntries(Object.entries(labels ?? {}).map(([key, value]) => [readKey(key), readValue(value)]))
export const writeLabels = (tags: Labels): Record<string, string> =>
  Object.fromEntries(Object.entries(tags).map(([key, value]) => [writeKey(key), writeValue(value)]))

/** The name that people see. */
export const nameTag = 'understudy:name'
/** Hash of what an instance was asked to be: a key that comes again with other wishes is refused. */
export const wishTag = 'understudy:wish'

/** Google takes at most 64 labels on one thing. */
const maxLabels = 64

/** The source's tags on a clone of it, as many as Google takes beside `added`. */
export const clonedTags = (source: Labels, added: Labels): Labels => clonedTagsWithin(source, added, { tagsMax: maxLabels, reservedPrefix: 'goog-' })

/** As much of a name for people as a label can hold. */
export function fittingName(name: string): string {
  let kept = name
  while (escapeText(kept).length > maxLength) kept = kept.slice(0, -1)
  return kept
}

/** Google's filter language. What a label holds needs no escaping: its alphabet has no quotation mark. */
export const labelFilter = (tags: Readonly<Record<string, string>>): string =>
  Object.entries(tags)
    .map(([key, value]) => `(labels.${writeKey(key)}="${writeValue(value)}")`)
    .join(' AND ')
