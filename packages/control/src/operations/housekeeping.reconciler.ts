import { rotateMasterKey } from '../accounts/rotate-master-key.ts'
import type { Reconciler } from '../reconcilers/reconciler.ts'

/** Forgets what has expired, and seals anew what an old master key has sealed. */
export const housekeepingReconciler: Reconciler = {
  name: 'housekeeping',
  everyMs: 10 * 60_000,
  passMaxMs: 300_000,
  async pass(control) {
    const expired = await control.database.stores.idempotency.removeBefore(new Date(control.clock.nowMs() - control.settings.idempotencyTtlMs))
    const { resealed } = await rotateMasterKey(control)
    return { result: { expiredIdempotencyKeys: expired, resealedCredentials: resealed } }
  },
}
