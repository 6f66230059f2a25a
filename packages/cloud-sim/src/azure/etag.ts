import { ArmError } from './arm-error.ts'
import { type ArmCall, headerOf } from './call.ts'

/** ARM's preconditions: `*` in If-None-Match makes a PUT create-only. */
export function checkEtag(call: ArmCall, etag: number | undefined): void {
  const ifMatch = headerOf(call, 'if-match')
  const failed =
    (headerOf(call, 'if-none-match') === '*' && etag !== undefined) || (ifMatch !== undefined && ifMatch !== '*' && ifMatch !== etagText(etag ?? 0))
  if (failed)
    throw new ArmError(
      412,
      'PreconditionFailed',
      'The precondition given in one of the request header fields evaluated to false when tested on the server.',
    )
}

export const etagText = (etag: number): string => `"${etag}"`
