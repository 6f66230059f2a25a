import type { Json } from '@understudy/core'
import { saga } from '@understudy/saga'
import { z } from 'zod'
import type { SagaDeps } from '../../context.ts'
import { sagaVersions } from '../../operations/saga-versions.ts'
import { choose, giveUpReading, readDisks, recordDigests } from './digest-steps.ts'
import type { DiskDigest } from './digests.ts'

const params = z.strictObject({ pointId: z.string(), mode: z.enum(['incremental', 'whole']) })
const minute = 60_000

/** Reads the bytes of a sealed point, and keeps their digests. Nothing waits for it, and nothing is changed by it. */
export const digestRecoveryPointSaga = saga<SagaDeps, z.infer<typeof params>>('recovery.digest', {
  version: sagaVersions['recovery.digest'],
  params,
})
  .step('chosen', {
    title: 'Choose what has been read already',
    budget: { maxMs: minute },
    run: choose,
    undo: 'nothing-to-undo',
  })
  .step('read', {
    title: 'Read the blocks of its snapshots',
    when: ({ outputs }) => outputs.chosen.readable,
    budget: { maxMs: 24 * 60 * minute },
    run: async (deps, step) => (await readDisks(deps, step, step.outputs.chosen.since)) as unknown as { readonly disks: Json }, // plain JSON by its type
    undo: (deps, step) => giveUpReading(deps, step, step.outputs.chosen.since),
  })
  .step('recorded', {
    title: 'Record the digests',
    when: ({ outputs }) => outputs.chosen.readable,
    budget: { maxMs: minute },
    run: (deps, step) => recordDigests(deps, step, step.outputs.read?.disks as unknown as readonly DiskDigest[]), // as `read` wrote it
    // What was read stays true.
    undo: 'nothing-to-undo',
  })
  .end()
