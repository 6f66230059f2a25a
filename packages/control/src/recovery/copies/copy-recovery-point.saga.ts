import { saga } from '@understudy/saga'
import { z } from 'zod'
import type { SagaDeps } from '../../context.ts'
import { sagaVersions } from '../../operations/saga-versions.ts'
import { awaitCopy, beginCopy, checkRegion, dropCopy, giveUpCopy, recordCopy } from './copy-steps.ts'

const params = z.strictObject({ copyId: z.string(), pointId: z.string() })
const minute = 60_000

/** Copies the snapshots of a point to another region. Nothing waits for it; when it fails nothing of it is left there. */
export const copyRecoveryPointSaga = saga<SagaDeps, z.infer<typeof params>>('recovery.copy', { version: sagaVersions['recovery.copy'], params })
  .step('checked', {
    title: 'Look whether there is such a region',
    budget: { maxMs: minute },
    run: checkRegion,
    undo: giveUpCopy,
  })
  .step('begun', {
    title: 'Begin to copy its snapshots',
    // A region takes few copies at once: the others wait.
    budget: { maxMs: 24 * 60 * minute },
    run: beginCopy,
    undo: dropCopy,
  })
  .step('completed', {
    title: 'Wait until every copy is complete',
    budget: { maxMs: 24 * 60 * minute },
    run: awaitCopy,
    // What was begun is deleted by the undo of the step that began it.
    undo: 'nothing-to-undo',
  })
  .step('recorded', {
    title: 'Record the copy',
    budget: { maxMs: minute },
    run: async (deps, step) => ({ snapshots: [...(await recordCopy(deps, step)).snapshots] }),
    undo: 'nothing-to-undo',
  })
  .end()
