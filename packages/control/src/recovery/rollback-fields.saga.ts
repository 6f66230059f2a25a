import { saga } from '@understudy/saga'
import type { SagaDeps } from '../context.ts'
import { sagaVersions } from '../operations/saga-versions.ts'
import * as fields from './rollback-fields-steps.ts'
import * as steps from './rollback-steps.ts'
import { rollbackSagaParams } from './rollback.world.ts'
import type { RollbackParams } from './rollback.world.ts'

const minute = 60_000

/**
 * Sets fields of the definition back to those of a recovery point; the disks stay. It is stopped only for a field that cannot be
 * changed otherwise. Until its point of no return every step is undone when a later one fails.
 */
export const rollbackFieldsSaga = saga<SagaDeps, RollbackParams>('recovery.rollback-fields', {
  version: sagaVersions['recovery.rollback-fields'],
  params: rollbackSagaParams,
})
  .step('gate', {
    title: 'Check that the world is still as it was planned for',
    budget: { maxMs: 2 * minute },
    run: fields.passGate,
    // Undone last: whatever it began has been put back by now.
    undo: (deps, step) => steps.leaveNoSafetyPoint(deps, step),
  })
  .step('safety', {
    title: 'Keep the state of now as a recovery point',
    budget: { maxMs: 6 * 60 * minute },
    run: steps.keepSafetyPoint,
    undo: steps.leaveSafetyPoint,
  })
  .step('offline', {
    title: 'Stop sending requests to it',
    when: ({ outputs }) => outputs.gate.stops && outputs.gate.hadTraffic,
    budget: { maxMs: 5 * minute },
    run: steps.goOffline,
    undo: (deps, step) => steps.unlessTaken(step, () => steps.goOnline(deps, step)),
  })
  .step('stopped', {
    title: 'Stop it',
    when: ({ outputs }) => outputs.gate.stops,
    budget: { maxMs: 15 * minute },
    run: steps.rest,
    undo: (deps, step) => steps.unlessTaken(step, () => steps.wake(deps, step)),
  })
  .step('applied', {
    title: 'Set the fields back',
    budget: { maxMs: 15 * minute },
    run: (deps, step) => fields.apply(deps, step, step.outputs.gate.fields, 'to'),
    undo: (deps, step) => steps.unlessTaken(step, () => fields.apply(deps, step, step.outputs.gate.fields, 'from')),
  })
  .step('started', {
    title: 'Start it',
    when: ({ outputs }) => outputs.gate.stops,
    budget: { maxMs: 15 * minute },
    run: steps.wake,
    undo: (deps, step) => steps.unlessTaken(step, () => steps.rest(deps, step)),
  })
  .step('verified', {
    title: 'See that it runs and passes its checks',
    when: ({ outputs }) => outputs.gate.wasRunning,
    budget: { maxMs: 75 * minute },
    run: steps.verifyRestored,
    undo: 'nothing-to-undo',
  })
  .step('online', {
    title: 'Send requests to it again, once it is healthy',
    when: ({ outputs }) => outputs.gate.stops && outputs.gate.hadTraffic,
    budget: { maxMs: 10 * minute },
    run: steps.goOnline,
    undo: (deps, step) => steps.unlessTaken(step, () => steps.goOffline(deps, step)),
  })
  .commit()
  .step('recorded', {
    title: 'Record what has been set back',
    budget: { maxMs: 10 * minute },
    run: (deps, step) => fields.record(deps, step, step.outputs.gate, step.outputs.verified),
    undo: 'nothing-to-undo',
  })
  .end()
