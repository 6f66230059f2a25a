import type { Json, JsonObject } from '@understudy/core'
import type { DataCentre } from '../datacentre/datacentre.ts'
import { ArmError } from './arm-error.ts'
import type { AzureState } from './state.ts'

/** One authenticated request to ARM, its path taken apart. */
export interface ArmCall {
  readonly dataCentre: DataCentre
  readonly state: AzureState
  readonly method: string
  /** The path's own parts, by the names in the route's pattern, as they were written. */
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: JsonObject
  readonly origin: string
}

/** What there is, whoever asks. */
export type ArmWorld = Pick<ArmCall, 'dataCentre' | 'state'>

export interface ArmReply {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Json
}

export const ok = (body: Json, status = 200): ArmReply => ({ status, body })

export const isObject = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)

/** A member of a body, by its path; refused as ARM refuses a body without it. */
export function need(body: JsonObject, path: string): Json {
  const value = at(body, path)
  if (value === undefined || value === null || value === '') {
    throw new ArmError(400, 'InvalidParameter', `Required parameter '${path}' is missing (null).`, {
      details: [{ code: 'InvalidParameter', message: `Required parameter '${path}' is missing (null).` }],
    })
  }
  return value
}

export function at(body: Json | undefined, path: string): Json | undefined {
  let value: Json | undefined = body
  for (const part of path.split('.')) value = isObject(value) ? value[part] : Array.isArray(value) ? (value as Json[])[Number(part)] : undefined
  return value
}

export function textAt(body: Json | undefined, path: string): string | undefined {
  const value = at(body, path)
  return typeof value === 'string' ? value : undefined
}

export function needText(body: JsonObject, path: string): string {
  const value = need(body, path)
  if (typeof value === 'string') return value
  throw new ArmError(400, 'InvalidParameter', `The value of parameter ${path} is invalid.`)
}

/** Refused as ARM refuses a word that is not in the enumeration. */
export function oneOf(body: JsonObject, path: string, allowed: readonly string[]): void {
  const value = at(body, path)
  if (value === undefined || (typeof value === 'string' && allowed.includes(value))) return
  throw new ArmError(
    400,
    'InvalidParameter',
    `The value ${JSON.stringify(value)} of parameter ${path} is invalid. Allowed values are ${allowed.join(',')}.`,
  )
}

export const headerOf = (call: ArmCall, name: string): string | undefined => {
  const value = call.headers[name]
  return Array.isArray(value) ? value[0] : value
}

export function tagsOf(body: JsonObject): Record<string, string> {
  const tags = body['tags']
  if (!isObject(tags)) return {}
  return Object.fromEntries(Object.entries(tags).flatMap(([key, value]) => (typeof value === 'string' ? [[key, value]] : [])))
}

export function listAt(body: Json | undefined, path: string): JsonObject[] {
  const value = at(body, path)
  return Array.isArray(value) ? value.filter(isObject) : []
}
