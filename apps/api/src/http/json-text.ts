import { AppError } from '@understudy/core'

const depthMax = 64

/**
 * Reads JSON that can also be stored: refuses what the language accepts but a database or our own canonical form does not
 * (NUL, unpaired surrogates, numbers beyond a double, nesting that would exhaust the stack, a key named `__proto__`).
 */
export function parseJsonText(text: string): unknown {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new AppError('malformed_json', 'The body is not JSON. Check quotes, commas and braces.', { cause })
  }
  refuseUnstorable(value)
  return value
}

function refuseUnstorable(root: unknown): void {
  const open: { value: unknown; pointer: string; depth: number }[] = [{ value: root, pointer: '', depth: 0 }]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, pointer, depth } = next
    if (typeof value === 'string') refuseText(value, pointer)
    else if (typeof value === 'number' && !Number.isFinite(value)) throw refusal(pointer, 'is a number that cannot be represented')
    else if (typeof value === 'object' && value !== null) {
      if (depth >= depthMax) throw refusal(pointer, `is nested more than ${depthMax} levels deep`)
      for (const [key, member] of Object.entries(value)) {
        const memberPointer = `${pointer}/${escapePointer(key)}`
        if (key === '__proto__') throw refusal(pointer, 'has a member named __proto__')
        refuseText(key, pointer)
        open.push({ value: member, pointer: memberPointer, depth: depth + 1 })
      }
    }
  }
}

function refuseText(text: string, pointer: string): void {
  if (text.includes('\u0000')) throw refusal(pointer, 'holds a NUL character')
  if (!text.isWellFormed()) throw refusal(pointer, 'holds half of a surrogate pair')
}

const refusal = (pointer: string, message: string): AppError =>
  new AppError('invalid_request', `The body holds something that cannot be stored: ${pointer === '' ? 'it' : pointer} ${message}.`, {
    errors: [{ pointer, message }],
  })

/** RFC 6901. */
export const escapePointer = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1')
