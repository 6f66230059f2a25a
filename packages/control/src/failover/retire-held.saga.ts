import { saga } from '@understudy/saga'
import type { SagaDeps } from '../context.ts'
import { sagaVersions } from '../operations/saga-versions.ts'
import { awaitSaved, endHeld, heldPrimaryParams, requireSaved, saveMaxMs } from './held-primary.ts'
import type { HeldPrimary } from './held-primary.ts'

const minute = 60_000

/**
 * Ends a former primary that a failover has kept because its disks were not saved yet. Complete: it is ended. Failed: that is told, and it is
 * ended, since nothing is left to wait for. Neither in six hours: it is kept, and a person is called.
 */
export const retireHeldSaga = saga<SagaDeps, HeldPrimary>('failover.retire', { version: sagaVersions['failover.retire'], params: heldPrimaryParams })
  .step('saved', {
    title: 'Wait until the disks of the former primary are saved',
    budget: { maxMs: saveMaxMs + 30 * minute },
    run: awaitSaved,
    // Nothing was done; whoever cancels keeps the instance.
    undo: 'nothing-to-undo',
  })
  .commit()
  .step('agreed', {
    title: 'Have a person decide, since they are not',
    when: ({ outputs }) => outputs.saved.state === 'late',
    budget: { maxMs: minute },
    run: requireSaved,
    undo: 'nothing-to-undo',
  })
  .step('retired', {
    title: 'End the former primary',
    budget: { maxMs: 10 * minute },
    run: endHeld,
    undo: 'nothing-to-undo',
  })
  .end()
