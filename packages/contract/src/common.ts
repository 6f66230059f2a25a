import { idPrefixes } from '@understudy/core'
import type { IdKind, Json, JsonObject } from '@understudy/core'
import { z } from 'zod'

const article = (noun: string): string => (/^[aeiou]/.test(noun) ? 'an' : 'a')

/** An id of ours: a prefix that says what it names, and 20 base-32 characters. */
export function idOf(kind: IdKind, noun: string): z.ZodString {
  const prefix = idPrefixes[kind]
  return z
    .string()
    .regex(new RegExp(`^${prefix}_[0-9a-hjkmnp-tv-z]{20}$`), `must be the id of ${article(noun)} ${noun}: ${prefix}_ and 20 characters`)
    .meta({ description: `The id of ${article(noun)} ${noun}.` })
}

/** Text without control characters: they can neither be stored nor be shown. */
export const text = (maxLength: number) =>
  z
    .string()
    .min(1)
    .max(maxLength)
    // oxlint-disable-next-line no-control-regex -- refusing them is the point
    .regex(/^[^\u0000-\u001f\u007f]*$/u, 'must not contain control characters')

/** A cloud's own id of a thing. Azure's are paths: with the longest names of a resource group and of a machine they have 266 characters. */
export const nativeId = text(512)

/** Name of a user group: it stands in a label and in keys. */
export const groupName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must have 1 to 63 lower-case letters, digits and hyphens')

/** A moment, RFC 3339 in UTC. */
export const time = z.iso.datetime()
/** A moment as a caller may write it: RFC 3339 with any offset. */
export const timeInput = z.iso.datetime({ offset: true })

// Both were JSON a moment ago: what they hold needs no check, only a name.
export const jsonObject = z.record(z.string(), z.unknown()) as unknown as z.ZodType<JsonObject, JsonObject>
export const anyJson = z.unknown() as unknown as z.ZodType<Json, Json>

export const labels = z
  .record(text(128), z.string().max(256))
  .refine((value) => Object.keys(value).length <= 50, 'at most 50 labels')
  .meta({ description: 'Free-form names and values, at most 50.' })

/** The strong ETag of the state that is shown; give it back in `If-Match`. */
export const etag = z
  .string()
  .meta({ description: 'The strong ETag of this state: give it back in `If-Match` when you change it.', examples: ['"3"'] })

export const idParams = <Schema extends z.ZodType>(id: Schema) => z.strictObject({ id })

/** `pageSize` above 1000 is taken as 1000. */
export const pageQuery = {
  pageSize: z.coerce.number().int().min(1).default(50).meta({ description: 'How many at most, 1 to 1000; more is taken as 1000.' }),
  pageToken: z.string().max(2000).optional().meta({ description: '`nextPageToken` of the page before, with all other parameters unchanged.' }),
} as const

/** `beside`: what is said of the whole list. */
export const pageOf = <Schema extends z.ZodType, Beside extends z.ZodRawShape = Record<never, never>>(
  id: string,
  item: Schema,
  beside: Beside = {} as Beside, // only left out where it is `{}`
) =>
  z
    .object({
      items: z.array(item),
      nextPageToken: z.string().optional().meta({ description: 'Present when there may be more.' }),
      ...beside,
    })
    .meta({ id })

/** Actions without parameters take no body, or `{}`. */
export const noBody = z.strictObject({}).optional()

export const Problem = z
  .object({
    type: z.string().meta({ description: 'A page about this kind of problem.', format: 'uri' }),
    title: z.string(),
    status: z.number().int(),
    detail: z.string().meta({ description: 'What happened and what to do.' }),
    instance: z.string().meta({ description: 'The path that was asked.' }),
    code: z.string().meta({ description: 'The kind, for programs: the same word as in `type`.' }),
    requestId: z.string(),
    retryable: z.boolean().meta({ description: 'Whether the same request may succeed later.' }),
    operationId: z.string().optional().meta({ description: 'The operation that is concerned.' }),
    errors: z
      .array(z.object({ pointer: z.string(), message: z.string() }))
      .optional()
      .meta({ description: 'Which parts of the request: a JSON pointer into the body, or `/query/…`, `/path/…`.' }),
    alternatives: z
      .array(z.object({ action: z.string(), how: z.string() }))
      .optional()
      .meta({ description: 'What can be done instead of what was refused.' }),
    nearest: jsonObject
      .optional()
      .meta({ description: 'What would be accepted instead, in the form of the request, where something near it would.' }),
  })
  .meta({ id: 'Problem' })
export type Problem = z.output<typeof Problem>
