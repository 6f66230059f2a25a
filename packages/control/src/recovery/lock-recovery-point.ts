import { AppError } from '@understudy/core'
import type { Principal } from '../access/access.ts'
import type { Control } from '../context.ts'
import { refuseInvalid } from '../fields.ts'
import { changeRecoveryPoint } from './change-recovery-point.ts'
import type { RecoveryPoint } from './recovery-point.ts'

const lockMaxMs = 10 * 366 * 86_400_000

/** Until then nothing deletes the point, whoever asks. A lock can be made longer, never shorter. At most ten years. */
export async function lockRecoveryPoint(
  control: Control,
  principal: Principal,
  input: { readonly id: string; readonly seenVersion: number; readonly until: Date },
): Promise<RecoveryPoint> {
  return changeRecoveryPoint(control, principal, input, (before, at) => {
    const aheadMs = input.until.getTime() - at.getTime()
    const inRange = aheadMs > 0 && aheadMs <= lockMaxMs
    refuseInvalid(inRange ? [] : [{ pointer: '/until', message: 'must be in the future, at most ten years from now' }])
    if (before.status !== 'usable' || before.deleteTime !== undefined) {
      throw new AppError('conflict', `Only a usable recovery point can be locked; this one is ${before.deleteTime ? 'deleted' : before.status}.`)
    }
    if (before.lockedUntil !== undefined && input.until < before.lockedUntil) {
      throw new AppError('conflict', `It is locked until ${before.lockedUntil.toISOString()} already, and a lock cannot be made shorter.`)
    }
    return { what: 'recovery_points.locked', change: { lockedUntil: input.until }, data: { until: input.until.toISOString() } }
  })
}
