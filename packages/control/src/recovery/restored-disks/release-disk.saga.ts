import { saga } from '@understudy/saga'
import { z } from 'zod'
import type { SagaDeps } from '../../context.ts'
import { sagaVersions } from '../../operations/saga-versions.ts'
import * as steps from './restored-disk-steps.ts'

const params = z.strictObject({ restoredDiskId: z.string() })
const minute = 60_000

/** Unplugs a restored disk and deletes it. A guest that has it mounted delays that for as long as it does. */
export const releaseDiskSaga = saga<SagaDeps, z.infer<typeof params>>('recovery.release-disk', {
  version: sagaVersions['recovery.release-disk'],
  params,
})
  .step('removed', {
    title: 'Unplug the disk and delete it',
    budget: { maxMs: 60 * minute },
    run: (deps, step) => steps.remove(deps, step),
    undo: 'nothing-to-undo',
  })
  .step('recorded', {
    title: 'Record that it is gone',
    budget: { maxMs: 5 * minute },
    run: (deps, step) => steps.record(deps, step, { status: 'released' }),
    undo: 'nothing-to-undo',
  })
  .end()
