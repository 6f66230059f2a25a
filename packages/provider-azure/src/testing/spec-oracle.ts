import { armSpecification } from '@understudy/cloud-sim'

/** One request and its answer, as they were on the wire. */
export interface Exchange {
  readonly method: string
  readonly url: URL
  readonly requestBody: unknown
  readonly status: number
  readonly responseBody: unknown
}

/** What Microsoft's specifications at hand say nothing about. */
const elsewhere = [
  /^\/[^/]+\/oauth2\/|\/\.well-known\/|\/common\/discovery\//i, // the authority
  /^\/subscriptions\/[^/]+(\/locations)?$/i,
  /\/providers\/Microsoft\.Compute\/skus$/i,
  /\/locations\/[^/]+\/operations\/[^/]+$/i,
  /\/providers\/Microsoft\.Authorization\//i,
]

/**
 * Judges exchanges by an extract of Microsoft's own specifications (see `azure/specs/README.md` of the simulated clouds). A path that nobody describes is a problem, and
 * so are a member, a query or a status that the specification does not have, and a value of another type or that is in no enumeration.
 */
export function specOracle() {
  const specification = armSpecification()
  const check = (schema: object, value: unknown): readonly string[] =>
    specification.check(schema, value).map(({ path, member, allowed, message }) => {
      const where = `/${path}`.replaceAll('.', '/').replaceAll(/\/\d+/g, '/*')
      return `${where} ${message}${member === undefined ? '' : `: ${member}`}${allowed === undefined ? '' : `: ${allowed.join(', ')}`}`
    })
  return {
    operations: specification.operations.map(({ name }) => name),
    /** Whose exchange it is, and what is wrong with it; `undefined` for what is specified elsewhere. */
    judge({
      method,
      url,
      requestBody,
      status,
      responseBody,
    }: Exchange): { readonly operation: string; readonly problems: readonly string[] } | undefined {
      const path = decodeURIComponent(url.pathname).replace(/^\/+/, '/').replace(/\/$/, '')
      if (elsewhere.some((pattern) => pattern.test(path))) return undefined
      const operation = specification.find(method, path)
      if (operation === undefined) return { operation: '', problems: [`${method} ${path}: there is no such operation`] }
      const { name, queries, body, bodyRequired = false, responses } = operation
      const response = responses[String(status)] ?? (responses[String(status)] === undefined && status >= 400 ? responses['default'] : undefined)
      const problems = [
        ...[...url.searchParams.keys()].filter((key) => !queries.includes(key)).map((key) => `request: unknown query ${key}`),
        ...(body === undefined ? (requestBody === undefined ? [] : ['request: takes no body']) : []),
        ...(body === undefined || (requestBody === undefined && !bodyRequired)
          ? []
          : check(body, requestBody).map((problem) => `request: ${problem}`)),
        ...(responses[String(status)] === undefined && status < 400 ? [`response: ${status} is not declared`] : []),
        ...(response === undefined || response === null ? [] : check(response, responseBody).map((problem) => `response ${status}: ${problem}`)),
      ]
      return { operation: name, problems: problems.map((problem) => `${name} ${problem}`) }
    },
  }
}
