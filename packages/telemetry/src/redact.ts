import { Secret } from '@understudy/core'

const redacted = '[redacted]'

/** Names of members whose values never reach a log, in any spelling: `apiKey`, `api_key`, `x-api-key`. */
const secretNames =
  /^(x-?)?(authorization|cookie|set-?cookie|password|passphrase|secret|secretkey|secretaccesskey|sessiontoken|token|accesstoken|apikey|masterkey|privatekey|signingkey|credentials?|connectionstring)$/

/** Deeper than any of our log lines; a cycle ends here too. */
const depthMax = 8

/** A copy in which secrets, wherever they are nested, and passwords inside URLs are replaced. */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return value.replaceAll(/(:\/\/[^\s:/@]*:)[^\s@/]+@/g, `$1${redacted}@`)
  if (typeof value === 'bigint') return value.toString()
  if (value === null || typeof value !== 'object') return value
  if (value instanceof Secret) return redacted
  if (value instanceof Date) return value.toISOString()
  if (depth >= depthMax) return '[too deep]'
  if (value instanceof Error) return redactError(value, depth)
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1))
  return redactMembers(value, depth)
}

function redactMembers(value: object, depth: number): Record<string, unknown> {
  const members = Object.entries(value).map(([name, member]) => [name, isSecretName(name) ? redacted : redact(member, depth + 1)])
  return Object.fromEntries(members) as Record<string, unknown>
}

const isSecretName = (name: string): boolean => secretNames.test(name.toLowerCase().replaceAll(/[_-]/g, ''))

/** The whole chain of causes, once; each link with what its class adds. */
function redactError(error: Error, depth: number): Record<string, unknown> {
  return {
    type: error.name,
    message: redact(error.message),
    stack: redact(error.stack ?? ''),
    ...redactMembers(error, depth),
    ...(error.cause !== undefined && { cause: redact(error.cause, depth + 1) }),
  }
}
