import { now } from '@understudy/core'
import { systemActor } from '../../access/access.ts'
import { startOperations } from '../../operations/start-operation.ts'
import type { Reconciler } from '../../reconcilers/reconciler.ts'
import { releaseOf } from './release-disk.ts'

const sweepsPerPass = 100

/** Sees to it that no restored disk outlives its time, whatever became of the operation that made it. */
export const restoredDisksReconciler: Reconciler = {
  name: 'restored-disks',
  everyMs: 60_000,
  passMaxMs: 60_000,
  async pass(control) {
    const overdue = await control.database.stores.restoredDisks.listOverdue(now(control.clock), sweepsPerPass)
    const started = await control.database.transaction((stores) =>
      startOperations(
        control,
        stores,
        overdue.map((disk) => releaseOf(disk, systemActor('restored-disks'), 'A restored disk has reached the end of its time')),
      ),
    )
    return { result: { overdue: overdue.length, releases: started.filter(({ joined }) => !joined).length } }
  },
}
