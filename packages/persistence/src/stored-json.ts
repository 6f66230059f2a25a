import type { Json } from '@understudy/core'
import { Prisma } from './generated/client.ts'

/**
 * JSON text that PostgreSQL takes: it has no NUL character and no half of a surrogate pair, and both arrive in documents that other
 * people's systems send. They become U+FFFD, the character that stands for an unreadable one.
 */
export function jsonText(value: unknown): string {
  const text = JSON.stringify(value)
  return hasUnstorable(text) ? JSON.stringify(mended(JSON.parse(text) as Json)) : text
}

/** The value as it will be read back, for those who hash it before it is written. */
export function storable<Value extends Json>(value: Value): Value {
  const text = JSON.stringify(value)
  // The mended value has the shape of the value: only characters of its texts change.
  return hasUnstorable(text) ? (mended(JSON.parse(text) as Json) as Value) : value
}

/** May also be true for a text that spells such an escape: then mending changes nothing. */
const hasUnstorable = (text: string): boolean => /\\u0000|\\ud[89a-f]/i.test(text)

function mended(value: Json): Json {
  if (typeof value === 'string') return value.toWellFormed().replaceAll('\0', '\uFFFD')
  if (Array.isArray(value)) return value.map((item: Json) => mended(item))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, member]) => (member === undefined ? [] : [[String(mended(key)), mended(member)] as const])),
  )
}

/** For a column that always holds JSON: `null` is the JSON null. */
export const jsonColumn = (value: unknown): Prisma.InputJsonValue | typeof Prisma.JsonNull =>
  value === null || value === undefined ? Prisma.JsonNull : (value as Prisma.InputJsonValue) // readonly arrays and objects are JSON too

/** For a column that may hold nothing. */
export const optionalJsonColumn = (value: unknown): Prisma.InputJsonValue | typeof Prisma.DbNull =>
  value === undefined ? Prisma.DbNull : (value as Prisma.InputJsonValue) // as above
