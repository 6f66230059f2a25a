import { AppError, now, ownTags } from '@understudy/core'
import { isProviderError } from '@understudy/provider'
import type { CallContext, DiskRef, Disks, Provider, Snapshots } from '@understudy/provider'
import type { StepContext } from '@understudy/saga'
import { systemActor } from '../../access/access.ts'
import { awaitCondition, awaitOperation } from '../../cloud/await-operation.ts'
import { callContext } from '../../cloud/call-context.ts'
import type { SagaDeps } from '../../context.ts'
import { recordChange } from '../../journal/record-change.ts'
import { swapOrRepeat } from '../../seen-version.ts'
import { pointOf } from '../capture-steps.ts'
import { inspectPoint, refuseDamaged } from '../inspect-point.ts'
import type { FindingKind } from '../recovery-point.ts'
import { diskKey } from './restored-disk.ts'
import type { RestoredDisk } from './restored-disk.ts'

type Step = StepContext<{ readonly restoredDiskId: string }, object>

interface World {
  readonly row: RestoredDisk
  readonly provider: Provider
  readonly disks: Disks
  readonly snapshots: Snapshots
}

async function worldOf(deps: SagaDeps, step: Step): Promise<World> {
  const row = await deps.database.stores.restoredDisks.findById(step.params.restoredDiskId)
  if (row === undefined) throw new AppError('not_found', 'The restored disk has been removed meanwhile.')
  const provider = await deps.openProvider(row.accountId)
  const { disks, snapshots } = provider
  if (disks === undefined || snapshots === undefined) throw new AppError('unsupported', 'Disks cannot be plugged into an instance on this cloud yet.')
  return { row, provider, disks, snapshots }
}

/** Every call for it: the tags say whose it is and until when it may be there. */
const contextOf = (deps: SagaDeps, step: Step, row: RestoredDisk, key: string): CallContext & { readonly signal: AbortSignal } => ({
  ...callContext(deps, step, {
    ...{ role: 'restored', resourceId: row.resourceId, priority: 'background' },
    tags: { [ownTags.restoredDisk]: row.id, [ownTags.expires]: row.expiresAt.toISOString() },
  }),
  idempotencyKey: key,
  signal: step.signal,
})

const instanceOf = ({ provider, row }: World) => ({ ...provider.scope, nativeId: row.instance, zone: row.zone })
const diskRefOf = ({ provider, row }: World, nativeId: string): DiskRef => ({ ...provider.scope, nativeId, zone: row.zone })

export async function passGate(deps: SagaDeps, step: Step, despite: readonly FindingKind[] | undefined): Promise<{ readonly set: string }> {
  const { row, provider } = await worldOf(deps, step)
  const point = await pointOf(deps, row.pointId)
  if (point.status !== 'usable' || point.manifest === undefined) throw new AppError('conflict', `The recovery point is ${point.status} now.`)
  const resource = await deps.database.stores.resources.findById(row.resourceId)
  if (resource?.nativeId !== row.instance) throw new AppError('conflict', 'Another instance has become the primary meanwhile.')
  refuseDamaged(await inspectPoint(deps, provider, point), despite)
  return { set: point.manifest.disks.set }
}

export async function makeDisk(deps: SagaDeps, step: Step, set: string): Promise<{ readonly disk: string }> {
  const world = await worldOf(deps, step)
  const { row, provider, snapshots } = world
  await step.audit({ action: 'snapshots.materialise', target: set, details: { device: row.device } })
  const to = { zone: row.zone, devices: [row.device] }
  const handle = await snapshots.materialise({ setId: set }, to, contextOf(deps, step, row, diskKey(row)))
  const [made] = await awaitOperation(deps, provider, handle, step.signal)
  if (made === undefined) throw new Error('one disk was asked for, and none was made')
  return { disk: made.nativeId }
}

/** Whether or not we were told that it was made: the same key answers what it has made, also what a search does not show yet. */
export async function deleteMade(deps: SagaDeps, step: Step, set: string): Promise<void> {
  const world = await worldOf(deps, step)
  const { row, provider, snapshots } = world
  const key = diskKey(row)
  const found = [...(await provider.compute.adopt(key)).disks]
  try {
    const to = { zone: row.zone, devices: [row.device] }
    const handle = await snapshots.materialise({ setId: set }, to, contextOf(deps, step, row, key))
    found.push(...(await awaitOperation(deps, provider, handle, step.signal)))
  } catch (error) {
    if (!isProviderError(error, 'not_found', 'conflict')) throw error
  }
  for (const nativeId of new Set(found.map((disk) => disk.nativeId))) await deleteDisk(deps, step, world, nativeId)
}

export async function plug(deps: SagaDeps, step: Step, nativeId: string): Promise<{ readonly place: string; readonly inGuest: readonly string[] }> {
  const world = await worldOf(deps, step)
  const { row, disks } = world
  await step.audit({ action: 'disks.plug', target: row.instance, details: { disk: nativeId, readOnly: row.readOnly } })
  const context = contextOf(deps, step, row, step.key('plug'))
  return awaitCondition(deps, step.signal, () =>
    unlessBusy(async () => {
      const plugged = await disks.plug(instanceOf(world), diskRefOf(world, nativeId), { readOnly: row.readOnly }, context)
      return plugged.settled ? { place: plugged.deviceKey, inGuest: plugged.inGuest } : undefined
    }),
  )
}

export async function unplug(deps: SagaDeps, step: Step, nativeId: string): Promise<void> {
  const world = await worldOf(deps, step)
  const { row, disks } = world
  await step.audit({ action: 'disks.unplug', target: row.instance, details: { disk: nativeId } })
  const context = contextOf(deps, step, row, step.key('unplug'))
  await awaitCondition(deps, step.signal, () =>
    unlessBusy(async () => {
      const { settled } = await disks.unplug(instanceOf(world), diskRefOf(world, nativeId), context)
      return settled ? true : undefined
    }),
  )
}

/** Only what is plugged in nowhere is deleted: what still is, where a list shows it late, is unplugged again. */
async function deleteDisk(deps: SagaDeps, step: Step, world: World, nativeId: string): Promise<void> {
  const { row, disks, snapshots } = world
  await step.audit({ action: 'snapshots.deleteDisk', target: nativeId, details: { restoredDisk: row.id } })
  await awaitCondition(deps, step.signal, () =>
    unlessBusy(async () => {
      const away = contextOf(deps, step, row, step.key(`unplug:${nativeId}`))
      if (!(await disks.unplug(instanceOf(world), diskRefOf(world, nativeId), away)).settled) return undefined
      await snapshots.deleteDisk(diskRefOf(world, nativeId), contextOf(deps, step, row, step.key(`delete:${nativeId}`)))
      return true
    }),
  )
}

/** Another change of the instance is under way, or it is on its way between states: looked at again. */
async function unlessBusy<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    if (isProviderError(error, 'conflict')) return undefined
    throw error
  }
}

/** One whose id is known. */
export async function removeDisk(deps: SagaDeps, step: Step, nativeId: string): Promise<void> {
  await deleteDisk(deps, step, await worldOf(deps, step), nativeId)
}

/** Takes everything of it away, by its row alone. */
export async function remove(deps: SagaDeps, step: Step): Promise<{ readonly removed: number }> {
  const world = await worldOf(deps, step)
  const { row, provider } = world
  const found = new Set((await provider.compute.adopt(diskKey(row))).disks.map(({ nativeId }) => nativeId))
  if (row.disk !== undefined && row.cleanedAt === undefined) found.add(row.disk)
  for (const nativeId of found) await deleteDisk(deps, step, world, nativeId)
  return { removed: found.size }
}

/** Writes what has become of it, once. */
export async function record(
  deps: SagaDeps,
  step: Step,
  change: Pick<RestoredDisk, 'status'> & Partial<Pick<RestoredDisk, 'disk' | 'place'>>,
): Promise<{ readonly restoredDiskId: string }> {
  const at = now(deps.clock)
  await deps.database.transaction(async (stores) => {
    const row = await stores.restoredDisks.findById(step.params.restoredDiskId)
    if (row === undefined || row.status === change.status) return
    // Swept in the meantime. One that was plugged in all the same is there again, for the next sweep.
    if (change.status === 'failed' && row.status !== 'restoring') return
    const cleanedAt = change.status === 'attached' ? undefined : (row.cleanedAt ?? at)
    await swapOrRepeat(stores.restoredDisks.update({ ...row, ...change, cleanedAt, updatedAt: at }, row.version))
    await recordChange(deps, stores, {
      projectId: row.projectId,
      actor: systemActor('recovery.restore-disk'),
      what: `restored_disks.${change.status}`,
      subject: `restored-disks/${row.id}`,
      operationId: step.operationId,
      data: {
        ...{ resourceId: row.resourceId, recoveryPointId: row.pointId, device: row.device, instance: row.instance, readOnly: row.readOnly },
        ...(change.place === undefined ? {} : { place: change.place }),
      },
    })
  })
  return { restoredDiskId: step.params.restoredDiskId }
}
