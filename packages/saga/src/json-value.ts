import type { Json } from '@understudy/core'
import type { z } from 'zod'

/**
 * The JSON form of a value, or an error that names the first place that has none (a date, a function, NaN, a class…).
 * `undefined` becomes null; undefined members are left out.
 */
export function asJson(value: unknown, path = ''): Json {
  if (value === undefined || value === null) return null
  if (typeof value === 'boolean' || typeof value === 'string') return value
  if (typeof value === 'number' && Number.isFinite(value)) return value
  if (Array.isArray(value)) return value.map((item, index) => asJson(item, `${path}/${index}`))
  const prototype: unknown = typeof value === 'object' ? Object.getPrototypeOf(value) : undefined
  if (prototype !== Object.prototype && prototype !== null) throw new TypeError(`${path || 'the value'} has no JSON form`)
  const members = Object.entries(value as object).filter(([, member]) => member !== undefined)
  return Object.fromEntries(members.map(([key, member]) => [key, asJson(member, `${path}/${key}`)]))
}

export type Checked<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly why: string }

/** An output read from the log. A step without an output is stored as null and read as whichever of null and undefined its schema accepts. */
export function readOutput(schema: z.ZodType | undefined, json: Json): Checked<unknown> {
  if (schema === undefined) return { ok: true, value: json }
  const parsed = schema.safeParse(json)
  if (parsed.success) return { ok: true, value: parsed.data }
  if (json === null) {
    const asNothing = schema.safeParse(undefined)
    if (asNothing.success) return { ok: true, value: asNothing.data }
  }
  return { ok: false, why: explain(parsed.error) }
}

/** What is written for an output: its JSON, after the schema has accepted it and would accept it again when it is read back. */
export function writeOutput(schema: z.ZodType | undefined, output: unknown): Checked<Json> {
  const parsed = schema?.safeParse(output)
  if (parsed && !parsed.success) return { ok: false, why: explain(parsed.error) }
  try {
    const json = asJson(parsed ? parsed.data : output)
    const again = readOutput(schema, json)
    return again.ok ? { ok: true, value: json } : { ok: false, why: `it does not survive being written: ${again.why}` }
  } catch (error) {
    return { ok: false, why: (error as Error).message }
  }
}

/** Paths and messages only: a rejected value itself may hold anything. */
export function explain(error: z.ZodError): string {
  return error.issues.map((issue) => `/${issue.path.join('/')}: ${issue.message}`).join('; ')
}
