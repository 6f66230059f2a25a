import type { z } from 'zod'

type Override = NonNullable<NonNullable<Parameters<typeof z.toJSONSchema>[1]>['override']>

/** What zod writes into JSON Schema that says nothing to a reader, or too much. */
const override: Override = ({ jsonSchema, zodSchema }) => {
  // The whole grammar of RFC 3339 as a regular expression; `format` says it.
  if (jsonSchema.format === 'date-time') delete jsonSchema.pattern
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum
  // Only strict objects refuse unknown members. Answers may grow: a client must not be told that they cannot.
  const def = zodSchema._zod.def as { readonly type: string; readonly catchall?: z.core.$ZodType }
  if (def.type === 'object' && def.catchall?._zod.def.type !== 'never') delete jsonSchema.additionalProperties
}

export const zodToJsonConfig = { override, unrepresentable: 'any' } as const
