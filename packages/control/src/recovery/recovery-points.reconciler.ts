import { now } from '@understudy/core'
import { systemActor } from '../access/access.ts'
import { priorities } from '../operations/operation.ts'
import { startOperations } from '../operations/start-operation.ts'
import type { Reconciler } from '../reconcilers/reconciler.ts'
import { failCapture } from './capture-steps.ts'

const purgesPerPass = 100

const capturesPerPass = 1000

/** Has deleted points purged when their time has come, and gives up those that nobody captures any more. */
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
    const abandoned = await control.database.stores.recoveryPoints.listAbandoned(capturesPerPass)
    for (const point of abandoned) await failCapture(control, point, point.operationId ?? '')
    return {
      result: { due: due.length, purges: started.filter(({ joined }) => !joined).length, abandoned: abandoned.length },
      ...(due.length === purgesPerPass ? { runAgainInMs: 10_000 } : {}),
    }
  },
}
