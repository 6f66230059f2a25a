import type { FieldError } from '@understudy/core'
import type { GcpAccountSettings, GcpCredentials } from './settings.ts'

/** What was read: a usable value, or every problem, each with a JSON pointer. */
export type Validated<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly errors: readonly FieldError[] }

type Fail = (pointer: string, message: string) => undefined
type Fields = Readonly<Record<string, unknown>>

const stages = ['launch', 'start', 'resume', 'shift'] as const
const limitGroups = ['read', 'mutate', 'launch', 'start', 'snapshot', 'tag', 'traffic'] as const

/** Checks the part of an account that is not secret. */
export function validateGcpSettings(document: unknown): Validated<GcpAccountSettings> {
  return validated((fail) => {
    const fields = readObject(document, '/settings', ['endpoint', 'expectedSeconds', 'limits'], fail)
    if (fields === undefined) return undefined
    const { endpoint, expectedSeconds, limits } = fields
    const url = endpoint === undefined ? undefined : readUrl(endpoint, fail)
    const seconds = expectedSeconds === undefined ? undefined : readMembers(expectedSeconds, '/settings/expectedSeconds', stages, readPositive, fail)
    const buckets = limits === undefined ? undefined : readMembers(limits, '/settings/limits', limitGroups, readBucket, fail)
    return {
      ...(url === undefined ? {} : { endpoint: url }),
      ...(seconds === undefined ? {} : { expectedSeconds: seconds }),
      ...(buckets === undefined ? {} : { limits: buckets }),
    }
  })
}

/** Checks the secret part. No message quotes a value. */
export function validateGcpCredentials(document: unknown): Validated<GcpCredentials> {
  return validated((fail) => {
    if (!isObject(document)) return fail('/credentials', 'must be an object')
    if ('source' in document) {
      readObject(document, '/credentials', ['source'], fail)
      return document['source'] === 'default-chain' ? 'default-chain' : fail('/credentials/source', 'must be default-chain')
    }
    if ('accessToken' in document) {
      readObject(document, '/credentials', ['accessToken'], fail)
      const { accessToken } = document
      return isText(accessToken) ? { accessToken } : fail('/credentials/accessToken', 'must be a text that is not empty')
    }
    // The file as it was downloaded has more fields; whoever pastes it whole has done nothing wrong.
    const { client_email: clientEmail, private_key: privateKey } = document
    const isEmail = isText(clientEmail) && clientEmail.includes('@')
    if (!isEmail) fail('/credentials/client_email', 'must be the e-mail address of a service account')
    const isKey = isText(privateKey) && privateKey.includes('PRIVATE KEY')
    if (!isKey) fail('/credentials/private_key', 'must be a private key in PEM form')
    return isEmail && isKey ? { clientEmail, privateKey } : undefined
  })
}

function validated<T>(read: (fail: Fail) => T | undefined): Validated<T> {
  const errors: FieldError[] = []
  const value = read((pointer, message) => void errors.push({ pointer, message }))
  return errors.length > 0 || value === undefined ? { ok: false, errors } : { ok: true, value }
}

const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)
const isText = (value: unknown): value is string => typeof value === 'string' && value.trim() !== ''

function readObject(value: unknown, at: string, known: readonly string[], fail: Fail): Fields | undefined {
  if (!isObject(value)) return fail(at, 'must be an object')
  for (const key of Object.keys(value)) if (!known.includes(key)) fail(`${at}/${key}`, `is not a known field; there are ${known.join(', ')}`)
  return value
}

function readMembers<K extends string, V>(
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

function readUrl(value: unknown, fail: Fail): string | undefined {
  const pointer = '/settings/endpoint'
  if (typeof value !== 'string' || !URL.canParse(value)) return fail(pointer, 'must be a URL')
  const { protocol, username, password, pathname } = new URL(value)
  if (protocol !== 'http:' && protocol !== 'https:') return fail(pointer, 'must start with http:// or https://')
  if (username !== '' || password !== '') return fail(pointer, 'must not contain credentials')
  if (pathname !== '/') return fail(pointer, 'must be a host and a port only: the SDK takes no path')
  return value
}

const isPositive = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value) && value > 0
const readPositive = (value: unknown, pointer: string, fail: Fail): number | undefined =>
  isPositive(value) ? value : fail(pointer, 'must be a number above 0')

function readBucket(value: unknown, pointer: string, fail: Fail): { readonly capacity: number; readonly refillPerSecond: number } | undefined {
  const fields = readObject(value, pointer, ['capacity', 'refillPerSecond'], fail)
  if (fields === undefined) return undefined
  const { capacity, refillPerSecond } = fields
  if (!isPositive(capacity)) return fail(`${pointer}/capacity`, 'must be a number above 0')
  return isPositive(refillPerSecond) ? { capacity, refillPerSecond } : fail(`${pointer}/refillPerSecond`, 'must be a number above 0')
}
