import { runAction } from './action.ts'
import { finish, release } from './ending.ts'
import type { Outcome } from './ending.ts'
import type { Execution } from './execution.ts'
import { engineCodes, failure } from './failure.ts'
import type { FoldedLog } from './fold.ts'
import type { StepFailure } from './log.ts'

/** Undoes one step. Answers an outcome when the work on the operation ends here; otherwise the log says how to go on. */
export async function undoStep(execution: Execution, log: FoldedLog, name: string): Promise<Outcome | undefined> {
  const { engine, held, writer, steps } = execution
  const step = steps.find((candidate) => candidate.name === name)!
  const state = log.steps[name]!
  if (engine.draining()) return await release(engine, held, writer, engine.clock.nowMs(), 'drain')
  const { undo } = step
  if (undo === 'nothing-to-undo') throw new Error(`step ${name} has nothing to undo, so the log cannot ask for it`)
  if (state.status === 'undoing' && state.starts >= engine.resumptionsMax) {
    return await giveUp(
      execution,
      name,
      state.undoAttempts,
      failure(engineCodes.crashedRepeatedly, `It was started ${state.starts} times and never came to an end.`),
    )
  }
  const outputs = execution.outputs(log)
  writer.stage('undo_started', name, state.undoAttempts + 1)
  await writer.flush()
  const result = await runAction(engine, held, writer, {
    step: name,
    kind: 'undo',
    firstAttempt: state.undoAttempts + 1,
    attemptsMax: engine.undoAttemptsMax,
    // What is left behind costs money or traffic, so even failures that look permanent are tried again.
    retries: () => true,
    dueMs: engine.clock.nowMs() + Math.max(step.budget.maxMs, engine.undoBudgetMs),
    cancellable: false,
    params: execution.params,
    outputs,
    invoke: (context) => undo(execution.deps as never, { ...context, output: outputs[name] } as never),
  })
  if (result.outcome === 'interrupted') return await release(engine, held, writer, engine.clock.nowMs(), 'drain')
  if (result.outcome === 'failed') return await giveUp(execution, name, result.attempt, result.failure)
  writer.stage('undo_finished', name, result.attempt)
  return undefined
}

async function giveUp({ engine, held, writer }: Execution, name: string, attempt: number, reason: StepFailure): Promise<Outcome> {
  writer.stage('undo_failed', name, attempt, reason)
  const remedy = `${reason.remedy ?? 'Put right what the message says.'} Then retry the operation, or put back by hand what ${name} did and skip its undo.`
  return await finish(engine, held, writer, 'stuck', {
    ...reason,
    message: `The undo of step ${name} has failed: ${reason.message}`,
    remedy,
    transient: false,
  })
}
