import { AppError, now, ownTags, sleep } from '@understudy/core'
import type { Copies, Provider } from '@understudy/provider'
import type { StepContext } from '@understudy/saga'
import { systemActor } from '../../access/access.ts'
import { awaitCondition } from '../../cloud/await-operation.ts'
import { callContext } from '../../cloud/call-context.ts'
import type { StepCall } from '../../cloud/call-context.ts'
import type { SagaDeps } from '../../context.ts'
import { recordChange } from '../../journal/record-change.ts'
import { swapOrRepeat } from '../../seen-version.ts'
import { pointOf } from '../capture-steps.ts'
import { copyRef, membersOfCopy, pauseAfter } from './recovery-copy.ts'
import type { RecoveryCopy } from './recovery-copy.ts'

const lookEveryMs = 5_000

type Step = StepContext<{ readonly copyId: string; readonly pointId: string }, object>

/** Before anything is asked of the region: one that the account does not have answers nobody, and could not be cleaned up either. */
export async function checkRegion(deps: SagaDeps, step: Step): Promise<{ readonly from: string; readonly to: string }> {
  const { row, provider, copies } = await worldOf(deps, step)
  await setOf(deps, step)
  if (!(await copies.regions()).includes(row.region))
    throw new AppError('invalid_request', `${row.region} is no region that the account can use: the policy has to name another.`)
  return { from: provider.scope.region, to: row.region }
}

/** Begins to copy every member, where the point is still there to be copied. As long as the region takes no more, it is tried again. */
export async function beginCopy(deps: SagaDeps, step: Step): Promise<{ readonly set: string }> {
  const { row, copies } = await worldOf(deps, step)
  const set = await setOf(deps, step)
  await step.audit({ action: 'snapshots.copy', target: set, details: { region: row.region, copyId: copyRef(row).copyId } })
  const context = contextOf(deps, step, row)
  await awaitCondition(deps, step.signal, async () => {
    await copies.copy({ setId: set }, { region: row.region }, { ...context, idempotencyKey: copyRef(row).copyId })
    return true
  })
  return { set }
}

export async function awaitCopy(deps: SagaDeps, step: Step): Promise<{ readonly members: number }> {
  const { row, copies } = await worldOf(deps, step)
  const wanted = (await pointOf(deps, row.pointId)).manifest?.disks.members.length ?? 0
  return awaitCondition(deps, step.signal, async () => {
    const found = await copies.get(copyRef(row))
    if (found?.state === 'failed') throw new AppError('provider_rejected', `The cloud could not complete the copy in ${row.region}.`)
    // One that was just begun may be shown later than the others.
    if (found?.state === 'usable' && found.members.length >= wanted) return { members: wanted }
    // It takes minutes or hours: many at once shall not use up what the region may be asked.
    await sleep(deps.clock, lookEveryMs, step.signal)
    return undefined
  })
}

/** The point may have gone while it was copied: then it is no copy of anything, and is deleted again. */
export async function recordCopy(deps: SagaDeps, step: Step): Promise<{ readonly snapshots: readonly string[] }> {
  const { row, copies } = await worldOf(deps, step)
  const found = await copies.get(copyRef(row))
  if (found?.state !== 'usable') throw new AppError('conflict', `The copy in ${row.region} is no longer there.`)
  const members = membersOfCopy(found)
  await deps.database.transaction(async (stores) => {
    const [copy, point] = [await stores.recoveryCopies.findById(row.id), await stores.recoveryPoints.findById(row.pointId)]
    if (copy?.status === 'complete') return
    if (copy?.status !== 'copying' || point?.status !== 'usable')
      throw new AppError('conflict', 'The recovery point, or its copy, was deleted meanwhile.')
    const at = now(deps.clock)
    const complete = { ...copy, status: 'complete', members, completedAt: at, lastError: undefined, updatedAt: at } as const
    await swapOrRepeat(stores.recoveryCopies.update(complete, copy.version))
    await recordChange(deps, stores, {
      ...told(copy, step),
      what: 'recovery_points.copied',
      data: { resourceId: copy.resourceId, region: copy.region, snapshots: members.map((member) => member.copy) },
    })
  })
  return { snapshots: members.map((member) => member.copy) }
}

/** Whether or not we were told that it was begun, or has recorded it: no row calls complete what is being deleted. */
export async function dropCopy(deps: SagaDeps, step: Step): Promise<void> {
  const { row, copies } = await worldOf(deps, step)
  if (row.status === 'complete') {
    const open = { ...row, status: 'copying', members: [], completedAt: undefined, updatedAt: now(deps.clock) } as const
    await swapOrRepeat(deps.database.stores.recoveryCopies.update(open, row.version))
  }
  await step.audit({ action: 'snapshots.delete_copy', target: copyRef(row).copyId, details: { region: row.region } })
  await copies.delete(copyRef(row), contextOf(deps, step, row, 'delete'))
}

/** When nothing of it is left. */
export async function giveUpCopy(deps: SagaDeps, step: Step): Promise<void> {
  await deps.database.transaction(async (stores) => {
    const copy = await stores.recoveryCopies.findById(step.params.copyId)
    // The lock of the operation keeps everybody else from it, but for a purge.
    if (copy?.status !== 'copying') return
    const at = now(deps.clock)
    const nextAttemptAt = new Date(at.getTime() + pauseAfter(copy.attempts))
    const failed = { ...copy, status: 'failed', nextAttemptAt, lastError: `See operation ${step.operationId}.`, updatedAt: at } as const
    await swapOrRepeat(stores.recoveryCopies.update(failed, copy.version))
    await recordChange(deps, stores, {
      ...told(copy, step),
      what: 'recovery_points.copy_failed',
      data: { resourceId: copy.resourceId, region: copy.region, attempts: copy.attempts, nextAttemptAt: nextAttemptAt.toISOString() },
    })
  })
}

/** Of a point that is being purged: first what is elsewhere. A row that is `deleted` has nothing left. */
export async function deleteCopies(
  deps: SagaDeps,
  step: StepContext<unknown, object>,
  provider: Provider,
  { pointId }: { readonly pointId: string },
): Promise<void> {
  for (const row of await deps.database.stores.recoveryCopies.listAlive(pointId)) {
    // Nothing is left of one that has failed, and its region may be none that answers.
    if (row.status !== 'failed') {
      await step.audit({ action: 'snapshots.delete_copy', target: copyRef(row).copyId, details: { region: row.region } })
      await requireCopies(provider).delete(copyRef(row), contextOf(deps, step, row, `delete ${row.region}`))
    }
    const at = now(deps.clock)
    const gone = { ...row, status: 'deleted', deletedAt: at, nextAttemptAt: undefined, updatedAt: at } as const
    await swapOrRepeat(deps.database.stores.recoveryCopies.update(gone, row.version))
  }
}

const told = (copy: RecoveryCopy, step: Step) =>
  ({
    ...{ projectId: copy.projectId, actor: systemActor('recovery.copy'), operationId: step.operationId },
    subject: `recovery-points/${copy.pointId}`,
  }) as const

const contextOf = (deps: SagaDeps, step: StepContext<unknown, object>, row: RecoveryCopy, suffix?: string): StepCall =>
  callContext(deps, step, {
    ...{ resourceId: row.resourceId, priority: 'background', tags: { [ownTags.recoveryPoint]: row.pointId } },
    ...(suffix === undefined ? {} : { suffix }),
  })

async function worldOf(deps: SagaDeps, step: Step): Promise<{ readonly row: RecoveryCopy; readonly provider: Provider; readonly copies: Copies }> {
  const row = await deps.database.stores.recoveryCopies.findById(step.params.copyId)
  if (row === undefined) throw new AppError('not_found', 'The copy has been removed meanwhile.')
  const provider = await deps.openProvider(row.accountId)
  return { row, provider, copies: requireCopies(provider) }
}

function requireCopies({ copies, traits }: Provider): Copies {
  if (copies !== undefined) return copies
  const { copySnapshots } = traits
  throw new AppError('unsupported', copySnapshots.supported ? 'Its adapter cannot copy snapshots.' : copySnapshots.reason)
}

async function setOf(deps: SagaDeps, { params }: Step): Promise<string> {
  const { status, manifest } = await pointOf(deps, params.pointId)
  if (status === 'usable' && manifest !== undefined) return manifest.disks.set
  throw new AppError('conflict', `The recovery point is ${status} now: there is nothing to copy.`)
}
