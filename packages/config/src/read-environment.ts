import type { z } from 'zod'

/** Thrown with every problem of the environment at once. Values are never repeated: they may be secrets. */
export class ConfigError extends Error {
  readonly problems: readonly string[]
  constructor(problems: readonly string[]) {
    super(`The configuration is not valid:\n${problems.map((problem) => `  ${problem}`).join('\n')}`)
    this.name = 'ConfigError'
    this.problems = problems
  }
}

/** Empty variables count as not set, as in most shells and compose files. The result is frozen. */
export function readEnvironment<Schema extends z.ZodObject>(
  schema: Schema,
  env: Readonly<Record<string, string | undefined>>,
): Readonly<z.output<Schema>> {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''))
  const result = schema.safeParse(given)
  if (result.success) return Object.freeze(result.data)
  throw new ConfigError(result.error.issues.map((issue) => `${issue.path[0]?.toString() ?? 'environment'}: ${problemText(issue)}`))
}

const problemText = (issue: z.core.$ZodIssue): string => (issue.message.endsWith('received undefined') ? 'is required' : issue.message)
