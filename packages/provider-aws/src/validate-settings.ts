import type { FieldError } from '@understudy/core'
import type { AwsAccountSettings, AwsCredentials } from './settings.ts'

/** What was read: a usable value, or every problem, each with a JSON pointer. */
export type Validated<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly errors: readonly FieldError[] }

type Fail = (pointer: string, message: string) => undefined
type Fields = Readonly<Record<string, unknown>>

const services = ['ec2', 'elbv2', 'sqs', 'sts'] as const
const stages = ['launch', 'start', 'resume', 'shift'] as const
const limitGroups = ['read', 'mutate', 'launch', 'start', 'snapshot', 'tag', 'traffic'] as const

/** Checks the part of an account that is not secret. */
export function validateAwsSettings(document: unknown): Validated<AwsAccountSettings> {
  return validated((fail) => {
    const fields = readObject(document, '/settings', ['endpoint', 'endpoints', 'eventsQueueUrl', 'expectedSeconds', 'limits'], fail)
    if (fields === undefined) return undefined
    const { endpoint, endpoints, eventsQueueUrl, expectedSeconds, limits } = fields
    return {
      ...given('endpoint', endpoint, (value) => readUrl(value, '/settings/endpoint', fail)),
      ...given('endpoints', endpoints, (value) => readMembers(value, '/settings/endpoints', services, readUrl, fail)),
      ...given('eventsQueueUrl', eventsQueueUrl, (value) => readUrl(value, '/settings/eventsQueueUrl', fail)),
      ...given('expectedSeconds', expectedSeconds, (value) => readMembers(value, '/settings/expectedSeconds', stages, readPositive, fail)),
      ...given('limits', limits, (value) => readMembers(value, '/settings/limits', limitGroups, readBucket, fail)),
    }
  })
}

/** Checks the secret part: an access key pair, or `{ "source": "default-chain" }` for the machine's own role or environment. */
export function validateAwsCredentials(document: unknown): Validated<AwsCredentials | 'default-chain'> {
  return validated((fail) => {
    if (isObject(document) && 'source' in document) {
      readObject(document, '/credentials', ['source'], fail)
      return document['source'] === 'default-chain' ? 'default-chain' : fail('/credentials/source', 'must be default-chain')
    }
    const fields = readObject(document, '/credentials', ['accessKeyId', 'secretAccessKey', 'sessionToken'], fail)
    if (fields === undefined) return undefined
    const { accessKeyId, secretAccessKey, sessionToken } = fields
    const isKeyId = typeof accessKeyId === 'string' && /^\w{4,128}$/.test(accessKeyId)
    if (!isKeyId) fail('/credentials/accessKeyId', 'must be 4 to 128 letters and digits')
    const isSecret = typeof secretAccessKey === 'string' && secretAccessKey.trim() !== ''
    if (!isSecret) fail('/credentials/secretAccessKey', 'must be a text that is not empty')
    const isToken = sessionToken === undefined || (typeof sessionToken === 'string' && sessionToken !== '')
    if (!isToken) fail('/credentials/sessionToken', 'must be a text that is not empty')
    if (!isKeyId || !isSecret || !isToken) return undefined
    return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) }
  })
}

function validated<T>(read: (fail: Fail) => T | undefined): Validated<T> {
  const errors: FieldError[] = []
  const value = read((pointer, message) => void errors.push({ pointer, message }))
  return errors.length > 0 || value === undefined ? { ok: false, errors } : { ok: true, value }
}

/** A member that is read only when it was given. */
function given<K extends string, V>(key: K, value: unknown, read: (value: unknown) => V | undefined): { readonly [P in K]?: V } {
  const result = value === undefined ? undefined : read(value)
  // An object with one computed key is typed with an index signature; it has exactly this member or none.
  return (result === undefined ? {} : { [key]: result }) as { readonly [P in K]?: V }
}

const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)

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

function readUrl(value: unknown, pointer: string, fail: Fail): string | undefined {
  if (typeof value !== 'string' || !URL.canParse(value)) return fail(pointer, 'must be a URL')
  const { protocol, username, password } = new URL(value)
  if (protocol !== 'http:' && protocol !== 'https:') return fail(pointer, 'must start with http:// or https://')
  if (username !== '' || password !== '') return fail(pointer, 'must not contain credentials')
  return value
}

const readPositive = (value: unknown, pointer: string, fail: Fail): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : fail(pointer, 'must be a number above 0')

function readBucket(value: unknown, pointer: string, fail: Fail): { readonly capacity: number; readonly refillPerSecond: number } | undefined {
  const fields = readObject(value, pointer, ['capacity', 'refillPerSecond'], fail)
  if (fields === undefined) return undefined
  const capacity = readPositive(fields['capacity'], `${pointer}/capacity`, fail)
  const refillPerSecond = readPositive(fields['refillPerSecond'], `${pointer}/refillPerSecond`, fail)
  if (capacity === undefined || refillPerSecond === undefined) return undefined
  return capacity < 1 ? fail(`${pointer}/capacity`, 'must be at least 1') : { capacity, refillPerSecond }
}
