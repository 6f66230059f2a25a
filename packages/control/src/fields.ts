import { AppError } from '@understudy/core'
import type { FieldError } from '@understudy/core'

/** Throws `invalid_request` when anything was found, naming every field. */
export function refuseInvalid(errors: readonly FieldError[]): void {
  if (errors.length === 0) return
  const [first] = errors
  const message =
    errors.length === 1 && first !== undefined
      ? `${first.pointer} ${lowerFirst(first.message)}`
      : `${errors.length} fields are not valid. See errors.`
  throw new AppError('invalid_request', message, { errors })
}

/** A text for people: not blank, one line, at most `max` characters. */
export function textErrors(pointer: string, value: string | undefined, max: number): FieldError[] {
  if (value === undefined) return []
  if (value.trim() === '') return [{ pointer, message: 'must not be blank' }]
  if (value.length > max) return [{ pointer, message: `must have at most ${max} characters` }]
  // oxlint-disable-next-line no-control-regex -- control characters are exactly what is refused
  return /[\u0000-\u001f\u007f]/.test(value) ? [{ pointer, message: 'must not contain control characters' }] : []
}

/** Free labels: at most 50, keys of at most 128 characters, values of at most 256. */
export function labelErrors(pointer: string, labels: Readonly<Record<string, string>> | undefined): FieldError[] {
  if (labels === undefined) return []
  const entries = Object.entries(labels)
  if (entries.length > 50) return [{ pointer, message: 'must have at most 50 labels' }]
  return entries.flatMap(([key, value]) => [
    ...textErrors(`${pointer}/${escapePointer(key)}`, key, 128),
    ...(value.length > 256 ? [{ pointer: `${pointer}/${escapePointer(key)}`, message: 'must have at most 256 characters' }] : []),
  ])
}

/** One member's name inside a JSON pointer (RFC 6901). */
export const escapePointer = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1')

const lowerFirst = (text: string): string => text.slice(0, 1).toLowerCase() + text.slice(1)
