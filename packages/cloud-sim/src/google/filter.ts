import { invalid } from './fault.ts'

/** The part of Google's filter language that is understood here: comparisons of `id`, `name`, `status` and labels, AND, OR. */
export function matches(
  filter: string | undefined,
  item: { readonly id: string; readonly name: string; readonly labels: Readonly<Record<string, string>> },
): boolean {
  if (filter === undefined || filter === '') return true
  return filter.split(/\sOR\s/).some((alternative) => alternative.split(/\sAND\s/).every((term) => holds(term, filter, item)))
}

function holds(
  term: string,
  filter: string,
  item: { readonly id: string; readonly name: string; readonly labels: Readonly<Record<string, string>> },
): boolean {
  const read = /^\(?\s*([a-z]+(?:\.[a-z][a-z0-9_-]*)?)\s*=\s*(?:"([^"]*)"|([^\s")]+))\s*\)?$/.exec(term.trim())
  if (read === null) throw invalid('filter', filter, 'Invalid list filter expression.')
  const [, field = '', quoted, bare] = read
  const value = quoted ?? bare ?? ''
  if (field === 'id') return item.id === value
  if (field === 'name') return item.name === value
  if (field.startsWith('labels.')) return item.labels[field.slice('labels.'.length)] === value
  throw invalid('filter', filter, 'Invalid list filter expression.')
}
