import { runAction } from './action.ts'
import type { ActionResult } from './action.ts'
import { growingDelayMs, roundBackoff } from './backoff.ts'
import type { Outputs } from './context.ts'
import type { Step } from './definition.ts'
import { finish, release } from './ending.ts'
import type { Outcome } from './ending.ts'
import type { Execution } from './execution.ts'
import { engineCodes, failure } from './failure.ts'
import type { FoldedLog } from './fold.ts'
import { writeOutput } from './json-value.ts'
import type { StepFailure } from './log.ts'

/** Runs the next step to its result. Answers an outcome when the work on the operation ends here; otherwise the log says how to go on. */
export async function runStep(execution: Execution, log: FoldedLog, name: string): Promise<Outcome | undefined> {
  const { engine, held, writer } = execution
  const step = execution.steps.find((candidate) => candidate.name === name)!
  const state = log.steps[name]!
  if (state.starts >= engine.resumptionsMax) return await fail(execution, step, state.attempts, crashedRepeatedly(state.starts))
  const outputs = execution.outputs(log)
  const firstAttempt = state.attempts + 1
  const wanted = askWhen(execution, step, outputs)
  if (!wanted.ok) {
    writer.stage('started', name, firstAttempt)
    return await fail(execution, step, firstAttempt, engine.classify(wanted.error))
  }
  if (!wanted.value && state.attempts === 0) {
    if (state.status === 'pending') writer.stage('started', name, 0)
    writer.stage('succeeded', name, 0)
    return undefined
  }
  const othersFirst = step.unhurried ? engine.stepAside(held) : undefined
  if (othersFirst) {
    await writer.flush()
    await held.whileHeld(othersFirst)
    // Whoever has asked it to stop meanwhile is heard at the next look at the log.
    if (engine.draining() || (held.cancelRequested && !step.afterCommit)) return undefined
  }
  writer.stage('started', name, firstAttempt)
  const nowMs = engine.clock.nowMs()
  const dueMs = dueOf(step, held.operation.deadlineMs, nowMs)
  // Without any time left the step is not tried; the log still says that it was its turn.
  if (dueMs <= nowMs)
    return await fail(execution, step, firstAttempt, failure(engineCodes.deadlineExceeded, 'The deadline of the operation had passed.'))
  await writer.flush()
  const result = await runAction(engine, held, writer, {
    step: name,
    kind: 'run',
    firstAttempt,
    attemptsMax: step.attemptsMax,
    retries: (reason) => reason.transient,
    dueMs,
    cancellable: !step.afterCommit,
    params: execution.params,
    outputs,
    invoke: (context) => step.run(execution.deps as never, context as never),
  })
  return await record(execution, step, result)
}

type Wanted = { readonly ok: true; readonly value: boolean } | { readonly ok: false; readonly error: unknown }

function askWhen({ params }: Execution, step: Step, outputs: Outputs): Wanted {
  try {
    return { ok: true, value: step.when?.({ params: params as never, outputs: outputs as never }) ?? true }
  } catch (error) {
    return { ok: false, error }
  }
}

async function record(execution: Execution, step: Step, result: ActionResult): Promise<Outcome | undefined> {
  const { engine, held, writer } = execution
  if (result.outcome === 'interrupted') return await release(engine, held, writer, engine.clock.nowMs(), 'drain')
  if (result.outcome === 'failed') return await fail(execution, step, result.attempt, result.failure)
  const written = writeOutput(step.output, result.value)
  if (!written.ok) {
    return await fail(
      execution,
      step,
      result.attempt,
      failure(engineCodes.invalidOutput, `The output of the step is not what it promises: ${written.why}`),
    )
  }
  writer.stage('succeeded', step.name, result.attempt, written.value)
  return undefined
}

/** Before the point of no return the log now unwinds; after it the step has another round later, or a person is asked. */
async function fail(execution: Execution, step: Step, attempt: number, reason: StepFailure): Promise<Outcome | undefined> {
  const { engine, held, writer } = execution
  writer.stage('failed', step.name, attempt, reason)
  if (!step.afterCommit) return undefined
  const log = execution.fold()
  const { rounds } = log.steps[step.name]!
  if (log.phase === 'stuck' || reason.code === engineCodes.crashedRepeatedly) {
    const remedy = `${reason.remedy ?? 'Put right what the message says.'} Then retry the operation, or skip the step.`
    const message = `Step ${step.name} has failed ${rounds} times after the point of no return: ${reason.message}`
    return await finish(engine, held, writer, 'stuck', { ...reason, message, remedy, transient: false })
  }
  const delayMs = growingDelayMs(engine.random, ((rounds - 1) % engine.roundsMax) + 1, roundBackoff)
  return await release(engine, held, writer, engine.clock.nowMs() + delayMs, 'roll_forward')
}

/** After the point of no return only the budget counts: stopping for a deadline would help nobody. */
function dueOf(step: Step, deadlineMs: number | undefined, nowMs: number): number {
  const byBudget = nowMs + step.budget.maxMs
  if (deadlineMs === undefined || step.afterCommit || step.budget.overrun) return byBudget
  return Math.min(byBudget, nowMs + (deadlineMs - nowMs) * (step.budget.shareOfRest ?? 1))
}

/** A step that takes its process down with it must not do so for ever. */
function crashedRepeatedly(starts: number): StepFailure {
  return failure(engineCodes.crashedRepeatedly, `The step was started ${starts} times and never came to an end.`)
}
