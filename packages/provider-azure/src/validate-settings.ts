import type { FieldError, JsonObject } from '@understudy/core'
import { isKeysUrl, isObject, isText, keysUrlMessage, readExpectedSeconds, readLimits } from '@understudy/provider/adapter-kit'
import type { Validated } from '@understudy/provider/adapter-kit'
import type { AzureAccountSettings, AzureCredentials } from './settings.ts'

type Check = (value: unknown) => boolean
const isUuid: Check = (value) => typeof value === 'string' && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value)
const isGroup: Check = (value) => typeof value === 'string' && /^[\w.()-]{1,89}[\w()-]$|^[\w()-]$/.test(value)
const isHttps: Check = (value) => {
  if (typeof value !== 'string' || !URL.canParse(value)) return false
  const { protocol, username, password, pathname } = new URL(value)
  return protocol === 'https:' && username === '' && password === '' && pathname === '/'
}
const isPem: Check = (value) => typeof value === 'string' && value.includes('-----BEGIN CERTIFICATE-----')

interface Field {
  readonly check: Check
  readonly message: string
  readonly optional?: boolean
}
const uuid: Field = { check: isUuid, message: 'must be a UUID' }
const https: Field = { check: isHttps, message: 'must be an address that starts with https://, without a path or credentials', optional: true }

const pushFields: Readonly<Record<string, Field>> = {
  tenantId: uuid,
  audience: { check: isText, message: 'must be the application id or the URI that the subscription names as its audience' },
  application: { ...uuid, optional: true },
  issuer: { check: isText, message: 'must be a text that is not empty', optional: true },
  keysUrl: { check: isKeysUrl, message: keysUrlMessage, optional: true },
}
const settingsFields: Readonly<Record<string, Field>> = {
  resourceGroup: { check: isGroup, message: 'must be the name of a resource group' },
  endpoint: https,
  authority: https,
  push: { check: isObject, message: 'must be an object', optional: true },
  certificateAuthority: { check: isPem, message: 'must be a certificate in PEM', optional: true },
  // Read by the functions that every adapter reads them with.
  expectedSeconds: { check: () => true, message: '', optional: true },
  limits: { check: () => true, message: '', optional: true },
}
const credentialFields: Readonly<Record<AzureCredentials['source'], Readonly<Record<string, Field>>>> = {
  'client-secret': { tenantId: uuid, clientId: uuid, clientSecret: { check: isText, message: 'must be a text that is not empty' } },
  'workload-identity': { tenantId: uuid, clientId: uuid },
  'managed-identity': { clientId: { ...uuid, optional: true } },
}

/** Checks the part of an account that is not secret. */
export function readSettings(document: JsonObject): Validated<AzureAccountSettings> {
  const { push, expectedSeconds, limits } = document
  const errors: FieldError[] = []
  const fail = (pointer: string, message: string): undefined => void errors.push({ pointer, message })
  if (expectedSeconds !== undefined) readExpectedSeconds(expectedSeconds, fail)
  if (limits !== undefined) readLimits(limits, fail)
  errors.push(
    ...problems(document, '/settings', settingsFields),
    ...(isObject(push) ? problems(push as JsonObject, '/settings/push', pushFields) : []), // JSON, being part of a JSON document
  )
  return errors.length > 0 ? { ok: false, errors } : { ok: true, value: document as unknown as AzureAccountSettings } // every member was just checked
}

/** Checks the secret part. */
export function readCredentials(document: JsonObject): Validated<AzureCredentials> {
  const source = document['source']
  if (typeof source !== 'string' || !Object.hasOwn(credentialFields, source)) {
    return { ok: false, errors: [{ pointer: '/credentials/source', message: `must be one of ${Object.keys(credentialFields).join(', ')}` }] }
  }
  const { source: _source, ...members } = document
  const errors = problems(members, '/credentials', credentialFields[source as AzureCredentials['source']]) // as just checked
  return errors.length > 0 ? { ok: false, errors } : { ok: true, value: document as unknown as AzureCredentials } // every member was just checked
}

function problems(document: JsonObject, at: string, fields: Readonly<Record<string, Field>>): FieldError[] {
  const unknown = Object.keys(document).filter((key) => !Object.hasOwn(fields, key))
  const known = Object.keys(fields).join(', ')
  return [
    ...unknown.map((key) => ({ pointer: `${at}/${key}`, message: `is not a known field; there are ${known}` })),
    ...Object.entries(fields)
      .filter(([key, { check, optional }]) => (document[key] === undefined ? optional !== true : !check(document[key])))
      .map(([key, { message }]) => ({ pointer: `${at}/${key}`, message })),
  ]
}

/** Azure's own clouds: the public one, the United States government's, and China's. */
const azureHosts: Readonly<Record<'endpoint' | 'authority', readonly string[]>> = {
  endpoint: ['management.azure.com', 'management.usgovcloudapi.net', 'management.chinacloudapi.cn'],
  authority: ['login.microsoftonline.com', 'login.microsoftonline.us', 'login.partner.microsoftonline.cn', 'login.chinacloudapi.cn'],
}

/**
 * The identity of the machine or the pod this runs on is the installation's, not the account's: its token must not be carried to an
 * address that whoever entered the account has chosen.
 */
export function borrowedIdentityErrors(settings: JsonObject, credentials: JsonObject): FieldError[] {
  if (credentials['source'] !== 'managed-identity' && credentials['source'] !== 'workload-identity') return []
  return (['endpoint', 'authority'] as const).flatMap((key) => {
    const value = settings[key]
    if (typeof value !== 'string' || !URL.canParse(value)) return []
    const { host } = new URL(value)
    if (azureHosts[key].includes(host)) return []
    return [{ pointer: `/settings/${key}`, message: `must be one of Azure's own with this source of credentials: ${azureHosts[key].join(', ')}` }]
  })
}
