import { saga } from '@understudy/saga'
import type { SagaDeps } from '../context.ts'
import { sagaVersions } from '../operations/saga-versions.ts'
import * as steps from './rollback-steps.ts'
import { rollbackSagaParams } from './rollback.world.ts'
import type { RollbackParams } from './rollback.world.ts'

const minute = 60_000

/**
 * Takes a resource back to a recovery point in place: the same instance with the disks of then. Until its point of no return every
 * step is undone when a later one fails, so that the resource is either as before or rolled back. The former disks stay.
 */
export const rollbackSaga = saga<SagaDeps, RollbackParams>('recovery.rollback', {
  version: sagaVersions['recovery.rollback'],
  params: rollbackSagaParams,
})
  .step('gate', {
    title: 'Check that the world is still as it was planned for',
    budget: { maxMs: 2 * minute },
    run: steps.passGate,
    // Undone last: whatever it began has been put back by now.
    async undo(deps, step) {
      await steps.closeSample(deps, step)
      await steps.leaveNoSafetyPoint(deps, step)
    },
  })
  .step('safety', {
    title: 'Keep the state of now as a recovery point',
    budget: { maxMs: 6 * 60 * minute },
    run: steps.keepSafetyPoint,
    undo: steps.leaveSafetyPoint,
  })
  .step('made', {
    title: 'Make disks from the recovery point',
    budget: { maxMs: 60 * minute },
    run: (deps, step) => steps.makeDisks(deps, step, step.outputs.gate),
    undo: (deps, step) => steps.deleteMadeDisks(deps, step, step.outputs.gate),
  })
  .step('offline', {
    title: 'Stop sending requests to it',
    when: ({ outputs }) => outputs.gate.hadTraffic,
    budget: { maxMs: 5 * minute },
    run: steps.goOffline,
    undo: (deps, step) => steps.unlessTaken(step, () => steps.goOnline(deps, step)),
  })
  .step('stopped', {
    title: 'Stop it',
    when: ({ outputs }) => outputs.gate.wasRunning,
    budget: { maxMs: 15 * minute },
    run: steps.rest,
    undo: (deps, step) => steps.unlessTaken(step, () => steps.wake(deps, step)),
  })
  .step('exchanged', {
    title: 'Exchange the disks',
    budget: { maxMs: 15 * minute },
    run: (deps, step) => steps.exchange(deps, step, step.outputs.gate, step.outputs.made.disks),
    undo: (deps, step) => steps.putBack(deps, step, step.outputs.gate),
  })
  .step('started', {
    title: 'Start it',
    when: ({ outputs }) => outputs.gate.wasRunning,
    budget: { maxMs: 15 * minute },
    run: steps.wake,
    undo: (deps, step) => steps.unlessTaken(step, () => steps.rest(deps, step)),
  })
  .step('verified', {
    title: 'See that it has booted and passes its checks',
    when: ({ outputs }) => outputs.gate.wasRunning,
    budget: { maxMs: 75 * minute },
    run: steps.verifyRestored,
    undo: 'nothing-to-undo',
  })
  .step('online', {
    title: 'Send requests to it again, once it is healthy',
    when: ({ outputs }) => outputs.gate.hadTraffic,
    budget: { maxMs: 10 * minute },
    run: steps.goOnline,
    undo: (deps, step) => steps.unlessTaken(step, () => steps.goOffline(deps, step)),
  })
  .commit()
  .step('recorded', {
    title: 'Record what has been exchanged',
    budget: { maxMs: 10 * minute },
    run: (deps, step) => steps.recordRollback(deps, step, step.outputs.gate, step.outputs.made.disks, step.outputs.verified),
    undo: 'nothing-to-undo',
  })
  .end()
