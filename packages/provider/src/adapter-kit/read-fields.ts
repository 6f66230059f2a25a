import type { FieldError } from '@understudy/core'

/** What was read: a usable value, or every problem, each with a JSON pointer. */
export type Validated<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly errors: readonly FieldError[] }

/** The value of a document that was validated before it was stored, so that a problem is a bug. No message quotes a value. */
export function stored<T>(result: Validated<T>, cloud: string): T {
  if (result.ok) return result.value
  throw new Error(`the stored ${cloud} account is not valid: ${result.errors.map(({ pointer, message }) => `${pointer} ${message}`).join('; ')}`)
}

/** Notes a problem. No message quotes a value: it may be a secret. */
export type Fail = (pointer: string, message: string) => undefined
type Fields = Readonly<Record<string, unknown>>

export function validated<T>(read: (fail: Fail) => T | undefined): Validated<T> {
  const errors: FieldError[] = []
  const value = read((pointer, message) => void errors.push({ pointer, message }))
  return errors.length > 0 || value === undefined ? { ok: false, errors } : { ok: true, value }
}

/** A member that is read only when it was given. */
export function given<K extends string, V>(key: K, value: unknown, read: (value: unknown) => V | undefined): { readonly [P in K]?: V } {
  const result = value === undefined ? undefined : read(value)
  // An object with one computed key is typed with an index signature; it has exactly this member or none.
  return (result === undefined ? {} : { [key]: result }) as { readonly [P in K]?: V }
}

export const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)
export const isText = (value: unknown): value is string => typeof value === 'string' && value.trim() !== ''

export function readObject(value: unknown, at: string, known: readonly string[], fail: Fail): Fields | undefined {
  if (!isObject(value)) return fail(at, 'must be an object')
  for (const key of Object.keys(value)) if (!known.includes(key)) fail(`${at}/${key}`, `is not a known field; there are ${known.join(', ')}`)
  return value
}

export function readMembers<K extends string, V>(
  value: unknown,
  at: string,
  keys: readonly K[],
  read: (value: unknown, pointer: string, fail: Fail) => V | undefined,
  fail: Fail,
): { readonly [Key in K]?: V } | undefined {
  const fields = readObject(value, at, keys, fail)
  if (fields === undefined) return undefined
  const members: { [Key in K]?: V } = {}
  for (const key of keys) {
    const member = fields[key] === undefined ? undefined : read(fields[key], `${at}/${key}`, fail)
    if (member !== undefined) members[key] = member
  }
  return members
}

export function readUrl(value: unknown, pointer: string, fail: Fail): string | undefined {
  if (typeof value !== 'string' || !URL.canParse(value)) return fail(pointer, 'must be a URL')
  const { protocol, username, password } = new URL(value)
  if (protocol !== 'http:' && protocol !== 'https:') return fail(pointer, 'must start with http:// or https://')
  if (username !== '' || password !== '') return fail(pointer, 'must not contain credentials')
  return value
}

/** Where public keys are read from: what comes in clear from another machine proves nothing. */
export const isKeysUrl = (value: unknown): value is string => {
  if (typeof value !== 'string' || !URL.canParse(value)) return false
  const { protocol, hostname, username, password } = new URL(value)
  const isHere = hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname)
  return username === '' && password === '' && (protocol === 'https:' || (protocol === 'http:' && isHere))
}
export const keysUrlMessage = 'must be an address that starts with https://; plain http:// counts for this machine only'

const readPositive = (value: unknown, pointer: string, fail: Fail): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : fail(pointer, 'must be a number above 0')

/** A bucket that holds less than one token would let nothing through. */
function readBucket(value: unknown, pointer: string, fail: Fail): { readonly capacity: number; readonly refillPerSecond: number } | undefined {
  const fields = readObject(value, pointer, ['capacity', 'refillPerSecond'], fail)
  if (fields === undefined) return undefined
  const capacity = readPositive(fields['capacity'], `${pointer}/capacity`, fail)
  const refillPerSecond = readPositive(fields['refillPerSecond'], `${pointer}/refillPerSecond`, fail)
  if (capacity === undefined || refillPerSecond === undefined) return undefined
  return capacity < 1 ? fail(`${pointer}/capacity`, 'must be at least 1') : { capacity, refillPerSecond }
}

const stages = ['launch', 'start', 'resume', 'shift'] as const
const limitGroups = ['read', 'mutate', 'launch', 'start', 'snapshot', 'tag', 'traffic', 'blocks'] as const

/** `expectedSeconds` of an account's settings: how long the cloud takes, where it is known better than the adapter assumes. */
export const readExpectedSeconds = (value: unknown, fail: Fail) => readMembers(value, '/settings/expectedSeconds', stages, readPositive, fail)
/** `limits` of an account's settings: the token buckets of its calls. */
export const readLimits = (value: unknown, fail: Fail) => readMembers(value, '/settings/limits', limitGroups, readBucket, fail)
