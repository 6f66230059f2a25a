import { systemActor } from '../../access/access.ts'
import { priorities } from '../../operations/operation.ts'
import { startOperations } from '../../operations/start-operation.ts'
import type { Reconciler } from '../../reconcilers/reconciler.ts'

const startsPerPass = 100

/** Has the digests of purged points compacted, of one resource after the other: never while new ones are read of it. */
export const recoveryCompactionReconciler: Reconciler = {
  name: 'recovery-compaction',
  everyMs: 10 * 60_000,
  passMaxMs: 60_000,
  async pass(control) {
    const due = await control.database.stores.recoveryDigests.listToCompact(startsPerPass)
    const started = await control.database.transaction((stores) =>
      startOperations(
        control,
        stores,
        due.map(({ projectId, resourceId }) => ({
          kind: 'recovery.compact' as const,
          projectId,
          params: { resourceId },
          resourceId,
          // That of the reading of digests: what is being built on a purged point must be whole before that one's go.
          lockKey: `recovery.digest:${resourceId}`,
          priority: priorities.background,
          requestedBy: systemActor('recovery-compaction'),
          reason: 'Points that had digests have been purged',
        })),
      ),
    )
    return {
      result: { due: due.length, started: started.filter(({ joined }) => !joined).length },
      ...(due.length === startsPerPass ? { runAgainInMs: 10_000 } : {}),
    }
  },
}
