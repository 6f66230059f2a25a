import { AppError, now, ownTags } from '@understudy/core'
import type { Provider } from '@understudy/provider'
import { isProviderError } from '@understudy/provider'
import type { StepContext } from '@understudy/saga'
import { adoptPatiently } from '../cloud/adopt-patiently.ts'
import { awaitCondition, awaitOperation } from '../cloud/await-operation.ts'
import { callContext } from '../cloud/call-context.ts'
import type { StepCall } from '../cloud/call-context.ts'
import type { SagaDeps } from '../context.ts'
import { swapOrRepeat } from '../seen-version.ts'
import { drillKeys } from './restore-drill.ts'
import type { Removed, RestoreDrill } from './restore-drill.ts'

type Step = StepContext<unknown, object>

export async function drillOf(deps: SagaDeps, drillId: string): Promise<RestoreDrill> {
  const drill = await deps.database.stores.restoreDrills.findById(drillId)
  if (drill === undefined) throw new AppError('not_found', 'The test rollback has been removed meanwhile.')
  return drill
}

/** Every call for a drill: its tags say whose it is and until when it may be there. */
export const drillContext = (deps: SagaDeps, step: Step, drill: RestoreDrill, key: string): StepCall => ({
  ...callContext(deps, step, {
    ...{ role: 'drill', resourceId: drill.resourceId, priority: 'background' },
    tags: { [ownTags.drill]: drill.id, [ownTags.expires]: drill.expiresAt.toISOString() },
  }),
  idempotencyKey: key,
})

/**
 * Deletes whatever a drill has made, whether or not we were told that it was made, and looks until nothing is left. Without the id of
 * the clone a minute is waited for one that may yet show.
 */
export async function cleanUp(deps: SagaDeps, step: Step, drill: RestoreDrill, clone: string | undefined): Promise<Removed> {
  const provider = await deps.openProvider(drill.accountId)
  const keys = drillKeys(drill)
  const instances = await endInstances(deps, step, provider, drill, clone)
  const disks = await deleteDisks(deps, step, provider, drill)
  const securityGroups = await removeIsolation(deps, step, provider, drill, keys.isolation)
  await markCleaned(deps, drill.id)
  return { instances, disks, securityGroups }
}

export async function leaveNoIsolation(deps: SagaDeps, step: Step, drill: RestoreDrill): Promise<void> {
  await removeIsolation(deps, step, await deps.openProvider(drill.accountId), drill, drillKeys(drill).isolation)
  await markCleaned(deps, drill.id)
}

async function endInstances(deps: SagaDeps, step: Step, provider: Provider, drill: RestoreDrill, clone: string | undefined): Promise<number> {
  const { clone: key } = drillKeys(drill)
  const found = clone === undefined ? await adoptPatiently(deps, provider, key, step.signal) : (await provider.compute.adopt(key)).instances
  const unwanted = new Map(found.map((ref) => [ref.nativeId, ref]))
  if (clone !== undefined) unwanted.set(clone, { ...provider.scope, nativeId: clone })
  for (const ref of unwanted.values()) {
    await step.audit({ action: 'compute.terminate', target: ref.nativeId, details: { drill: drill.id } })
    try {
      const context = drillContext(deps, step, drill, step.key(`terminate:${ref.nativeId}`))
      await awaitOperation(deps, provider, await provider.compute.terminate(ref, context), step.signal)
    } catch (error) {
      if (!isProviderError(error, 'not_found')) throw error
    }
  }
  return unwanted.size
}

/** Those that do not go with the instance: plugged in once, and left behind. */
async function deleteDisks(deps: SagaDeps, step: Step, provider: Provider, drill: RestoreDrill): Promise<number> {
  const { clone } = drillKeys(drill)
  const deleted = new Set<string>()
  await awaitCondition(deps, step.signal, async () => {
    const { disks } = await provider.compute.adopt(clone)
    if (disks.length === 0) return true
    for (const disk of disks) {
      if (!deleted.has(disk.nativeId)) await step.audit({ action: 'snapshots.deleteDisk', target: disk.nativeId, details: { drill: drill.id } })
      await unlessHeld(async () => {
        await provider.snapshots?.deleteDisk(disk, drillContext(deps, step, drill, step.key(`disk:${disk.nativeId}`)))
        deleted.add(disk.nativeId)
      })
    }
    return undefined
  })
  return deleted.size
}

async function removeIsolation(deps: SagaDeps, step: Step, provider: Provider, drill: RestoreDrill, key: string): Promise<number> {
  const { isolation } = provider
  if (isolation === undefined) return 0
  await step.audit({ action: 'isolation.remove', target: key, details: { drill: drill.id } })
  return awaitCondition(deps, step.signal, () => unlessHeld(async () => (await isolation.remove(key, drillContext(deps, step, drill, key))).removed))
}

/** Something still uses it, for a moment: looked at again. */
async function unlessHeld<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    if (isProviderError(error, 'conflict')) return undefined
    throw error
  }
}

async function markCleaned(deps: SagaDeps, id: string): Promise<void> {
  const drill = await drillOf(deps, id)
  const at = now(deps.clock)
  await swapOrRepeat(deps.database.stores.restoreDrills.update({ ...drill, cleanedAt: at, updatedAt: at }, drill.version))
}
