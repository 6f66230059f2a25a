import type { FieldError } from '@understudy/core'
import { textErrors } from '../fields.ts'

const typesMax = 50

/** An event type, or a prefix of whole words that ends in a dot. */
const typePattern = /^[a-z0-9_]+(\.[a-z0-9_]+)*\.?$/

export function webhookFieldErrors(input: {
  readonly description?: string | undefined
  readonly types?: readonly string[] | undefined
}): FieldError[] {
  const { types = [], description } = input
  return [
    ...(description === undefined || description === '' ? [] : textErrors('/description', description, 500)),
    ...(types.length > typesMax ? [{ pointer: '/types', message: `must have at most ${typesMax} entries` }] : []),
    ...types.flatMap((type, index) =>
      typePattern.test(type)
        ? []
        : [{ pointer: `/types/${index}`, message: 'must be an event type, or a prefix that ends in a dot, such as io.understudy.failover.' }],
    ),
  ]
}

/** No types at all mean every type. */
export const wantsType = (types: readonly string[], type: string): boolean =>
  types.length === 0 || types.some((wanted) => (wanted.endsWith('.') ? type.startsWith(wanted) : type === wanted))
