import type { Query } from '../../datacentre/types.ts'
import type { Tags } from '../../datacentre/types.ts'
import { compact } from '../compact.ts'
import { invalidCombination, invalidValue } from '../fault.ts'
import type { Params } from '../params.ts'
import type { XmlObject } from '../call.ts'

const stateCodes = { pending: 0, running: 16, 'shutting-down': 32, terminated: 48, stopping: 64, stopped: 80 } as const

export const stateView = (state: keyof typeof stateCodes): XmlObject => ({ code: stateCodes[state], name: state })

export const tagSet = (tags: Tags): XmlObject[] => Object.entries(tags).map(([key, value]) => ({ key, value }))

export const at = (ms: number | undefined): Date | undefined => (ms === undefined ? undefined : new Date(ms))

/** The ids, filters and page of a describe call. Ids and a page size exclude each other, as in EC2. */
export function queryOf(params: Params, idsName: string): Query {
  const ids = params.texts(idsName)
  const filters = params.list('Filter').map((filter) => ({ name: filter.required('Name'), values: filter.texts('Value') }))
  const maxResults = params.integer('MaxResults')
  if (ids.length > 0 && maxResults !== undefined) throw invalidCombination(`The parameter ${idsName} cannot be used with the parameter MaxResults`)
  if (maxResults !== undefined && maxResults < 1) throw invalidValue(String(maxResults), 'maxResults')
  const nextToken = params.optional('NextToken')
  return compact({
    ids: ids.length > 0 ? ids : undefined,
    filters: filters.length > 0 ? filters : undefined,
    maxResults,
    nextToken: nextToken === '' ? undefined : nextToken,
  })
}

/** `TagSpecification.N` by resource type. */
export function tagSpecifications(params: Params): Map<string, Tags> {
  const byType = new Map<string, Tags>()
  for (const specification of params.list('TagSpecification')) {
    const type = specification.required('ResourceType')
    byType.set(type, { ...byType.get(type), ...tagsOf(specification) })
  }
  return byType
}

/** `Tag.N.Key` and `Tag.N.Value`; a tag without a value has an empty one. */
export function tagsOf(params: Params): Tags {
  const tags: Tags = {}
  for (const tag of params.list('Tag')) tags[tag.required('Key')] = tag.optional('Value') ?? ''
  return tags
}

/** One of the words allowed, or undefined when absent. */
export function oneOf<T extends string>(params: Params, name: string, allowed: readonly T[]): T | undefined {
  const text = params.optional(name)
  if (text === undefined || text === '') return undefined
  const found = allowed.find((word) => word === text)
  if (found === undefined) throw invalidValue(text, name, `Expected one of: ${allowed.join(', ')}.`)
  return found
}
