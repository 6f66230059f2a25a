import { saga } from '@understudy/saga'
import { z } from 'zod'
import type { SagaDeps } from '../context.ts'
import { sagaVersions } from '../operations/saga-versions.ts'
import { verificationSchema } from '../probes/probe.ts'
import { findingKinds } from '../recovery/recovery-point.ts'
import { cleanUp, drillOf, leaveNoIsolation } from './clean-up.ts'
import * as steps from './test-rollback-steps.ts'

const params = z.strictObject({
  drillId: z.string(),
  verification: verificationSchema.optional(),
  despite: z.array(z.enum(findingKinds)).optional(),
})
export type TestRollbackParams = z.infer<typeof params>
const minute = 60_000

/**
 * Rehearses a rollback on a clone of the resource with the disks of the point: own security group without egress, no identity, no
 * traffic. Whatever happens, nothing of it stays; that the checks fail is a result and no failure.
 */
export const testRollbackSaga = saga<SagaDeps, TestRollbackParams>('recovery.test-rollback', {
  version: sagaVersions['recovery.test-rollback'],
  params,
})
  .step('gate', {
    title: 'Check that the point is what was kept',
    budget: { maxMs: 5 * minute },
    run: steps.passGate,
    undo: (deps, step) => steps.abort(deps, step),
  })
  .step('isolated', {
    title: 'Make a place in its network that nothing gets out of',
    budget: { maxMs: 30 * minute },
    run: (deps, step) => steps.isolate(deps, step),
    // Whatever was in it has been deleted by the undo of the step that made it.
    undo: async (deps, step) => leaveNoIsolation(deps, step, await drillOf(deps, step.params.drillId)),
  })
  .step('cloned', {
    title: 'Start a clone there, with the disks of the point',
    budget: { maxMs: 60 * minute },
    run: (deps, step) => steps.clone(deps, step, step.outputs.gate, step.outputs.isolated.securityGroups),
    undo: async (deps, step) => void (await cleanUp(deps, step, await drillOf(deps, step.params.drillId), step.output?.instance)),
  })
  .step('verified', {
    title: 'See whether it boots and passes its checks',
    budget: { maxMs: 75 * minute },
    run: (deps, step) => steps.verify(deps, step, step.outputs.cloned.instance),
    undo: 'nothing-to-undo',
  })
  .commit()
  .step('removed', {
    title: 'Delete everything that was made for it',
    budget: { maxMs: 60 * minute },
    run: async (deps, step) => cleanUp(deps, step, await drillOf(deps, step.params.drillId), step.outputs.cloned.instance),
    undo: 'nothing-to-undo',
  })
  .step('recorded', {
    title: 'Sign what was proven',
    budget: { maxMs: 5 * minute },
    run: (deps, step) => steps.record(deps, step, step.outputs),
    undo: 'nothing-to-undo',
  })
  .end()
