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
      await Promise.all([...running.values()].map((state) => state.pass).filter((pass) => pass !== undefined))
    },
  }
}

/** Another worker runs it: look again soon, in case it was woken for something that pass has already read past. */
const takenElsewhereMs = 1000
/** How long a worker that has died keeps others from running what it ran. A pass that takes longer renews its right. */
const leaseMs = 15_000

async function runPass(
  control: Control,
  reconciler: Reconciler,
  options: { readonly runner: string; readonly onError: (name: string, error: unknown) => void },
): Promise<number> {
  const { reconcilers } = control.database.stores
  const at = new Date(control.clock.nowMs())
  try {
    const right = await takeRight(control, reconciler, options)
    if (!right) return takenElsewhereMs
    const { result, runAgainInMs } = await passAndGiveBack(control, reconciler, right)
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

async function passAndGiveBack(control: Control, reconciler: Reconciler, right: { giveBack(): Promise<void> }): ReturnType<Reconciler['pass']> {
  try {
    return await reconciler.pass(control)
  } finally {
    await right.giveBack()
  }
}

/**
 * The right to run, renewed while the pass lasts, up to its longest time. Given back at once when it is over: whoever is woken
 * next, here or elsewhere, must not wait for it.
 */
async function takeRight(
  control: Control,
  reconciler: Reconciler,
  options: { readonly runner: string; readonly onError: (name: string, error: unknown) => void },
): Promise<{ giveBack(): Promise<void> } | undefined> {
  const { clock, database } = control
  const untilMs = clock.nowMs() + reconciler.passMaxMs
  const take = (ms: number): Promise<boolean> => {
    const nowMs = clock.nowMs()
    return database.stores.reconcilers.take(reconciler.name, options.runner, new Date(nowMs), new Date(Math.min(nowMs + ms, untilMs)))
  }
  if (!(await take(leaseMs))) return undefined
  let cancelTimer = (): void => undefined
  let renewing: Promise<unknown> = Promise.resolve()
  const renewLater = (): void => {
    cancelTimer = clock.schedule(leaseMs / 3, () => {
      // A renewal that fails is tried again; the pass itself will meet what ails the database.
      renewing = take(leaseMs).catch((error: unknown) => options.onError(reconciler.name, error))
      renewLater()
    })
  }
  renewLater()
  return {
    async giveBack() {
      cancelTimer()
      await renewing
      await take(0).catch((error: unknown) => options.onError(reconciler.name, error))
    },
  }
}
