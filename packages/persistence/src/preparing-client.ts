import pg from 'pg'

const names = new Map<string, string>()

/**
 * A connection on which the server parses each statement with parameters once, instead of each time. It keeps every statement it has
 * met: for callers whose statements are few, and whose lists of ids are short.
 */
export class PreparingClient extends pg.Client {
  constructor(config?: pg.ClientConfig) {
    super(config)
    const ask = this.query.bind(this) as (...args: unknown[]) => unknown
    // One function for the many shapes of the original.
    this.query = ((asked: unknown, values: unknown, ...rest: unknown[]) => {
      if (typeof asked === 'string' && Array.isArray(values) && values.length > 0) return ask({ name: nameOf(asked), text: asked, values }, ...rest)
      if (isNameless(asked)) return ask({ ...asked, name: nameOf(asked.text) }, values, ...rest)
      return ask(asked, values, ...rest)
    }) as typeof this.query
  }
}

const isNameless = (asked: unknown): asked is pg.QueryConfig & { readonly values: unknown[] } =>
  typeof asked === 'object' &&
  asked !== null &&
  'text' in asked &&
  'values' in asked &&
  Array.isArray(asked.values) &&
  asked.values.length > 0 &&
  !('name' in asked && asked.name !== undefined)

function nameOf(text: string): string {
  const name = names.get(text) ?? `s${names.size}`
  names.set(text, name)
  return name
}
