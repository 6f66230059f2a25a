import { AppError, notFound, now } from '@understudy/core'
import type { Json, JsonObject } from '@understudy/core'
import { actorOf } from '../access/access.ts'
import type { Principal } from '../access/access.ts'
import { requireRole } from '../access/require-role.ts'
import type { Control } from '../context.ts'
import { refuseInvalid, textErrors } from '../fields.ts'
import { failoverGate } from '../failover/failover.gate.ts'
import { recordChange } from '../journal/record-change.ts'
import { priorities } from '../operations/operation.ts'
import type { Operation } from '../operations/operation.ts'
import { startOperation } from '../operations/start-operation.ts'
import { verificationSchema } from '../probes/probe.ts'
import type { AskedChecks } from '../probes/probe.ts'
import { redactDna } from '../resources/redact.ts'
import type { Resource } from '../resources/resource.ts'
import { newRecoveryPoint } from './new-recovery-point.ts'
import { inspectPoint, refuseDamaged } from './inspect-point.ts'
import { findPolicyOf, requireRollBackRight } from './policies/may-roll-back.ts'
import { planRollback } from './rollback-plan.ts'
import type { RestorableField, RollbackPlan } from './rollback-plan.ts'
import type { FindingKind } from './recovery-point.ts'
import type { SagaName } from '../operations/saga-versions.ts'
import type { ChosenPaths } from './restore-paths/chosen-paths.ts'
import { disksBeside } from './restored-disks/disks-beside.ts'
import { newRestoredDisk } from './restored-disks/restored-disk.ts'

export interface RollbackRequest {
  readonly recoveryPointId: string
  /** Left out: all disks of the point. */
  readonly devices?: readonly string[] | undefined
  /** Instead of disks: these fields of the definition alone. */
  readonly fields?: readonly RestorableField[] | undefined
  /** Instead of disks: files and directories of one. */
  readonly paths?: ChosenPaths | undefined
  /** Left out: what the resource's policy says; without one, the cloud's own checks. */
  readonly verification?: AskedChecks | undefined
  readonly onFailedVerification?: 'restore' | 'keep' | undefined
  /** Kinds of damage of the point that are known and accepted. */
  readonly despite?: readonly FindingKind[] | undefined
}

/** Every check and the plan, without doing anything. */
export async function prepareRollback(
  control: Control,
  principal: Principal,
  input: RollbackRequest,
): Promise<{ readonly plan: RollbackPlan; readonly planHash: string }> {
  requireRole(principal, 'operator')
  const { plan, planHash } = await prepare(control, principal, input)
  return { plan, planHash }
}

/**
 * Takes a resource back to a recovery point, by a plan that was seen: `plan_stale` when the world has moved since. A rollback and a
 * failover of one resource exclude each other.
 */
export async function startRollback(
  control: Control,
  principal: Principal,
  input: RollbackRequest & { readonly reason: string; readonly planHash: string },
): Promise<Operation> {
  requireRole(principal, 'operator')
  refuseInvalid(textErrors('/reason', input.reason, 500))
  const { plan, planHash, resource, zone, readOnly } = await prepare(control, principal, input)
  if (planHash !== input.planHash) {
    throw new AppError('plan_stale', 'The plan you approved is not the plan that would run now. Ask for a new one with validateOnly=true.', {
      details: { planHash },
    })
  }
  const actor = actorOf(principal)
  return control.database.transaction(async (stores) => {
    const safetyPointId = control.ids.next('recoveryPoint')
    const restoredDiskId = input.paths === undefined ? undefined : control.ids.next('restoredDisk')
    const { operation, joined } = await startOperation(control, stores, {
      kind: kindOf(input),
      projectId: resource.projectId,
      params: {
        ...{ resourceId: resource.id, pointId: plan.pointId, primary: plan.primary, primaryEpoch: plan.primaryEpoch, planHash, safetyPointId },
        ...choicesOf(input, plan),
        ...(restoredDiskId === undefined ? {} : { restoredDiskId }),
      },
      resourceId: resource.id,
      // Whoever holds this lock decides where the primary of the resource is.
      lockKey: `failover:${resource.id}`,
      priority: priorities.manualFailover,
      requestedBy: actor,
      reason: input.reason,
      plan: plan as unknown as Json, // plain JSON by its type
      planHash,
    })
    if (joined) {
      throw new AppError('busy', `${operation.kind} works on this resource: ${operation.id}. Wait for it, then ask for a new plan.`, {
        details: { operationId: operation.id },
      })
    }
    const reason = `Before going back to ${plan.pointId}`
    await stores.recoveryPoints.insert(
      newRecoveryPoint({ id: safetyPointId, resource, reason, requestedBy: actor, operationId: operation.id, at: now(control.clock) }),
    )
    if (restoredDiskId !== undefined && input.paths !== undefined) {
      const asked = { id: restoredDiskId, device: input.paths.device, reason: input.reason, requestedBy: actor, operationId: operation.id }
      await stores.restoredDisks.insert(newRestoredDisk(resource, plan.pointId, zone, { ...asked, readOnly, at: now(control.clock) }))
    }
    await recordChange(control, stores, {
      projectId: resource.projectId,
      actor,
      what: 'recovery_points.rollback_requested',
      subject: `recovery-points/${plan.pointId}`,
      operationId: operation.id,
      data: { resourceId: resource.id, reason: input.reason, planHash, safetyPointId },
    })
    return operation
  })
}

const kindOf = ({ fields, paths }: RollbackRequest): SagaName =>
  fields !== undefined ? 'recovery.rollback-fields' : paths !== undefined ? 'recovery.restore-paths' : 'recovery.rollback'

/** What a caller has chosen, for the parameters of the operation. */
const choicesOf = ({ devices, fields, paths, onFailedVerification, despite }: RollbackRequest, { verification }: RollbackPlan): JsonObject => ({
  ...(devices === undefined ? {} : { devices: [...devices] }),
  ...(fields === undefined ? {} : { fields: [...fields] }),
  ...(paths === undefined ? {} : { paths: { ...paths } }),
  // The policy's own where nobody asked for other ones: what was approved is what is looked for.
  verification,
  ...(onFailedVerification === undefined ? {} : { onFailedVerification }),
  ...(despite === undefined ? {} : { despite: [...despite] }),
})

async function prepare(
  control: Control,
  principal: Principal,
  input: RollbackRequest,
): Promise<{
  readonly plan: RollbackPlan
  readonly planHash: string
  readonly resource: Resource
  readonly zone: string
  readonly readOnly: boolean
}> {
  const named = (['devices', 'fields', 'paths'] as const).filter((what) => input[what] !== undefined)
  if (named.length > 1) refuseInvalid([{ pointer: `/${named.at(-1)}`, message: `names what is brought back alone: leave ${named[0]} out` }])
  const { stores } = control.database
  const point = await stores.recoveryPoints.find(principal.projectId, input.recoveryPointId)
  if (point === undefined) throw notFound('recovery point')
  if (point.status !== 'usable') throw new AppError('conflict', `Only a usable recovery point can be gone back to; this one is ${point.status}.`)
  const resource = await stores.resources.find(principal.projectId, point.resourceId)
  if (resource === undefined) throw new AppError('conflict', 'The resource of this recovery point has been deleted: there is nothing to take back.')
  const account = await stores.accounts.findById(resource.accountId)
  if (account === undefined) throw notFound('account')
  const policy = await findPolicyOf(stores, resource)
  requireRollBackRight(principal, policy)
  const gate = failoverGate({ resource, expected: { primary: resource.nativeId, primaryEpoch: resource.primaryEpoch }, nowMs: control.clock.nowMs() })
  if (!gate.ok) throw new AppError(gate.kind, gate.reason)
  const provider = await control.providers.open(account)
  if (provider.disks === undefined || provider.snapshots === undefined) {
    throw new AppError('unsupported', `Disks of an instance cannot be exchanged on ${account.provider} yet.`, {
      details: { remedy: 'The recovery point still has its snapshots: make disks from them by hand.' },
    })
  }
  const described = await provider.inventory.describe({ ...provider.scope, nativeId: resource.nativeId })
  if (described === undefined || described.state === 'terminated') {
    throw new AppError('conflict', `The cloud no longer knows ${resource.nativeId}. Fail over to a shadow first.`)
  }
  const findings = await inspectPoint(control, provider, point)
  refuseDamaged(findings, input.despite)
  const { devices, fields, paths, onFailedVerification, despite } = input
  const { commands } = provider.traits
  if ((input.verification?.checks ?? []).length > 0 && !commands.supported) throw new AppError('unsupported', commands.reason)
  const verification = input.verification ?? policy?.rules.verification
  const checks = verification === undefined ? undefined : verificationSchema.parse(verification)
  const chosen = { devices, fields, paths, verification: checks, onFailedVerification, despite }
  const beside = await disksBeside(stores, provider, resource.id)
  const present = redactDna(described)
  const answer = planRollback({ resource, point, policy, present, beside, traits: provider.traits, findings, ...chosen })
  if (!answer.ok) throw new AppError('conflict', answer.reason)
  const [zone, readOnly] = [described.placement.zone ?? '', provider.traits.readOnlyDisks.supported]
  return { plan: answer.plan, planHash: answer.planHash, resource, zone, readOnly }
}
