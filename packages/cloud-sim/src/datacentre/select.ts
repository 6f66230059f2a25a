import { SimError } from './sim-error.ts'
import type { Filter, Page, Query, Tags } from './types.ts'

/** How one kind of record is searched. */
export interface Selection<T> {
  all(): Iterable<T>
  byId(id: string): T | undefined
  isVisible?(item: T): boolean
  /** Thrown for a named id that is unknown or not visible yet. */
  notFound(id: string): SimError
  /** Values of a filter's field; `undefined` when there is no such filter. */
  field(item: T, name: string): readonly (string | undefined)[] | undefined
  /** A small superset of what the filter finds, when an index knows it. */
  candidates?(filter: Filter): Iterable<T> | undefined
  readonly tagsOf?: (item: T) => Tags
}

/** EC2's Describe: named ids must all exist; filters are ANDed, their values ORed; pages by an opaque token. */
export function select<T>(query: Query, selection: Selection<T>): Page<T> {
  if (query.ids !== undefined && query.ids.length > 0 && query.maxResults !== undefined) {
    throw new SimError('InvalidParameterCombination', 'The parameter MaxResults cannot be used together with ids.')
  }
  const filters = query.filters ?? []
  const matches = filters.map((filter) => matcher(filter, selection))
  const found: T[] = []
  for (const item of sourceOf(query, filters, selection)) {
    if (selection.isVisible && !selection.isVisible(item)) continue
    if (matches.every((match) => match(item))) found.push(item)
  }
  return page(found, query)
}

function sourceOf<T>(query: Query, filters: readonly Filter[], selection: Selection<T>): Iterable<T> {
  if (query.ids !== undefined && query.ids.length > 0) {
    return [...new Set(query.ids)].map((id) => {
      const item = selection.byId(id)
      if (item === undefined || (selection.isVisible && !selection.isVisible(item))) throw selection.notFound(id)
      return item
    })
  }
  for (const filter of filters) {
    const candidates = filter.values.some(hasWildcard) ? undefined : selection.candidates?.(filter)
    if (candidates) return candidates
  }
  return selection.all()
}

function matcher<T>(filter: Filter, selection: Selection<T>): (item: T) => boolean {
  const accepts = acceptAny(filter.values)
  if (selection.tagsOf && filter.name.startsWith('tag:')) {
    const key = filter.name.slice('tag:'.length)
    return (item) => {
      const value = selection.tagsOf?.(item)[key]
      return value !== undefined && accepts(value)
    }
  }
  if (selection.tagsOf && filter.name === 'tag-key') return (item) => Object.keys(selection.tagsOf?.(item) ?? {}).some(accepts)
  return (item) => {
    const values = selection.field(item, filter.name)
    if (values === undefined) throw new SimError('InvalidParameterValue', `The filter '${filter.name}' is invalid`)
    return values.some((value) => value !== undefined && accepts(value))
  }
}

const hasWildcard = (value: string): boolean => /[*?\\]/.test(value)

function acceptAny(patterns: readonly string[]): (value: string) => boolean {
  if (!patterns.some(hasWildcard)) {
    const exact = new Set(patterns)
    return (value) => exact.has(value)
  }
  const expressions = patterns.map((pattern) => {
    const source = pattern.replace(/\\(.)|[.+^${}()|[\]\\]|\*|\?/gs, (token, escaped: string | undefined) => {
      if (escaped !== undefined) return escaped.replace(/[.+^${}()|[\]\\*?]/, '\\$&')
      return token === '*' ? '.*' : token === '?' ? '.' : `\\${token}`
    })
    return new RegExp(`^${source}$`, 's')
  })
  return (value) => expressions.some((expression) => expression.test(value))
}

function page<T>(found: readonly T[], query: Query): Page<T> {
  if (query.maxResults === undefined && query.nextToken === undefined) return { items: found }
  const from = query.nextToken === undefined ? 0 : offsetOf(query.nextToken)
  const until = from + (query.maxResults ?? 1000)
  const items = found.slice(from, until)
  return until < found.length ? { items, nextToken: Buffer.from(`offset:${until}`).toString('base64url') } : { items }
}

function offsetOf(token: string): number {
  const match = /^offset:(\d+)$/.exec(Buffer.from(token, 'base64url').toString())
  if (!match) throw new SimError('InvalidNextToken', 'The specified token is not valid.')
  return Number(match[1])
}
