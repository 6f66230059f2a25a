import { sleep } from '@understudy/core'
import type { Clock, Random } from '@understudy/core'
import { fullJitterMs, retryBackoff } from './backoff.ts'
import { makeContext } from './context.ts'
import type { AnyContext, Outputs } from './context.ts'
import { engineCodes, failure as engineFailure, StepAborted } from './failure.ts'
import type { Classify } from './failure.ts'
import { Dropped } from './held.ts'
import type { Held } from './held.ts'
import type { StepFailure } from './log.ts'
import type { Observe } from './observe.ts'
import type { Writer } from './writer.ts'

/** What actions need of the runner. */
export interface ActionEngine {
  readonly clock: Clock
  readonly random: Random
  readonly classify: Classify
  readonly observe: Observe
  /** How long an action may go on after its signal has aborted before it is left behind. */
  readonly graceMs: number
  readonly draining: () => boolean
}

export interface Action {
  readonly step: string
  readonly kind: 'run' | 'undo'
  readonly firstAttempt: number
  readonly attemptsMax: number
  readonly retries: (failure: StepFailure) => boolean
  readonly dueMs: number
  /** A cancellation aborts it: true before the point of no return, never for an undo. */
  readonly cancellable: boolean
  readonly params: unknown
  readonly outputs: Outputs
  readonly invoke: (context: AnyContext) => Promise<unknown>
}

/** `interrupted`: the runner is draining and the action waited for its next attempt; whoever resumes it starts it again. */
export type ActionResult = { readonly attempt: number } & (
  | { readonly outcome: 'succeeded'; readonly value: unknown }
  | { readonly outcome: 'failed'; readonly failure: StepFailure }
  | { readonly outcome: 'interrupted' }
)

/** Runs one action until it succeeds, fails for good or its budget is spent. Throws only `Dropped`. */
export async function runAction(engine: ActionEngine, held: Held, writer: Writer, action: Action): Promise<ActionResult> {
  const { clock, observe } = engine
  const { id: operationId, projectId, saga } = held.operation
  const label = { operationId, projectId, saga, step: action.step, action: action.kind }
  const startedMs = clock.nowMs()
  const scope = abortScope(clock, held, action)
  observe({ type: 'step_started', ...label, attempt: action.firstAttempt })
  const end = (result: ActionResult, error?: unknown): ActionResult => {
    const { outcome, attempt } = result
    const more = result.outcome === 'failed' ? { failure: result.failure, ...(error === undefined ? {} : { error }) } : {}
    observe({ type: 'step_finished', ...label, attempt, outcome, durationMs: clock.nowMs() - startedMs, ...more })
    return result
  }
  let last: StepFailure | undefined
  try {
    for (let retry = 1; ; retry++) {
      const attempt = action.firstAttempt + retry - 1
      const settled = await attemptOnce(engine, held, writer, action, attempt, scope.signal)
      if (held.lost.aborted) throw new Dropped(operationId)
      if (settled === 'abandoned') observe({ type: 'step_abandoned', ...label, attempt })
      const aborted = scope.signal.aborted ? (scope.signal.reason as StepAborted) : undefined
      // A result that comes after a cancellation still helps its undo; one that comes after the budget is spent is a failure.
      if (settled !== 'abandoned' && settled.ok && aborted?.code !== 'deadline_exceeded')
        return end({ outcome: 'succeeded', value: settled.value, attempt })
      const error = settled === 'abandoned' || settled.ok ? aborted : settled.error
      if (aborted) return end({ outcome: 'failed', failure: abortFailure(aborted, last), attempt }, error)
      const failure = engine.classify(error)
      last = failure
      // Asked sooner it would only fail again, and use up an attempt.
      const wantedMs = Math.min(failure.retryAfterMs ?? 0, retryBackoff.capMs)
      const delayMs = Math.max(fullJitterMs(engine.random, retry, retryBackoff), wantedMs)
      const again = retry < action.attemptsMax && action.retries(failure) && clock.nowMs() + delayMs < action.dueMs
      if (!again) return end({ outcome: 'failed', failure, attempt }, error)
      if (engine.draining()) return end({ outcome: 'interrupted', attempt })
      observe({ type: 'step_retried', ...label, attempt, delayMs, failure, error })
      await sleep(clock, delayMs, scope.signal).catch(() => undefined)
      if (held.lost.aborted) throw new Dropped(operationId)
      if (scope.signal.aborted) return end({ outcome: 'failed', failure: abortFailure(scope.signal.reason as StepAborted, last), attempt }, error)
      if (engine.draining()) return end({ outcome: 'interrupted', attempt })
    }
  } finally {
    scope.release()
  }
}

type Settled = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: unknown } | 'abandoned'

/** One call of the action. Waits for it even after its signal has aborted, since its effects are still under way, but not for ever. */
async function attemptOnce(engine: ActionEngine, held: Held, writer: Writer, action: Action, attempt: number, signal: AbortSignal): Promise<Settled> {
  const { step, params, outputs, dueMs, kind } = action
  const { context, close } = makeContext({ operation: held.operation, step, action: kind, attempt, params, outputs, signal, dueMs, writer })
  const running: Promise<Settled> = invoke(action, context)
  const waited = new AbortController()
  const abandoned = afterAbort(signal, waited.signal).then(async (): Promise<Settled> => {
    await sleep(engine.clock, engine.graceMs, waited.signal)
    return 'abandoned'
  })
  abandoned.catch(() => undefined) // rejects when the action settles first
  try {
    return await held.whileHeld(Promise.race([running, abandoned]))
  } finally {
    waited.abort()
    close()
  }
}

async function invoke(action: Action, context: AnyContext): Promise<Settled> {
  try {
    return { ok: true, value: await action.invoke(context) }
  } catch (error) {
    return { ok: false, error }
  }
}

/** Resolves when `signal` aborts; rejects when `until` does first. */
function afterAbort(signal: AbortSignal, until: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      resolve()
      return
    }
    signal.addEventListener('abort', () => resolve(), { once: true, signal: until })
    until.addEventListener('abort', () => reject(new Error('the action has settled')), { once: true })
  })
}

/** One signal for all attempts of an action: it aborts when the budget is spent, the lease is lost or the operation is cancelled. */
function abortScope(clock: Clock, held: Held, action: Action): { readonly signal: AbortSignal; readonly release: () => void } {
  const controller = new AbortController()
  const abort = (code: StepAborted['code'], message: string): void => controller.abort(new StepAborted(code, message))
  const late = (): void => abort('deadline_exceeded', `${action.step} has spent its budget`)
  const cancelTimer = clock.schedule(action.dueMs - clock.nowMs(), late)
  const onLost = (): void => abort('lease_lost', `${action.step} is not run here any more`)
  held.lost.addEventListener('abort', onLost, { once: true })
  const onCancel = (): void => abort('cancelled', `${action.step} is cancelled`)
  const forgetCancel = action.cancellable ? held.onCancel(onCancel) : undefined
  if (action.cancellable && held.cancelRequested) onCancel()
  return {
    signal: controller.signal,
    release: () => {
      cancelTimer()
      forgetCancel?.()
      held.lost.removeEventListener('abort', onLost)
    },
  }
}

/** `last`: the failure of the attempt before, which is often the reason why the budget was spent. */
function abortFailure(reason: StepAborted, last: StepFailure | undefined): StepFailure {
  if (reason.code === 'cancelled') return engineFailure(engineCodes.cancelled, 'The operation was cancelled while this step ran.')
  const before = last === undefined ? '' : ` The attempt before failed: ${last.message}`
  return engineFailure(engineCodes.deadlineExceeded, `The step did not end within its budget.${before}`)
}
