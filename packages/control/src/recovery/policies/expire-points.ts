import { now } from '@understudy/core'
import { systemActor } from '../../access/access.ts'
import type { Control } from '../../context.ts'
import { recordChange } from '../../journal/record-change.ts'
import { swapOrRepeat } from '../../seen-version.ts'
import { undeleteMs } from '../delete-recovery-point.ts'
import { isLocked } from '../recovery-point.ts'
import type { RollbackPolicy } from './policy.ts'

/** Marks a point as deleted that no rule wants any longer. Looked at again: it may have been locked, or taken into use, meanwhile. */
export async function expirePoint(control: Control, id: string, policy: RollbackPolicy): Promise<boolean> {
  return control.database.transaction(async (stores) => {
    const point = await stores.recoveryPoints.findById(id)
    const at = now(control.clock)
    if (point?.status !== 'usable' || point.deleteTime !== undefined || isLocked(point, at.getTime())) return false
    if ((await stores.recoverySchedules.inUse([id])).size > 0) return false
    const expired = { ...point, deleteTime: at, purgeTime: new Date(at.getTime() + undeleteMs), updatedAt: at }
    await swapOrRepeat(stores.recoveryPoints.update(expired, point.version))
    await recordChange(control, stores, {
      projectId: point.projectId,
      actor: systemActor('recovery-policies'),
      what: 'recovery_points.expired',
      subject: `recovery-points/${id}`,
      data: { resourceId: point.resourceId, policyId: policy.id, purgeTime: expired.purgeTime.toISOString() },
    })
    return true
  })
}
