import type { components } from './generated/openapi.ts'

type Problem = components['schemas']['Problem']

/** What the API refused, and why. Thrown for every answer that is not a success. */
export class ProblemError extends Error {
  readonly status: number
  /** The kind of problem; each is explained in docs/errors.md. */
  readonly code: string
  readonly retryable: boolean
  readonly requestId: string | undefined
  readonly operationId: string | undefined
  readonly errors: NonNullable<Problem['errors']>
  /** From `Retry-After`. */
  readonly retryAfterSeconds: number | undefined

  constructor(problem: Partial<Problem> & { readonly status: number }, retryAfter: string | null) {
    super(problem.detail ?? problem.title ?? `the API answered ${problem.status}`)
    this.name = 'ProblemError'
    this.status = problem.status
    this.code = problem.code ?? `http_${problem.status}`
    this.retryable = problem.retryable ?? problem.status >= 500
    this.requestId = problem.requestId
    this.operationId = problem.operationId
    this.errors = problem.errors ?? []
    const seconds = Number(retryAfter ?? Number.NaN)
    this.retryAfterSeconds = Number.isFinite(seconds) ? seconds : undefined
  }
}

/** Reads the problem of a refused answer; a proxy's own page becomes one too. */
export async function problemFrom(response: Response): Promise<ProblemError> {
  const isProblem = (response.headers.get('content-type') ?? '').includes('json')
  const body: unknown = isProblem ? await response.json().catch(() => undefined) : undefined
  const problem = typeof body === 'object' && body !== null ? (body as Partial<Problem>) : {}
  return new ProblemError({ ...problem, status: response.status }, response.headers.get('retry-after'))
}
