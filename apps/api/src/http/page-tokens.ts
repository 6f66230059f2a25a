import { AppError, contentHash } from '@understudy/core'
import type { Secret } from '@understudy/core'
import { createHmac, timingSafeEqual } from 'node:crypto'

/** What a token is bound to: it continues this list, of this project, with these parameters, and nothing else. */
export interface PageScope {
  readonly operationId: string
  readonly projectId: string
  readonly query: Readonly<Record<string, unknown>>
}

export interface PageTokens {
  encode(scope: PageScope, after: string): string
  /** Throws `invalid_request` when the token was changed, or belongs to another list or other parameters. */
  decode(scope: PageScope, token: string): string
}

export function createPageTokens(key: Secret): PageTokens {
  const sign = (scope: PageScope, after: string): Buffer => {
    const { pageSize: _size, pageToken: _token, ...query } = scope.query
    const text = contentHash([scope.operationId, scope.projectId, query, after])
    return createHmac('sha256', key.reveal()).update(`page:${text}`).digest().subarray(0, 12)
  }
  return {
    encode: (scope, after) => Buffer.concat([sign(scope, after), Buffer.from(after)]).toString('base64url'),
    decode(scope, token) {
      const bytes = Buffer.from(token, 'base64url')
      const after = bytes.subarray(12).toString()
      if (bytes.length > 12 && timingSafeEqual(bytes.subarray(0, 12), sign(scope, after))) return after
      throw new AppError(
        'invalid_request',
        'This pageToken does not continue this list. Repeat the other parameters exactly, or start without a token.',
        {
          errors: [{ pointer: '/query/pageToken', message: 'does not belong to these parameters' }],
        },
      )
    },
  }
}
