import { z } from 'zod'
import { rollbackSagaParams } from '../rollback.world.ts'
import { chosenPathsSchema } from './chosen-paths.ts'

export const restorePathsParams = rollbackSagaParams.extend({ paths: chosenPathsSchema, restoredDiskId: z.string() })
export type RestorePathsParams = z.infer<typeof restorePathsParams>
