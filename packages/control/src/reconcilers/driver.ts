import type { Control } from '../context.ts'
import type { Reconciler } from './reconciler.ts'

export interface ReconcilerHost {
  /** Runs the named one soon; unknown names are ignored. Waking it while it runs has it run once more. */
  wake(name: string): void
  /** Stops scheduling and waits for the passes under way. */
  stop(): Promise<void>
}

interface Running {
  pass: Promise<void> | undefined
  again: boolean
  cancelTimer: () => void
}

/**
 * Runs every reconciler on its own schedule, one pass at a time over all workers: the right to run is a row with an expiry.
 * A pass that throws is recorded and tried again on schedule.
 */
export function hostReconcilers(
  control: Control,
  reconcilers: readonly Reconciler[],
  options: { readonly runner: string; readonly onError: (name: string, error: unknown) => void },
): ReconcilerHost {
  const running = new Map<string, Running>(reconcilers.map((r) => [r.name, { pass: undefined, again: false, cancelTimer: () => undefined }]))
  let stopped = false

  const schedule = (reconciler: Reconciler, delayMs: number): void => {
    const state = running.get(reconciler.name)
    if (!state || stopped) return
    state.cancelTimer()
    state.cancelTimer = control.clock.schedule(delayMs, () => start(reconciler))
  }
  const start = (reconciler: Reconciler): void => {
    const state = running.get(reconciler.name)
    if (!state || stopped) return
    if (state.pass) {
      state.again = true
      return
    }
    state.pass = runPass(control, reconciler, options).then((nextMs) => {
      state.pass = undefined
      schedule(reconciler, state.again ? 0 : nextMs)
      state.again = false
    })
  }
  for (const reconciler of reconcilers) schedule(reconciler, 0)

  return {
    wake(name) {
      const reconciler = reconcilers.find((candidate) => candidate.name === name)
      if (reconciler) start(reconciler)
    },
    async stop() {
      stopped = true
      for (const state of running.values()) state.cancelTimer()
      await Promise.all([...running.values()].map((state) => state.pass))
    },
  }
}

/** Another worker runs it: look again soon, in case it was woken for something that pass has already read past. */
const takenElsewhereMs = 1000

async function runPass(
  control: Control,
  reconciler: Reconciler,
  options: { readonly runner: string; readonly onError: (name: string, error: unknown) => void },
): Promise<number> {
  const { reconcilers } = control.database.stores
  const startedMs = control.clock.nowMs()
  const at = new Date(startedMs)
  try {
    if (!(await reconcilers.take(reconciler.name, options.runner, at, new Date(startedMs + reconciler.passMaxMs)))) return takenElsewhereMs
    const { result, runAgainInMs } = await reconciler.pass(control)
    const nextMs = runAgainInMs ?? reconciler.everyMs
    await reconcilers.record({
      name: reconciler.name,
      lastRunAt: at,
      lastSuccessAt: at,
      lastError: undefined,
      nextRunAt: new Date(control.clock.nowMs() + nextMs),
      result,
    })
    return nextMs
  } catch (error) {
    options.onError(reconciler.name, error)
    const nextRunAt = new Date(control.clock.nowMs() + reconciler.everyMs)
    const lastError = error instanceof Error ? error.message : String(error)
    try {
      await reconcilers.record({ name: reconciler.name, lastRunAt: at, lastSuccessAt: undefined, lastError, nextRunAt, result: null })
    } catch (recordError) {
      // The database is away: the next pass will say so again.
      options.onError(reconciler.name, recordError)
    }
    return reconciler.everyMs
  }
}
