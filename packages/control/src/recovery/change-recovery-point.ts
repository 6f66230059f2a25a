import { notFound, now } from '@understudy/core'
import type { Json } from '@understudy/core'
import { actorOf } from '../access/access.ts'
import type { Principal } from '../access/access.ts'
import { requireRole } from '../access/require-role.ts'
import type { Control } from '../context.ts'
import { recordChange } from '../journal/record-change.ts'
import { requireSeenVersion, swap } from '../seen-version.ts'
import type { RecoveryPoint } from './recovery-point.ts'

export interface PointChange {
  readonly what: `recovery_points.${string}`
  readonly change: Partial<RecoveryPoint>
  readonly data?: { readonly [key: string]: Json | undefined }
}

/** What a person does to a point: read, decide, write with the audit row, or refuse when it has changed since it was seen. */
export async function changeRecoveryPoint(
  control: Control,
  principal: Principal,
  input: { readonly id: string; readonly seenVersion: number },
  decide: (before: RecoveryPoint, at: Date) => PointChange,
): Promise<RecoveryPoint> {
  requireRole(principal, 'operator')
  return control.database.transaction(async (stores) => {
    const before = await stores.recoveryPoints.find(principal.projectId, input.id)
    if (before === undefined) throw notFound('recovery point')
    requireSeenVersion(before, input.seenVersion)
    const at = now(control.clock)
    const { what, change, data } = decide(before, at)
    const after: RecoveryPoint = { ...before, ...change, updatedAt: at, version: before.version + 1 }
    await swap(stores.recoveryPoints.update(after, before.version))
    await recordChange(control, stores, {
      projectId: before.projectId,
      actor: actorOf(principal),
      what,
      subject: `recovery-points/${before.id}`,
      data: { resourceId: before.resourceId, ...data },
    })
    return after
  })
}
