import { saga } from '@understudy/saga'
import type { SagaDeps } from '../../context.ts'
import { sagaVersions } from '../../operations/saga-versions.ts'
import * as disk from '../restored-disks/restored-disk-steps.ts'
import * as rollback from '../rollback-steps.ts'
import { restorePathsParams } from './restore-paths.params.ts'
import type { RestorePathsParams } from './restore-paths.params.ts'
import * as steps from './restore-paths-steps.ts'

const minute = 60_000

/**
 * Copies files and directories of a recovery point back while the instance runs: a disk of the point is plugged in beside the others,
 * mounted read-only, and goes again. Until its point of no return every step is undone when a later one fails.
 */
export const restorePathsSaga = saga<SagaDeps, RestorePathsParams>('recovery.restore-paths', {
  version: sagaVersions['recovery.restore-paths'],
  params: restorePathsParams,
})
  .step('gate', {
    title: 'Check that the world is still as it was planned for',
    budget: { maxMs: 2 * minute },
    run: steps.passGate,
    // Undone last: whatever was made has been deleted by now.
    async undo(deps, step) {
      await rollback.unlessTaken(step, () => steps.leaveGate(deps, step))
      await rollback.leaveNoSafetyPoint(deps, step)
      await disk.record(deps, step, { status: 'failed' })
    },
  })
  .step('safety', {
    title: 'Keep the state of now as a recovery point',
    budget: { maxMs: 6 * 60 * minute },
    run: rollback.keepSafetyPoint,
    undo: rollback.leaveSafetyPoint,
  })
  .step('made', {
    title: 'Make the disk from the recovery point',
    budget: { maxMs: 60 * minute },
    run: (deps, step) => disk.makeDisk(deps, step, step.outputs.gate.set),
    undo: (deps, step) => disk.deleteMade(deps, step, step.outputs.gate.set),
  })
  .step('plugged', {
    title: 'Plug it in beside the others',
    budget: { maxMs: 15 * minute },
    run: (deps, step) => disk.plug(deps, step, step.outputs.made.disk),
    undo: (deps, step) => disk.unplug(deps, step, step.outputs.made.disk),
  })
  .step('mounted', {
    title: 'Mount it read-only',
    budget: { maxMs: 45 * minute },
    run: (deps, step) => steps.mount(deps, step, step.outputs.plugged.inGuest),
    undo: (deps, step) => rollback.unlessTaken(step, () => steps.undoMount(deps, step)),
  })
  .step('aside', {
    title: 'Put aside what is there now',
    budget: { maxMs: 75 * minute },
    run: (deps, step) => steps.putAside(deps, step),
    undo: (deps, step) => rollback.unlessTaken(step, () => steps.undoPutAside(deps, step)),
  })
  .step('copied', {
    title: 'Copy the paths back',
    budget: { maxMs: 45 * minute },
    run: (deps, step) => steps.copy(deps, step),
    undo: (deps, step) => rollback.unlessTaken(step, () => steps.putBack(deps, step, step.outputs.aside)),
  })
  .step('verified', {
    title: 'Compare them with the point, and see that it passes its checks',
    budget: { maxMs: 120 * minute },
    async run(deps, step) {
      await steps.compare(deps, step)
      return rollback.verifyRestored(deps, step)
    },
    undo: (deps, step) => rollback.unlessTaken(step, () => steps.leaveCompared(deps, step)),
  })
  .commit()
  .step('cleared', {
    title: 'Unmount the disk, and let go of what was put aside',
    budget: { maxMs: 75 * minute },
    async run(deps, step) {
      await steps.unmount(deps, step)
      await steps.dropAside(deps, step)
      return { cleared: true }
    },
    undo: 'nothing-to-undo',
  })
  .step('removed', {
    title: 'Unplug the disk and delete it',
    budget: { maxMs: 60 * minute },
    async run(deps, step) {
      await disk.removeDisk(deps, step, step.outputs.made.disk)
      return disk.record(deps, step, { status: 'released' })
    },
    undo: 'nothing-to-undo',
  })
  .step('recorded', {
    title: 'Record what has been copied back',
    budget: { maxMs: 10 * minute },
    run: (deps, step) => steps.record(deps, step, step.outputs.verified),
    undo: 'nothing-to-undo',
  })
  .end()
