import { AppError, now, sleep } from '@understudy/core'
import { isProviderError } from '@understudy/provider'
import type { DiskRef } from '@understudy/provider'
import { systemActor } from '../access/access.ts'
import { awaitCondition, awaitOperation } from '../cloud/await-operation.ts'
import { ensureResting, ensureRunning } from '../cloud/ensure-running.ts'
import { awaitHealthy, carriesTraffic } from '../cloud/health.ts'
import type { SagaDeps } from '../context.ts'
import { failoverGate } from '../failover/failover.gate.ts'
import { stillRuns, unlessGone } from '../failover/failover.world.ts'
import { cloudChannel } from '../probes/guest-channel.ts'
import { probeProxyOf, noProbes } from '../probes/probe.ts'
import type { CheckResult } from '../probes/probe.ts'
import { failedChecks, verifyInstance } from '../probes/verify-instance.ts'
import { recordChange } from '../journal/record-change.ts'
import { priorities } from '../operations/operation.ts'
import { startOperation } from '../operations/start-operation.ts'
import type { NewOperation } from '../operations/start-operation.ts'
import type { Resource } from '../resources/resource.ts'
import { redactDna } from '../resources/redact.ts'
import { dropUnsealed, giveUp, keepDisks, pointOf, readDefinition, seal } from './capture-steps.ts'
import { closePoint } from './digests/digest-steps.ts'
import { inspectBytes } from './digests/inspect-bytes.ts'
import { inspectPoint, refuseDamaged } from './inspect-point.ts'
import { findPolicyOf } from './policies/may-roll-back.ts'
import { planRollback } from './rollback-plan.ts'
import type { PlannedDevice, RollbackPlan } from './rollback-plan.ts'
import { disksBeside } from './restored-disks/disks-beside.ts'
import { bringAbout, formerPlaces, rollbackContext, rollbackWorld } from './rollback.world.ts'
import type { RollbackStep } from './rollback.world.ts'

/** What the later steps need of the plan that was approved. */
export type Agreed = {
  readonly set: string
  readonly zone: string
  readonly devices: readonly PlannedDevice[]
  readonly wasRunning: boolean
  /** Noted before anything is done: a step that runs again could no longer tell. */
  readonly hadTraffic: boolean
}

/** Makes the plan anew and refuses when it is not the one that was approved: something has been changed since. */
export async function approvedPlan(
  deps: SagaDeps,
  step: RollbackStep,
): Promise<{ readonly plan: RollbackPlan; readonly set: string; readonly zone: string; readonly hadTraffic: boolean }> {
  const { resource, provider, primary, binding } = await rollbackWorld(deps, step)
  const { primary: expected, primaryEpoch, planHash, devices, fields, paths } = step.params
  const gate = failoverGate({ resource, expected: { primary: expected, primaryEpoch }, nowMs: deps.clock.nowMs() })
  if (!gate.ok) throw new AppError(gate.kind, gate.reason)
  const point = await pointOf(deps, step.params.pointId)
  const present = await provider.inventory.describe(primary)
  if (point.status !== 'usable' || point.manifest === undefined) throw new AppError('plan_stale', `The recovery point is ${point.status} now.`)
  if (present === undefined) throw new AppError('plan_stale', `${primary.nativeId} is gone.`)
  const policy = await findPolicyOf(deps.database.stores, resource)
  const { verification, onFailedVerification, despite } = step.params
  const findings = await inspectPoint(deps, provider, point)
  refuseDamaged(findings, despite)
  const chosen = { devices, fields, paths, verification, onFailedVerification, despite, findings }
  const beside = await disksBeside(deps.database.stores, provider, resource.id)
  const answer = planRollback({ resource, point, policy, present: redactDna(present), beside, traits: provider.traits, ...chosen })
  if (!answer.ok) throw new AppError('plan_stale', answer.reason)
  if (answer.planHash !== planHash) {
    throw new AppError('plan_stale', 'Something has been changed since the plan was approved.', { details: { remedy: 'Ask for a new plan.' } })
  }
  return {
    plan: answer.plan,
    set: point.manifest.disks.set,
    zone: present.placement.zone ?? '',
    hadTraffic: await carriesTraffic(provider, binding, primary.nativeId),
  }
}

export async function passGate(deps: SagaDeps, step: RollbackStep): Promise<Agreed> {
  const { plan, set, zone, hadTraffic } = await approvedPlan(deps, step)
  await sampleBytes(deps, step)
  return { set, zone, devices: plan.devices, wasRunning: plan.wasRunning, hadTraffic }
}

/** So much of the point's bytes is read again before anything is done, and no longer: what cannot be read holds no rollback up. */
const sample = { share: 0.01, withinMs: 20_000 }

async function sampleBytes(deps: SagaDeps, step: RollbackStep): Promise<void> {
  const point = await pointOf(deps, step.params.pointId)
  if (point.digests?.document === undefined) return
  try {
    refuseDamaged((await inspectBytes(deps, step, point, sample)).findings, step.params.despite)
  } catch (error) {
    if (!isProviderError(error, 'throttled', 'unavailable', 'unknown', 'quota_exceeded')) throw error
  }
}

/** What a worker that died in the middle of it has left open: it ends by itself within the hour, so that a cloud that does not answer is no matter. */
export async function closeSample(deps: SagaDeps, step: RollbackStep): Promise<void> {
  const point = await deps.database.stores.recoveryPoints.findById(step.params.pointId)
  if (point?.digests?.document === undefined) return
  try {
    await closePoint(deps, step, point.id)
  } catch (error) {
    if (!isProviderError(error)) throw error
  }
}

/** A rollback can be rolled back. */
export async function keepSafetyPoint(deps: SagaDeps, step: RollbackStep): Promise<{ readonly sequence: number }> {
  const { safetyPointId, primary } = step.params
  const definition = await readDefinition(deps, safetyPointId)
  if (definition.instance !== primary) throw new AppError('plan_stale', 'Another instance has become the primary meanwhile.')
  const { sequence } = await seal(deps, step, safetyPointId, definition, await keepDisks(deps, step, safetyPointId, primary))
  return { sequence }
}

/** One that was sealed stays, whatever becomes of the rollback. */
export const leaveSafetyPoint = (deps: SagaDeps, step: RollbackStep): Promise<void> => dropUnsealed(deps, step, step.params.safetyPointId)

/** Of a rollback that was refused before anything was kept: its point has a row from the start. */
export const leaveNoSafetyPoint = (deps: SagaDeps, step: RollbackStep): Promise<void> => giveUp(deps, step, step.params.safetyPointId)

/** New disks for every device of the point, the chosen ones and the others: a set is made as a whole. */
export async function makeDisks(deps: SagaDeps, step: RollbackStep, agreed: Agreed): Promise<{ readonly disks: Readonly<Record<string, string>> }> {
  const { provider, snapshots } = await rollbackWorld(deps, step)
  const { manifest } = await pointOf(deps, step.params.pointId)
  await step.audit({ action: 'snapshots.materialise', target: agreed.set })
  const handle = await snapshots.materialise({ setId: agreed.set }, { zone: agreed.zone }, rollbackContext(deps, step, 'made'))
  const made = await awaitOperation(deps, provider, handle, step.signal)
  return { disks: Object.fromEntries((manifest?.disks.members ?? []).map(({ device }, index) => [device, made[index]?.nativeId ?? ''])) }
}

/** Whether or not we were told that they were made. Only what is plugged in nowhere can be deleted, so that nothing in use is lost. */
export async function deleteMadeDisks(deps: SagaDeps, step: RollbackStep, agreed: Agreed): Promise<void> {
  const { provider, snapshots } = await rollbackWorld(deps, step)
  const { idempotencyKey } = rollbackContext(deps, step, 'made')
  const found: DiskRef[] = [...(await provider.compute.adopt(idempotencyKey)).disks]
  try {
    // The same key answers what it has made, also what a search does not show yet.
    const handle = await snapshots.materialise({ setId: agreed.set }, { zone: agreed.zone }, rollbackContext(deps, step, 'made'))
    found.push(...(await awaitOperation(deps, provider, handle, step.signal)))
  } catch (error) {
    if (!isProviderError(error, 'not_found', 'conflict')) throw error
  }
  const unwanted = new Map(found.map((disk) => [disk.nativeId, disk]))
  for (const disk of unwanted.values()) {
    await step.audit({ action: 'snapshots.deleteDisk', target: disk.nativeId })
    await snapshots.deleteDisk(disk, rollbackContext(deps, step, `delete:${disk.nativeId}`))
  }
}

/** Requests under way get this long to end. */
const graceMs = 5000

export async function goOffline(deps: SagaDeps, step: RollbackStep): Promise<{ readonly offline: boolean }> {
  const { provider, primary, binding } = await rollbackWorld(deps, step)
  if (!binding || !provider.traffic) return { offline: false }
  await step.audit({ action: 'traffic.setWeights', target: primary.nativeId, details: { offline: true } })
  try {
    await provider.traffic.setWeights(binding, [{ ref: primary, weight: 0 }], rollbackContext(deps, step, 'offline'))
  } catch (error) {
    if (!isProviderError(error, 'unsupported', 'invalid')) throw error
    await step.note('This entry point cannot be taken offline: requests fail while the instance is stopped.')
    return { offline: false }
  }
  await sleep(deps.clock, graceMs, step.signal)
  return { offline: true }
}

/** Repeatable: who has the traffic keeps it. An instance that does not run cannot serve, and gets none. */
export async function goOnline(deps: SagaDeps, step: RollbackStep): Promise<{ readonly online: boolean }> {
  const { provider, primary, binding } = await rollbackWorld(deps, step)
  const { traffic } = provider
  if (!binding || !traffic || !(await stillRuns(provider, primary))) return { online: false }
  if (!(await carriesTraffic(provider, binding, primary.nativeId))) {
    await step.audit({ action: 'traffic.setWeights', target: primary.nativeId, details: { to: primary.nativeId } })
    await awaitCondition(deps, step.signal, async () => {
      try {
        await traffic.setWeights(binding, [{ ref: primary, weight: 100 }], rollbackContext(deps, step, 'online'))
        return true
      } catch (error) {
        if (!isProviderError(error, 'conflict')) throw error
        return undefined
      }
    })
  }
  if (binding.mechanism !== 'address-move') await awaitHealthy(deps, provider, binding, primary, step.signal)
  return { online: true }
}

export async function rest(deps: SagaDeps, step: RollbackStep): Promise<{ readonly stopped: true }> {
  const { provider, primary } = await rollbackWorld(deps, step)
  await step.audit({ action: 'compute.stop', target: primary.nativeId })
  await ensureResting(deps, provider, primary, false, rollbackContext(deps, step, 'stop'))
  return { stopped: true }
}

export async function wake(deps: SagaDeps, step: RollbackStep): Promise<{ readonly started: boolean }> {
  const { provider, primary } = await rollbackWorld(deps, step)
  await step.audit({ action: 'compute.start', target: primary.nativeId })
  return ensureRunning(deps, provider, primary, rollbackContext(deps, step, 'start'))
}

export type Verified = { readonly passed: boolean; readonly checks: readonly CheckResult[] }

/** A failed verification is a failed rollback, unless whoever approved it wants it kept all the same. */
export async function verifyRestored(deps: SagaDeps, step: RollbackStep): Promise<Verified> {
  const { provider, primary, resource } = await rollbackWorld(deps, step)
  const account = await deps.database.stores.accounts.findById(resource.accountId)
  const proxy = probeProxyOf(account?.settings ?? {})
  const { verification = noProbes, onFailedVerification = 'restore' } = step.params
  const channel = cloudChannel(deps, step, { provider, ref: primary }, (suffix) => rollbackContext(deps, step, suffix))
  const verified = await verifyInstance(deps, provider, primary, { verification, proxy, channel, signal: step.signal })
  if (verified.passed) return verified
  const failed = failedChecks(verified.checks)
  if (onFailedVerification === 'restore') {
    throw new AppError('verification_failed', `What came back does not pass its checks. ${failed}`, {
      details: { remedy: 'The state before is put back. Rehearse the rollback with :testRollback, and choose another point.' },
    })
  }
  await step.note('It does not pass its checks, and is kept as was asked for.', { checks: verified.checks })
  return verified
}

/** Undoing something on an instance that the cloud has taken meanwhile: the failover that follows takes care of the rest. */
export async function unlessTaken(step: RollbackStep, undo: () => Promise<unknown>): Promise<void> {
  const { gone } = await unlessGone(undo)
  if (gone) await step.note(`${step.params.primary} is gone: there is nothing to put back.`)
}

export async function exchange(
  deps: SagaDeps,
  step: RollbackStep,
  agreed: Agreed,
  made: Readonly<Record<string, string>>,
): Promise<{ readonly exchanged: number }> {
  const { provider } = await rollbackWorld(deps, step)
  const places = formerPlaces(provider, agreed.devices).map((place) => ({ ...place, disk: { ...place.disk, nativeId: made[place.deviceKey] ?? '' } }))
  await bringAbout(deps, step, places, 'exchange')
  return { exchanged: places.length }
}

export async function putBack(deps: SagaDeps, step: RollbackStep, agreed: Agreed): Promise<void> {
  const { provider } = await rollbackWorld(deps, step)
  await unlessTaken(step, () => bringAbout(deps, step, formerPlaces(provider, agreed.devices), 'put-back'))
}

/** Tells what became of which disk, deletes those that were made for devices that nobody chose, and has the definition read anew. */
export async function recordRollback(
  deps: SagaDeps,
  step: RollbackStep,
  agreed: Agreed,
  made: Readonly<Record<string, string>>,
  verified: Verified | null,
): Promise<{ readonly replaced: readonly string[] }> {
  const { provider, snapshots } = await rollbackWorld(deps, step)
  const chosen = new Set(agreed.devices.map(({ device }) => device))
  for (const [device, nativeId] of Object.entries(made)) {
    if (chosen.has(device)) continue
    await step.audit({ action: 'snapshots.deleteDisk', target: nativeId })
    await snapshots.deleteDisk({ ...provider.scope, nativeId, zone: agreed.zone }, rollbackContext(deps, step, `delete:${device}`))
  }
  const replaced = agreed.devices.map(({ present }) => present)
  await deps.database.transaction(async (stores) => {
    const resource = await stores.resources.findById(step.params.resourceId)
    if (resource === undefined) return
    const { safetyPointId, pointId } = step.params
    await recordChange(deps, stores, {
      projectId: resource.projectId,
      actor: systemActor('recovery.rollback'),
      what: 'recovery_points.rolled_back',
      subject: `recovery-points/${pointId}`,
      operationId: step.operationId,
      data: {
        resourceId: resource.id,
        safetyPointId,
        verified: verified?.passed ?? null,
        checks: (verified?.checks ?? []).map(({ check, outcome }) => ({ check, outcome })),
        devices: agreed.devices.map(({ device, present }) => ({ device, replaced: present, by: made[device] })),
      },
      deduplicationKey: `${step.operationId}:rolled_back`,
    })
    await startOperation(deps, stores, refreshOf(resource, `Its disks have been exchanged at ${now(deps.clock).toISOString()}`))
  })
  return { replaced }
}

/** Our books say what it was before. */
export const refreshOf = (resource: Pick<Resource, 'id' | 'projectId'>, reason: string): NewOperation => ({
  kind: 'resource.refresh',
  projectId: resource.projectId,
  params: { resourceId: resource.id },
  resourceId: resource.id,
  lockKey: `refresh:${resource.id}`,
  priority: priorities.background,
  requestedBy: systemActor('recovery.rollback'),
  reason,
})
