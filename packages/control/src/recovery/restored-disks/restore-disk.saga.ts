import { saga } from '@understudy/saga'
import { z } from 'zod'
import type { SagaDeps } from '../../context.ts'
import { sagaVersions } from '../../operations/saga-versions.ts'
import { findingKinds } from '../recovery-point.ts'
import * as steps from './restored-disk-steps.ts'

const params = z.strictObject({
  restoredDiskId: z.string(),
  /** For whoever asks which points are in use. */
  pointId: z.string(),
  despite: z.array(z.enum(findingKinds)).optional(),
})
const minute = 60_000

/** Plugs a copy of one disk of a recovery point in beside the disks of the primary. Nothing that is there is touched. */
export const restoreDiskSaga = saga<SagaDeps, z.infer<typeof params>>('recovery.restore-disk', {
  version: sagaVersions['recovery.restore-disk'],
  params,
})
  .step('gate', {
    title: 'Check that the point is what was kept',
    budget: { maxMs: 5 * minute },
    run: (deps, step) => steps.passGate(deps, step, step.params.despite),
    // Undone last: whatever was made has been deleted by now.
    undo: async (deps, step) => void (await steps.record(deps, step, { status: 'failed' })),
  })
  .step('made', {
    title: 'Make the disk from the recovery point',
    budget: { maxMs: 60 * minute },
    run: (deps, step) => steps.makeDisk(deps, step, step.outputs.gate.set),
    undo: (deps, step) => steps.deleteMade(deps, step, step.outputs.gate.set),
  })
  .step('plugged', {
    title: 'Plug it in beside the others',
    budget: { maxMs: 15 * minute },
    run: (deps, step) => steps.plug(deps, step, step.outputs.made.disk),
    undo: (deps, step) => steps.unplug(deps, step, step.outputs.made.disk),
  })
  .commit()
  .step('recorded', {
    title: 'Tell where it is',
    budget: { maxMs: 5 * minute },
    run: (deps, step) => steps.record(deps, step, { status: 'attached', disk: step.outputs.made.disk, place: step.outputs.plugged.place }),
    undo: 'nothing-to-undo',
  })
  .end()
