import { now } from '@understudy/core'
import { systemActor } from '../access/access.ts'
import { priorities } from '../operations/operation.ts'
import { startOperations } from '../operations/start-operation.ts'
import type { Reconciler } from '../reconcilers/reconciler.ts'

const purgesPerPass = 100

/** Has deleted points purged when their time has come. */
export const recoveryPointsReconciler: Reconciler = {
  name: 'recovery-points',
  everyMs: 10 * 60_000,
  passMaxMs: 60_000,
  async pass(control) {
    const due = await control.database.stores.recoveryPoints.listDue(now(control.clock), purgesPerPass)
    const started = await control.database.transaction((stores) =>
      startOperations(
        control,
        stores,
        due.map((point) => ({
          kind: 'recovery.purge',
          projectId: point.projectId,
          params: { pointId: point.id },
          resourceId: point.resourceId,
          lockKey: `recovery.purge:${point.id}`,
          priority: priorities.background,
          requestedBy: systemActor('recovery-points'),
          reason: 'Deleted, and its time to be brought back is over',
        })),
      ),
    )
    return {
      result: { due: due.length, purges: started.filter(({ joined }) => !joined).length },
      ...(due.length === purgesPerPass ? { runAgainInMs: 10_000 } : {}),
    }
  },
}
