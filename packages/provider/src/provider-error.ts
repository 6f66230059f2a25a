import type { ProviderErrorKind, ProviderErrorShape } from './refs.ts'

/** The only thing a capability may throw. The SDK's own error is its `cause` and never leaves the log. */
export class ProviderError extends Error {
  readonly shape: ProviderErrorShape
  constructor(shape: ProviderErrorShape, options?: { cause?: unknown }) {
    super(shape.message, options)
    this.name = 'ProviderError'
    this.shape = shape
  }
  get kind(): ProviderErrorKind {
    return this.shape.kind
  }
}

export const isProviderError = (error: unknown, ...kinds: ProviderErrorKind[]): error is ProviderError =>
  error instanceof ProviderError && (kinds.length === 0 || kinds.includes(error.kind))

/** Builds a `ProviderError`; `retryable` follows from the kind. */
export function providerError(
  kind: ProviderErrorKind,
  nativeCode: string,
  message: string,
  more: Partial<Omit<ProviderErrorShape, 'kind' | 'nativeCode' | 'message' | 'retryable'>> & { cause?: unknown } = {},
): ProviderError {
  const { cause, ...shape } = more
  return new ProviderError(
    { kind, nativeCode, message, retryable: kind === 'throttled' || kind === 'unavailable', ...shape },
    cause === undefined ? undefined : { cause },
  )
}
