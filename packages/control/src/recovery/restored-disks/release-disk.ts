import { AppError, notFound } from '@understudy/core'
import { actorOf } from '../../access/access.ts'
import type { Principal } from '../../access/access.ts'
import { requireRole } from '../../access/require-role.ts'
import type { Control } from '../../context.ts'
import { recordChange } from '../../journal/record-change.ts'
import { priorities } from '../../operations/operation.ts'
import type { NewOperation } from '../../operations/start-operation.ts'
import type { Operation } from '../../operations/operation.ts'
import { startOperation } from '../../operations/start-operation.ts'
import type { RestoredDisk } from './restored-disk.ts'

/** Unplugs and deletes a restored disk before its time is up. Asked for again while that goes on: the same operation. */
export async function releaseRestoredDisk(control: Control, principal: Principal, { id }: { readonly id: string }): Promise<Operation> {
  requireRole(principal, 'operator')
  const actor = actorOf(principal)
  return control.database.transaction(async (stores) => {
    const disk = await stores.restoredDisks.find(principal.projectId, id)
    if (disk === undefined) throw notFound('restored disk')
    if (disk.status === 'restoring') {
      throw new AppError('conflict', `It is being plugged in: cancel ${disk.operationId} instead.`, { details: { operationId: disk.operationId } })
    }
    if (disk.status !== 'attached') throw new AppError('conflict', `Nothing of it is left: it is ${disk.status}.`)
    const { operation, joined } = await startOperation(control, stores, releaseOf(disk, actor, 'Asked for'))
    if (!joined) {
      await recordChange(control, stores, {
        projectId: disk.projectId,
        actor,
        what: 'restored_disks.release_requested',
        subject: `restored-disks/${id}`,
        operationId: operation.id,
        data: { resourceId: disk.resourceId },
      })
    }
    return operation
  })
}

export const releaseOf = (disk: RestoredDisk, requestedBy: string, reason: string): NewOperation => ({
  kind: 'recovery.release-disk',
  projectId: disk.projectId,
  params: { restoredDiskId: disk.id },
  resourceId: disk.resourceId,
  lockKey: `recovery.release-disk:${disk.id}`,
  priority: priorities.background,
  requestedBy,
  reason,
})
