import type { Clock, FieldError, Random } from '@understudy/core'
import type { Scope, Traits } from '@understudy/provider'

export interface AwsCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

/** What a person configures for one AWS account in one region. */
export interface AwsAccountSettings {
  readonly credentials: AwsCredentials | 'default-chain'
  /** Replaces AWS's own address for all services: another EC2-compatible cloud, a proxy, a simulated region. */
  readonly endpoint?: string
  readonly endpoints?: { readonly ec2?: string; readonly elbv2?: string; readonly sqs?: string; readonly sts?: string }
  /** SQS queue that EventBridge rules send instance events to. Without it, events have to come in by HTTP. */
  readonly eventsQueueUrl?: string
}

/** Everything the adapter needs. */
export interface AwsSettings extends AwsAccountSettings {
  readonly scope: { readonly account: string; readonly region: string }
  /** Name of this installation; written on everything created, and sent in the user agent. */
  readonly installation: string
  readonly clock: Clock
  readonly random: Random
  readonly expectedSeconds?: Partial<Traits['expectedSeconds']>
  readonly limits?: Partial<Traits['limits']>
}

export const providerName = 'aws'
export const scopeOf = (settings: Pick<AwsSettings, 'scope'>): Scope => ({
  provider: providerName,
  account: settings.scope.account,
  region: settings.scope.region,
})

/** Checks what a person typed. Every problem is reported, each with a JSON pointer into the document. */
export function validateAwsSettings(
  document: unknown,
): { readonly ok: true; readonly settings: AwsAccountSettings } | { readonly ok: false; readonly errors: readonly FieldError[] } {
  const errors: FieldError[] = []
  const fail = (pointer: string, message: string): undefined => void errors.push({ pointer, message })
  if (!isObject(document)) return { ok: false, errors: [{ pointer: '', message: 'must be an object' }] }
  refuseUnknown(document, ['credentials', 'endpoint', 'endpoints', 'eventsQueueUrl'], '', fail)

  const credentials = readCredentials(document['credentials'], fail)
  const endpoint = readUrl(document['endpoint'], '/endpoint', fail)
  const eventsQueueUrl = readUrl(document['eventsQueueUrl'], '/eventsQueueUrl', fail)
  const endpoints = readEndpoints(document['endpoints'], fail)
  if (errors.length > 0 || credentials === undefined) return { ok: false, errors }
  return {
    ok: true,
    settings: {
      credentials,
      ...(endpoint === undefined ? {} : { endpoint }),
      ...(endpoints === undefined ? {} : { endpoints }),
      ...(eventsQueueUrl === undefined ? {} : { eventsQueueUrl }),
    },
  }
}

type Fail = (pointer: string, message: string) => undefined
type Fields = Readonly<Record<string, unknown>>
const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)

function refuseUnknown(fields: Fields, known: readonly string[], at: string, fail: Fail): void {
  for (const key of Object.keys(fields)) if (!known.includes(key)) fail(`${at}/${key}`, 'is not a known field')
}

function readCredentials(value: unknown, fail: Fail): AwsAccountSettings['credentials'] | undefined {
  if (value === 'default-chain') return value
  if (!isObject(value)) return fail('/credentials', "must be an access key pair or 'default-chain'")
  refuseUnknown(value, ['accessKeyId', 'secretAccessKey', 'sessionToken'], '/credentials', fail)
  const { accessKeyId, secretAccessKey, sessionToken } = value
  if (typeof accessKeyId !== 'string' || !/^\w{4,128}$/.test(accessKeyId))
    return fail('/credentials/accessKeyId', 'must be 4 to 128 letters and digits')
  if (typeof secretAccessKey !== 'string' || secretAccessKey.trim() === '') return fail('/credentials/secretAccessKey', 'must not be empty')
  if (sessionToken === undefined) return { accessKeyId, secretAccessKey }
  if (typeof sessionToken !== 'string' || sessionToken === '') return fail('/credentials/sessionToken', 'must not be empty')
  return { accessKeyId, secretAccessKey, sessionToken }
}

function readEndpoints(value: unknown, fail: Fail): AwsAccountSettings['endpoints'] {
  if (value === undefined) return undefined
  if (!isObject(value)) return fail('/endpoints', 'must be an object')
  const services = ['ec2', 'elbv2', 'sqs', 'sts'] as const
  refuseUnknown(value, services, '/endpoints', fail)
  const endpoints: { -readonly [Service in (typeof services)[number]]?: string } = {}
  for (const service of services) {
    const url = readUrl(value[service], `/endpoints/${service}`, fail)
    if (url !== undefined) endpoints[service] = url
  }
  return endpoints
}

function readUrl(value: unknown, pointer: string, fail: Fail): string | undefined {
  if (value === undefined) return undefined
  if (typeof value !== 'string' || !URL.canParse(value)) return fail(pointer, 'must be a URL')
  const { protocol, username, password } = new URL(value)
  if (protocol !== 'http:' && protocol !== 'https:') return fail(pointer, 'must start with http:// or https://')
  if (username !== '' || password !== '') return fail(pointer, 'must not contain credentials')
  return value
}
