import { GoogleError, invalid } from './fault.ts'
import type { Project } from './project.ts'

/** One request, on its way to what it asks for. */
export interface Call {
  readonly project: Project
  /** Parts of the path by the names in its rule. */
  readonly path: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  readonly body: Body
  /** The answer that the faults of the data centre leave of an effect; what it may throw goes through `asGoogle`. */
  readonly requestId: string | undefined
}
export type Body = Readonly<Record<string, unknown>>

/** Inside the data centre's door: what it does happens in one instant. */
export interface Route {
  /** As the SDK's own description names it: `instances.insert`. */
  readonly operation: string
  readonly run: (call: Call) => object
}

export const partOf = (call: Call, name: string): string => call.path[name] ?? ''

export const isObject = (value: unknown): value is Body => typeof value === 'object' && value !== null && !Array.isArray(value)
export const objectsIn = (value: unknown): readonly Body[] => (Array.isArray(value) ? value.filter(isObject) : [])
export const textIn = (body: Body, field: string): string | undefined => {
  const value = body[field]
  return typeof value === 'string' && value !== '' ? value : undefined
}

export function labelsIn(value: unknown, field: string): Record<string, string> {
  if (value === undefined) return {}
  if (!isObject(value)) throw invalid(field, value)
  const labels: Record<string, string> = {}
  for (const [key, label] of Object.entries(value)) {
    if (!/^[a-z][a-z0-9_-]{0,62}$/.test(key)) throw invalid(`${field}.key`, key, 'Label keys must match [a-z][a-z0-9_-]{0,62}.')
    if (typeof label !== 'string' || !/^[a-z0-9_-]{0,63}$/.test(label))
      throw invalid(`${field}.value`, label, 'Label values must match [a-z0-9_-]{0,63}.')
    labels[key] = label
  }
  if (Object.keys(labels).length > 64) throw invalid(field, Object.keys(labels).length, 'At most 64 labels are allowed.')
  return labels
}

export const lastPart = (url: string | undefined): string => url?.slice(url.lastIndexOf('/') + 1) ?? ''

export function nameIn(body: Body, field: string): string {
  const name = textIn(body, 'name')
  if (name === undefined) throw new GoogleError(400, 'required', `Required field '${field}' not specified`)
  if (!/^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name)) throw invalid(field, name, `Must be a match of regex '(?:[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?)'`)
  return name
}
