import { saga } from '@understudy/saga'
import { z } from 'zod'
import type { SagaDeps } from '../../context.ts'
import { sagaVersions } from '../../operations/saga-versions.ts'
import { compactDigests } from './compact-digests.ts'

const params = z.strictObject({ resourceId: z.string() })
const minute = 60_000

/** Nothing is left of the digests of purged points, and those of the others stay what they were. No cloud is asked. */
export const compactDigestsSaga = saga<SagaDeps, z.infer<typeof params>>('recovery.compact', { version: sagaVersions['recovery.compact'], params })
  .step('compacted', {
    title: 'Hand the digests of purged points over to those that are built on them',
    budget: { maxMs: 60 * minute },
    run: (deps, step) => compactDigests(deps, { resourceId: step.params.resourceId, signal: step.signal }),
    // Each chunk that was handed over reads as before.
    undo: 'nothing-to-undo',
  })
  .end()
