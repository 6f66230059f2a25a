import type { Reconciler } from '@understudy/contract'
import type { ReconcilerRun } from '@understudy/control'
import type { z } from 'zod'
import { present, timeText } from './optional.ts'

export const reconcilerView = (run: ReconcilerRun): z.input<typeof Reconciler> =>
  present({
    name: run.name,
    lastRunAt: run.lastRunAt.toISOString(),
    lastSuccessAt: timeText(run.lastSuccessAt),
    lastError: run.lastError,
    nextRunAt: run.nextRunAt.toISOString(),
    result: run.result ?? undefined,
  })
