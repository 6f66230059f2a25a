import { AppError, notFound, now } from '@understudy/core'
import type { Provider } from '@understudy/provider'
import { actorOf } from '../../access/access.ts'
import type { Principal } from '../../access/access.ts'
import { requireRole } from '../../access/require-role.ts'
import type { Control } from '../../context.ts'
import { refuseInvalid, textErrors } from '../../fields.ts'
import { recordChange } from '../../journal/record-change.ts'
import { priorities } from '../../operations/operation.ts'
import type { Operation } from '../../operations/operation.ts'
import { startOperation } from '../../operations/start-operation.ts'
import type { Resource } from '../../resources/resource.ts'
import { findPolicyOf, requireRollBackRight } from '../policies/may-roll-back.ts'
import { inspectPoint, refuseDamaged } from '../inspect-point.ts'
import type { Finding, FindingKind, RecoveryPoint } from '../recovery-point.ts'
import { newRestoredDisk, usualTtlSeconds } from './restored-disk.ts'

export interface RestoreDiskPlan {
  readonly pointId: string
  readonly resourceId: string
  /** The primary that it would be plugged into, and its zone. */
  readonly instance: string
  readonly zone: string
  readonly device: string
  /** What the cloud bills, until it is gone. */
  readonly sizeGiB: number
  readonly maxHours: number
  readonly readOnly: boolean
  readonly expiresAt: Date
  /** What the point was looked at for, and found. */
  readonly findings: readonly Finding[]
  readonly steps: readonly { readonly name: string; readonly title: string; readonly undo: string; readonly expectedSeconds: number }[]
  readonly downtimeSeconds: number
  readonly risks: readonly string[]
}

/** Every check and what would be done, without doing anything. A damaged point is refused as it would be by the operation. */
export async function prepareRestoreDisk(
  control: Control,
  principal: Principal,
  input: {
    readonly id: string
    readonly device: string
    readonly despite?: readonly FindingKind[] | undefined
    readonly ttlSeconds?: number | undefined
  },
): Promise<RestoreDiskPlan> {
  requireRole(principal, 'operator')
  const { point, resource, zone, readOnly, provider } = await checked(control, principal, input)
  const findings = await inspectPoint(control, provider, point)
  refuseDamaged(findings, input.despite)
  const { ttlSeconds = usualTtlSeconds, device } = input
  const { readOnlyDisks } = provider.traits
  return {
    ...{ pointId: point.id, resourceId: resource.id, instance: resource.nativeId, zone, device, readOnly, findings },
    sizeGiB: point.manifest?.disks.members.find((member) => member.device === device)?.sizeGiB ?? 0,
    ...{ maxHours: ttlSeconds / 3600, expiresAt: new Date(control.clock.nowMs() + ttlSeconds * 1000) },
    steps: [
      { name: 'gate', title: 'Check that the point is what was kept', undo: 'nothing to undo', expectedSeconds: 5 },
      { name: 'made', title: 'Make the disk from the recovery point', undo: 'it is deleted', expectedSeconds: 30 },
      { name: 'plugged', title: 'Plug it in beside the others', undo: 'it is unplugged', expectedSeconds: 10 },
      { name: 'recorded', title: 'Tell where it is', undo: 'point of no return', expectedSeconds: 1 },
    ],
    downtimeSeconds: 0,
    risks: [
      'The cloud bills the disk until it is released, or its time is up.',
      ...(readOnlyDisks.supported ? [] : [readOnlyDisks.reason]),
      ...findings.map(({ kind, message }) => `Known, and accepted: ${kind}. ${message}`),
    ],
  }
}

/**
 * Makes one disk of a recovery point anew and plugs it in beside the disks of the primary, for a time. The resource goes on as it is.
 * `busy` while another disk is being plugged in there; `forbidden` for whom its policy does not let roll back.
 */
export async function restoreDisk(
  control: Control,
  principal: Principal,
  input: {
    /** Of the point. */
    readonly id: string
    readonly device: string
    readonly reason: string
    readonly despite?: readonly FindingKind[] | undefined
    readonly ttlSeconds?: number | undefined
  },
): Promise<Operation> {
  requireRole(principal, 'operator')
  refuseInvalid(textErrors('/reason', input.reason, 500))
  const { point, resource, zone, readOnly } = await checked(control, principal, input)
  const actor = actorOf(principal)
  return control.database.transaction(async (stores) => {
    const id = control.ids.next('restoredDisk')
    const { operation, joined } = await startOperation(control, stores, {
      kind: 'recovery.restore-disk',
      projectId: point.projectId,
      params: { restoredDiskId: id, pointId: point.id, ...(input.despite === undefined ? {} : { despite: [...input.despite] }) },
      resourceId: resource.id,
      lockKey: `recovery.restore-disk:${resource.id}`,
      priority: priorities.background,
      requestedBy: actor,
      reason: input.reason,
    })
    if (joined) {
      throw new AppError('busy', `Another disk is being plugged in there: ${operation.id}. Wait for it, then repeat.`, {
        details: { operationId: operation.id },
      })
    }
    const at = now(control.clock)
    const { device, reason, ttlSeconds } = input
    const disk = newRestoredDisk(resource, point.id, zone, {
      id,
      device,
      readOnly,
      reason,
      requestedBy: actor,
      operationId: operation.id,
      at,
      ttlSeconds,
    })
    await stores.restoredDisks.insert(disk)
    await recordChange(control, stores, {
      projectId: point.projectId,
      actor,
      what: 'restored_disks.requested',
      subject: `restored-disks/${id}`,
      operationId: operation.id,
      data: {
        ...{ resourceId: resource.id, recoveryPointId: point.id, device: input.device, instance: resource.nativeId },
        ...{ reason: input.reason, expiresAt: disk.expiresAt.toISOString() },
      },
    })
    return operation
  })
}

async function checked(
  control: Control,
  principal: Principal,
  { id, device }: { readonly id: string; readonly device: string },
): Promise<{
  readonly point: RecoveryPoint
  readonly resource: Resource
  readonly provider: Provider
  readonly zone: string
  readonly readOnly: boolean
}> {
  const { stores } = control.database
  const point = await stores.recoveryPoints.find(principal.projectId, id)
  if (point === undefined) throw notFound('recovery point')
  const { manifest } = point
  if (point.status !== 'usable' || manifest === undefined)
    throw new AppError('conflict', `Only disks of a usable recovery point can be restored; this one is ${point.status}.`)
  const there = manifest.disks.members.map((member) => member.device)
  if (!there.includes(device)) refuseInvalid([{ pointer: '/device', message: `must be a device of the point: ${there.join(', ')}` }])
  const resource = await stores.resources.find(principal.projectId, point.resourceId)
  if (resource === undefined)
    throw new AppError('conflict', 'The resource of this recovery point has been deleted: there is nothing to plug a disk into.')
  if (resource.accountId !== point.accountId)
    throw new AppError('conflict', 'The resource has moved to another account since: the disks of this point cannot be plugged in there.')
  requireRollBackRight(principal, await findPolicyOf(stores, resource))
  const account = await stores.accounts.findById(resource.accountId)
  if (account === undefined) throw notFound('account')
  const provider = await control.providers.open(account)
  if (provider.disks === undefined || provider.snapshots === undefined)
    throw new AppError('unsupported', `Disks cannot be plugged into an instance on ${account.provider} yet.`, {
      details: { remedy: 'The recovery point still has its snapshots: make a disk from one by hand.' },
    })
  const present = await provider.inventory.describe({ ...provider.scope, nativeId: resource.nativeId })
  if (present === undefined || present.state === 'terminated')
    throw new AppError('conflict', `The cloud no longer knows ${resource.nativeId}. Fail over to a shadow first.`)
  return { point, resource, provider, zone: present.placement.zone ?? '', readOnly: provider.traits.readOnlyDisks.supported }
}
