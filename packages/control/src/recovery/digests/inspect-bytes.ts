import { isProviderError } from '@understudy/provider'
import type { StepContext } from '@understudy/saga'
import type { SagaDeps } from '../../context.ts'
import type { Finding, RecoveryPoint, VerifiedBytes } from '../recovery-point.ts'
import { checkBytes } from './check-bytes.ts'
import { membersOf, openSeconds, withOpen } from './digest-steps.ts'

export interface BytesAsked {
  /** Of the blocks that have digests. */
  readonly share: number
  /** What has not been read by then is left. */
  readonly withinMs?: number
}

/**
 * Reads bytes of a point again, where it has digests. That they cannot be read is no finding: it is said why. Throws only what may be
 * otherwise when it is tried again.
 */
export async function inspectBytes(
  deps: SagaDeps,
  step: StepContext<unknown, object>,
  point: RecoveryPoint,
  { share, withinMs }: BytesAsked,
): Promise<{ readonly findings: readonly Finding[]; readonly bytes: VerifiedBytes }> {
  const { manifest, digests } = point
  const of = digests?.document?.disks.reduce((sum, { blocks }) => sum + blocks, 0) ?? 0
  const none = (reason: string) => ({ findings: [], bytes: { read: 0, of, reason } })
  if (manifest === undefined || digests?.document === undefined) return none(digests?.reason ?? 'The point has no digests.')
  const provider = await deps.openProvider(point.accountId)
  const { blocks, scope } = provider
  if (blocks === undefined) return none('Its snapshots can no longer be read.')
  const untilMs = withinMs === undefined ? undefined : deps.clock.nowMs() + withinMs
  const asked = { point, blocks, scope, share, seed: step.operationId, signal: step.signal, ...(untilMs === undefined ? {} : { untilMs }) }
  const seconds = withinMs === undefined ? openSeconds : Math.ceil(withinMs / 1000) + 3600
  try {
    const { findings, read } = await withOpen(deps, step, { point, blocks, opened: membersOf(provider, manifest), seconds }, () =>
      checkBytes(deps, asked),
    )
    const isShort = untilMs !== undefined && deps.clock.nowMs() >= untilMs
    return { findings, bytes: { read, of, ...(isShort ? { reason: `There was no more time than ${Math.round(withinMs! / 1000)} s.` } : {}) } } // set with `untilMs`
  } catch (error) {
    if (!isProviderError(error, 'unauthorized', 'unsupported', 'not_found', 'conflict', 'invalid')) throw error
    return none(`They could not be read (${error.shape.nativeCode}).`)
  }
}
