import type { Json } from '@understudy/core'
import type { Outputs } from './context.ts'
import type { Step } from './definition.ts'
import { finish, release } from './ending.ts'
import type { Engine, Outcome } from './ending.ts'
import { engineCodes, failure } from './failure.ts'
import { foldLog, IllegalLog } from './fold.ts'
import type { FoldedLog } from './fold.ts'
import { Dropped } from './held.ts'
import type { Held } from './held.ts'
import { explain, readOutput } from './json-value.ts'
import type { StepFailure } from './log.ts'
import type { RunnableSaga } from './registry.ts'
import { runStep } from './step-run.ts'
import { undoStep } from './step-undo.ts'
import type { Writer } from './writer.ts'

/** One claimed operation with everything its steps need. */
export interface Execution {
  readonly engine: Engine
  readonly held: Held
  readonly writer: Writer
  readonly steps: readonly Step[]
  readonly params: unknown
  readonly deps: unknown
  readonly fold: () => FoldedLog
  /** Outputs of the steps that have succeeded, as later steps see them. Throws `OutputUnreadable`. */
  readonly outputs: (log: FoldedLog) => Outputs
}

/** Works on a claimed operation until it ends, is released, or is dropped. Throws only for bugs of the engine itself. */
export async function execute(engine: Engine, held: Held, writer: Writer): Promise<Outcome> {
  try {
    const prepared = await prepare(engine, held, writer)
    return 'kind' in prepared ? prepared : await advance(prepared)
  } catch (error) {
    if (error instanceof Dropped) return { kind: 'dropped' }
    const remedy = 'Compare the definition of the saga with the log; deploy the definition the operation began with, then retry.'
    if (!(error instanceof IllegalLog) && !(error instanceof OutputUnreadable)) throw error
    if (error instanceof IllegalLog) writer.discard()
    return await finish(engine, held, writer, 'stuck', failure(engineCodes.illegalLog, error.message, remedy)).catch(droppedOrThrow)
  }
}

/** A stored output that its schema no longer accepts: going on would hand later steps a value they do not expect. */
class OutputUnreadable extends Error {}

async function prepare(engine: Engine, held: Held, writer: Writer): Promise<Execution | Outcome> {
  const { operation } = held
  const entry = engine.registry.find(operation.saga, operation.version)
  if (entry === undefined) return await unknownVersion(engine, held, writer)
  const { saga } = entry
  const fresh = operation.events.length === 0
  const parsed = saga.params.safeParse(operation.params)
  if (!parsed.success) {
    const message = `The parameters do not fit saga ${saga.name} version ${saga.version}: ${explain(parsed.error)}`
    const remedy = 'Deploy the definition the operation began with, then retry.'
    const error = failure(engineCodes.invalidParams, message, fresh ? undefined : remedy)
    // Once something was done the parameters are needed to undo it, so only a person can say how to go on.
    return await finish(engine, held, writer, fresh ? 'failed' : 'stuck', error)
  }
  const deps = await makeDeps(engine, held, entry)
  if (!deps.ok) return await finish(engine, held, writer, fresh ? 'failed' : 'stuck', deps.failure)
  const fold = (): FoldedLog =>
    foldLog(saga, writer.events, { operationId: operation.id, skippedSteps: operation.skippedSteps, roundsMax: engine.roundsMax })
  const outputs = outputReader(saga.steps)
  return { engine, held, writer, steps: saga.steps, params: parsed.data, deps: deps.value, fold, outputs }
}

type Made = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly failure: StepFailure }

async function makeDeps(engine: Engine, held: Held, entry: RunnableSaga): Promise<Made> {
  try {
    return { ok: true, value: await held.whileHeld(Promise.resolve(held.operation).then((operation) => entry.deps(operation))) }
  } catch (error) {
    if (error instanceof Dropped) throw error
    const remedy = 'What the steps depend on could not be made. Put that right, then retry.'
    return { ok: false, failure: { ...engine.classify(error), remedy } }
  }
}

/** During a rolling deployment a newer runner may know the version, so a young operation is offered to others first. */
async function unknownVersion(engine: Engine, held: Held, writer: Writer): Promise<Outcome> {
  const { saga, version, createdMs } = held.operation
  const nowMs = engine.clock.nowMs()
  if (nowMs - createdMs < engine.unknownVersionGraceMs) return await release(engine, held, writer, nowMs + 1_000, 'other_version')
  const known = engine.registry.versions(saga).join(', ') || 'none'
  const message = `This runner does not know version ${version} of saga ${saga} (known: ${known}).`
  const remedy = 'Deploy a release that contains this version, then retry. A running operation is continued by the version it began with.'
  return await finish(engine, held, writer, 'stuck', failure(engineCodes.unknownVersion, message, remedy))
}

async function advance(execution: Execution): Promise<Outcome> {
  const { engine, held, writer } = execution
  await noteSkipped(execution)
  for (;;) {
    const log = execution.fold()
    if (log.next?.action !== 'undo' && log.phase !== 'undone' && !log.committed && (await cancelledBefore(execution, log))) {
      const outcome = await cancel(execution, log)
      if (outcome) return outcome
      continue
    }
    if (log.phase === 'undone') return await finishUndone(execution, log)
    if (log.phase === 'done') return await finish(engine, held, writer, 'succeeded', undefined, allOutputs(execution, log))
    // Only `done` and `undone` have no next, and both have been dealt with.
    const next = log.next!
    if (engine.draining()) return await release(engine, held, writer, engine.clock.nowMs(), 'drain')
    const outcome = next.action === 'run' ? await runStep(execution, log, next.step) : await undoStep(execution, log, next.step)
    if (outcome) return outcome
  }
}

/** True when the saga has to unwind for a cancellation. At the point of no return, and before the end, the store itself is asked. */
async function cancelledBefore({ engine, held, writer, steps }: Execution, log: FoldedLog): Promise<boolean> {
  const next = steps.find((step) => step.name === log.next?.step)
  const lastChance = log.phase === 'done' || next?.afterCommit === true
  if (lastChance && !held.cancelRequested) {
    // Written alone, so that the first step behind the point of no return starts only after the answer.
    const told = await writer.flush()
    if (!told) await engine.askCancel(held)
  }
  return held.cancelRequested
}

async function cancel(execution: Execution, log: FoldedLog): Promise<Outcome | undefined> {
  const { engine, held, writer } = execution
  const current = log.next && log.steps[log.next.step]
  if (log.next && current?.status === 'running') {
    // Cut off by a crash, and not resumed: the log says how it ended.
    writer.stage(
      'failed',
      log.next.step,
      current.attempts,
      failure(engineCodes.cancelled, 'The operation was cancelled before this step was resumed.'),
    )
    return undefined
  }
  return log.undoNext === undefined ? await finish(engine, held, writer, 'cancelled') : await undoStep(execution, log, log.undoNext)
}

async function finishUndone({ engine, held, writer }: Execution, log: FoldedLog): Promise<Outcome> {
  if (log.failure === undefined || log.failure.code === engineCodes.cancelled) return await finish(engine, held, writer, 'cancelled')
  return await finish(engine, held, writer, 'failed', log.failure)
}

/** Tells people, once, that the operation goes on without a step: only while that step's failure is the last thing in the log. */
async function noteSkipped({ writer, fold }: Execution): Promise<void> {
  const last = writer.events.at(-1)
  if (last === undefined || fold().steps[last.step]?.skipped !== true) return
  await writer.note(
    last.step,
    `${last.type === 'undo_failed' ? 'The undo of this step' : 'This step'} was skipped by a person after it had failed for good.`,
  )
}

function outputReader(steps: readonly Step[]): (log: FoldedLog) => Outputs {
  const known = new Map<string, unknown>()
  return (log) => {
    for (const step of steps) {
      const state = log.steps[step.name]!
      if (state.output === undefined || known.has(step.name)) continue
      const read = state.passedOver ? { ok: true as const, value: null } : readOutput(step.output, state.output)
      if (!read.ok) throw new OutputUnreadable(`The stored output of step ${step.name} does not fit its schema any more: ${read.why}`)
      known.set(step.name, read.value)
    }
    return Object.freeze(Object.fromEntries(known))
  }
}

function allOutputs({ steps }: Execution, log: FoldedLog): Json {
  return Object.fromEntries(steps.map((step) => [step.name, log.steps[step.name]!.output ?? null]))
}

function droppedOrThrow(error: unknown): Outcome {
  if (error instanceof Dropped) return { kind: 'dropped' }
  throw error
}
