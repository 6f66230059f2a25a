import { AppError, sha256 } from '@understudy/core'

export const etagOf = (version: number): string => `"${version}"`

/** The version that `If-Match` names. 428 when it is absent; weak tags never match, as HTTP has it. */
export function seenVersion(ifMatch: string | undefined): number {
  if (ifMatch === undefined || ifMatch.trim() === '') {
    throw new AppError('precondition_required', 'Read it first, then repeat this with its ETag in If-Match, so that nobody else is overwritten.')
  }
  const version = /^"(\d{1,9})"$/.exec(ifMatch.trim())?.[1]
  if (version !== undefined) return Number(version)
  if (/^(W\/)?"[^"]*"$/.test(ifMatch.trim()))
    throw new AppError('precondition_failed', 'If-Match names another state than the present one. Read it again.')
  throw new AppError('invalid_request', 'If-Match must be one ETag exactly as it was given, with its quotes.', {
    errors: [{ pointer: '/headers/if-match', message: 'must be one ETag, for instance "3"' }],
  })
}

/** The tag of an answer: its own version where it has one, otherwise a hash over it. */
export function answerEtag(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null) return undefined
  if ('etag' in body && typeof body.etag === 'string') return body.etag
  return `"${sha256(JSON.stringify(body)).slice(0, 32)}"`
}
