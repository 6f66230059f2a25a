import { saga } from '@understudy/saga'
import { z } from 'zod'
import type { SagaDeps } from '../context.ts'
import { sagaVersions } from '../operations/saga-versions.ts'
import { dropUnsealed, giveUp, keepDisks, readDefinition, seal } from './capture-steps.ts'

const params = z.strictObject({ pointId: z.string() })
const minute = 60_000

/** Keeps definition and disks of a primary, and seals what was kept into the chain of its resource. */
export const captureRecoveryPointSaga = saga<SagaDeps, z.infer<typeof params>>('recovery.capture', {
  version: sagaVersions['recovery.capture'],
  params,
})
  .step('definition', {
    title: 'Read the definition of the primary',
    budget: { maxMs: 2 * minute },
    run: (deps, step) => readDefinition(deps, step.params.pointId),
    undo: (deps, step) => giveUp(deps, step, step.params.pointId),
  })
  .step('disks', {
    title: 'Keep all of its disks as they are at one moment',
    budget: { maxMs: 6 * 60 * minute },
    run: (deps, step) => keepDisks(deps, step, step.params.pointId, step.outputs.definition.instance),
    undo: (deps, step) => dropUnsealed(deps, step, step.params.pointId),
  })
  .commit()
  .step('sealed', {
    title: 'Seal the manifest into the chain of the resource',
    budget: { maxMs: 5 * minute },
    run: (deps, step) => seal(deps, step, step.params.pointId, step.outputs.definition, step.outputs.disks),
    undo: 'nothing-to-undo',
  })
  .end()
