import { AppError } from '@understudy/core'
import type { DiskPlace, Disks, InstanceRef, Provider, Snapshots, TrafficBinding } from '@understudy/provider'
import { isProviderError } from '@understudy/provider'
import type { StepContext } from '@understudy/saga'
import { z } from 'zod'
import { awaitCondition } from '../cloud/await-operation.ts'
import { callContext } from '../cloud/call-context.ts'
import type { StepCall } from '../cloud/call-context.ts'
import { ensureResting } from '../cloud/ensure-running.ts'
import { withEntry } from '../cloud/entry.ts'
import type { SagaDeps } from '../context.ts'
import { verificationSchema } from '../probes/probe.ts'
import type { Resource } from '../resources/resource.ts'
import { findingKinds } from './recovery-point.ts'
import { chosenPathsSchema } from './restore-paths/chosen-paths.ts'
import { restorableFields } from './rollback-plan.ts'
import type { PlannedDevice } from './rollback-plan.ts'

export const rollbackSagaParams = z.strictObject({
  resourceId: z.string(),
  pointId: z.string(),
  primary: z.string(),
  primaryEpoch: z.int(),
  planHash: z.string(),
  safetyPointId: z.string(),
  devices: z.array(z.string()).optional(),
  fields: z.array(z.enum(restorableFields)).optional(),
  paths: chosenPathsSchema.optional(),
  verification: verificationSchema.optional(),
  onFailedVerification: z.enum(['restore', 'keep']).optional(),
  despite: z.array(z.enum(findingKinds)).optional(),
})
export type RollbackParams = z.infer<typeof rollbackSagaParams>
export type RollbackStep = StepContext<RollbackParams, object>

export interface RollbackWorld {
  readonly resource: Resource
  readonly provider: Provider
  readonly disks: Disks
  readonly snapshots: Snapshots
  readonly primary: InstanceRef
  readonly binding: TrafficBinding | undefined
}

export async function rollbackWorld(deps: SagaDeps, step: RollbackStep): Promise<RollbackWorld> {
  const resource = await deps.database.stores.resources.findById(step.params.resourceId)
  if (!resource) throw new AppError('not_found', 'The resource has been deleted meanwhile.')
  const provider = await withEntry(deps, resource, resource.accountId)
  const { disks, snapshots } = provider
  if (!disks || !snapshots) throw new AppError('unsupported', 'Disks of an instance cannot be exchanged on this cloud yet.')
  const primary = { ...provider.scope, nativeId: step.params.primary }
  return { resource, provider, disks, snapshots, primary, binding: provider.traffic ? resource.traffic : undefined }
}

export const rollbackContext = (deps: SagaDeps, step: RollbackStep, suffix: string): StepCall =>
  callContext(deps, step, { suffix, resourceId: step.params.resourceId, priority: 'background' })

export const formerPlaces = ({ scope }: Provider, devices: readonly PlannedDevice[]): readonly DiskPlace[] =>
  devices.map(({ device, present, deleteWithInstance }) => ({ deviceKey: device, disk: { ...scope, nativeId: present }, deleteWithInstance }))

/** Declares the places again and again until the cloud has brought them about. */
export async function bringAbout(deps: SagaDeps, step: RollbackStep, places: readonly DiskPlace[], suffix: string): Promise<void> {
  const { disks, primary } = await rollbackWorld(deps, step)
  await step.audit({
    action: 'disks.arrange',
    target: primary.nativeId,
    details: { [suffix]: places.map(({ deviceKey, disk }) => `${deviceKey}=${disk.nativeId}`) },
  })
  await whileItRests(deps, step, suffix, async () => (await disks.arrange(primary, places, rollbackContext(deps, step, suffix))).settled)
}

/**
 * Repeats a change for which the instance has to be at rest until it answers true. In a conflict what was seen was history: it is still
 * coming to rest, or the former round has just ended. One that somebody has started is stopped again: it was agreed that it goes down.
 */
export async function whileItRests(deps: SagaDeps, step: RollbackStep, suffix: string, change: () => Promise<boolean>): Promise<void> {
  const { provider, primary } = await rollbackWorld(deps, step)
  let starts = 0
  await awaitCondition(deps, step.signal, async () => {
    try {
      return (await change()) || undefined
    } catch (error) {
      if (!isProviderError(error, 'conflict')) throw error
    }
    if ((await provider.inventory.states([primary])).get(primary.nativeId)?.state !== 'running') return undefined
    starts += 1
    await step.note(`${primary.nativeId} runs, although it was stopped for this: it is stopped again.`)
    await step.audit({ action: 'compute.stop', target: primary.nativeId, details: { startedMeanwhile: starts } })
    await ensureResting(deps, provider, primary, false, rollbackContext(deps, step, `${suffix}:stop:${starts}`))
    return undefined
  })
}
