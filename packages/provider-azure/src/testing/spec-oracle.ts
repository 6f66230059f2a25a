import { Ajv } from 'ajv'
import type { ValidateFunction } from 'ajv'
import { readFileSync } from 'node:fs'

/** One request and its answer, as they were on the wire. */
export interface Exchange {
  readonly method: string
  readonly url: URL
  readonly requestBody: unknown
  readonly status: number
  readonly responseBody: unknown
}
interface Operation {
  readonly name: string
  readonly method: string
  readonly path: string
  readonly queries: readonly string[]
  readonly body?: object
  readonly bodyRequired?: boolean
  /** By HTTP status; `null`: without a body. */
  readonly responses: Readonly<Record<string, object | null>>
}
interface Extract {
  readonly operations: readonly Operation[]
  readonly definitions: Readonly<Record<string, object>>
}

/** What Microsoft's specifications at hand say nothing about. */
const elsewhere = [
  /^\/[^/]+\/oauth2\/|\/\.well-known\/|\/common\/discovery\//i, // the authority
  /^\/subscriptions\/[^/]+$/i,
  /\/providers\/Microsoft\.Compute\/skus$/i,
  /\/locations\/[^/]+\/operations\/[^/]+$/i,
  /\/providers\/Microsoft\.Authorization\//i,
]

/**
 * Judges exchanges by an extract of Microsoft's own specifications (see `specs/README.md`). A path that nobody describes is a problem, and
 * so are a member, a query or a status that the specification does not have, and a value of another type or that is in no enumeration.
 */
export function specOracle() {
  const { operations, definitions } = JSON.parse(readFileSync(new URL('specs/arm.json', import.meta.url), 'utf8')) as Extract // as it was cut
  const ajv = new Ajv({ strict: false, allErrors: true, inlineRefs: false })
  const compiled = new Map<object, ValidateFunction>()
  const check = (schema: object, value: unknown): readonly string[] => {
    const validate = compiled.get(schema) ?? ajv.compile({ ...schema, definitions })
    compiled.set(schema, validate)
    if (validate(value)) return []
    return (validate.errors ?? []).map(({ instancePath, message = '', params }) => {
      const { additionalProperty, allowedValues } = params as { additionalProperty?: string; allowedValues?: readonly string[] } // of the two keywords that have them
      return `${instancePath.replaceAll(/\/\d+/g, '/*')} ${message}${additionalProperty === undefined ? '' : `: ${additionalProperty}`}${allowedValues === undefined ? '' : `: ${allowedValues.join(', ')}`}`
    })
  }
  const rules = operations.map((operation) => ({
    operation,
    pattern: new RegExp(`^${operation.path.replaceAll('.', String.raw`\.`).replaceAll(/\{\w+\}/g, '[^/]+')}$`, 'i'),
  }))
  return {
    operations: operations.map(({ name }) => name),
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
      const operation = rules.find((rule) => rule.operation.method === method && rule.pattern.test(path))?.operation
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
