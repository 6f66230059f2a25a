import { saga } from '@understudy/saga'
import { z } from 'zod'
import { systemActor } from '../access/access.ts'
import type { SagaDeps } from '../context.ts'
import { recordChange } from '../journal/record-change.ts'
import { sagaVersions } from '../operations/saga-versions.ts'
import { cleanUp, drillOf } from './clean-up.ts'

const params = z.strictObject({ drillId: z.string() })
const minute = 60_000

/** Deletes what a test rollback has left behind when its time is up, whatever became of its operation. */
export const sweepDrillSaga = saga<SagaDeps, z.infer<typeof params>>('recovery.sweep-drill', {
  version: sagaVersions['recovery.sweep-drill'],
  params,
})
  .step('removed', {
    title: 'Delete everything that was made for it',
    budget: { maxMs: 60 * minute },
    run: async (deps, step) => cleanUp(deps, step, await drillOf(deps, step.params.drillId), undefined),
    undo: 'nothing-to-undo',
  })
  .step('recorded', {
    title: 'Tell what was left',
    budget: { maxMs: minute },
    run: async (deps, step) => {
      const drill = await drillOf(deps, step.params.drillId)
      await deps.database.transaction((stores) =>
        recordChange(deps, stores, {
          projectId: drill.projectId,
          actor: systemActor('restore-drills'),
          what: 'restore_drills.swept',
          subject: `test-rollbacks/${drill.id}`,
          operationId: step.operationId,
          data: { resourceId: drill.resourceId, expiresAt: drill.expiresAt.toISOString(), removed: step.outputs.removed },
          deduplicationKey: `${step.operationId}:swept`,
        }),
      )
    },
    undo: 'nothing-to-undo',
  })
  .end()
