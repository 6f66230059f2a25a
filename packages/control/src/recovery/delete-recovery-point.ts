import { AppError } from '@understudy/core'
import type { Principal } from '../access/access.ts'
import type { Control } from '../context.ts'
import { changeRecoveryPoint } from './change-recovery-point.ts'
import { isLocked } from './recovery-point.ts'
import type { RecoveryPoint } from './recovery-point.ts'

/** How long a deleted point can be brought back. */
export const undeleteMs = 7 * 86_400_000

/** Marks it as deleted; its disks go a week later. `conflict` while it is locked or still being captured. */
export async function deleteRecoveryPoint(
  control: Control,
  principal: Principal,
  input: { readonly id: string; readonly seenVersion: number },
): Promise<RecoveryPoint> {
  return changeRecoveryPoint(control, principal, input, (before, at) => {
    if (isLocked(before, at.getTime())) {
      throw new AppError('conflict', `It is locked until ${before.lockedUntil?.toISOString() ?? ''}: nothing deletes it before.`)
    }
    if (before.deleteTime !== undefined) throw new AppError('conflict', 'It is deleted already.')
    if (before.status === 'capturing') throw new AppError('busy', 'It is still being captured. Wait for its operation, or cancel that.')
    const purgeTime = new Date(at.getTime() + undeleteMs)
    return { what: 'recovery_points.deleted', change: { deleteTime: at, purgeTime }, data: { purgeTime: purgeTime.toISOString() } }
  })
}

/** Brings a deleted one back. `conflict` when it is not deleted; `too_late` when its disks are on their way. */
export async function undeleteRecoveryPoint(
  control: Control,
  principal: Principal,
  input: { readonly id: string; readonly seenVersion: number },
): Promise<RecoveryPoint> {
  return changeRecoveryPoint(control, principal, input, (before) => {
    if (before.deleteTime === undefined) throw new AppError('conflict', 'It is not deleted.')
    if (before.status === 'purging' || before.status === 'purged') throw new AppError('too_late', 'Its disks have been deleted.')
    return { what: 'recovery_points.undeleted', change: { deleteTime: undefined, purgeTime: undefined } }
  })
}
