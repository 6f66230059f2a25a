import type { Json } from '@understudy/core'
import type { Step } from './definition.ts'
import type { StepState } from './fold.ts'
import type { SagaEvent } from './log.ts'

interface Position {
  readonly lastSequence: number
  /** Undefined when they are not known: any step that has failed may have been skipped then. */
  readonly skippedSteps: readonly string[] | undefined
}

/** Why this event may not follow the events folded so far; `undefined` when it may. */
export function legality(steps: readonly Step[], states: ReadonlyMap<string, StepState>, event: SagaEvent, position: Position): string | undefined {
  if (event.sequence !== position.lastSequence + 1) return `its sequence should be ${position.lastSequence + 1}`
  const index = steps.findIndex((step) => step.name === event.step)
  const step = steps[index]
  const state = states.get(event.step)
  if (step === undefined || state === undefined) return 'the definition has no such step'
  const world: World = { steps, states, index, step, state, skippedSteps: position.skippedSteps }
  switch (event.type) {
    case 'started':
      return mayStart(world, event)
    case 'succeeded':
    case 'failed':
      if (state.status !== 'running') return `the step is ${state.status}, not running`
      if (event.attempt < state.attempts) return `attempt ${event.attempt} is older than the one that was started (${state.attempts})`
      if ((event.attempt === 0) !== (state.attempts === 0)) return 'attempt 0 means passed over, which has no other attempts'
      if (event.attempt === 0 && (event.type === 'failed' || event.data !== null)) return 'a step that was passed over succeeds, with null'
      return event.type === 'failed' ? failureShape(event.data) : undefined
    case 'undo_started':
      return mayStartUndo(world, event)
    case 'undo_finished':
    case 'undo_failed':
      if (state.status !== 'undoing') return `the step is ${state.status}; its undo was not started`
      if (event.attempt < state.undoAttempts) return `attempt ${event.attempt} is older than the one that was started (${state.undoAttempts})`
      return event.type === 'undo_failed' ? failureShape(event.data) : undefined
  }
}

interface World {
  readonly steps: readonly Step[]
  readonly states: ReadonlyMap<string, StepState>
  readonly index: number
  readonly step: Step
  readonly state: StepState
  /** Undefined when they are not known: any step that has failed may have been skipped then. */
  readonly skippedSteps: readonly string[] | undefined
}

function mayStart({ steps, states, index, step, state, skippedSteps }: World, event: SagaEvent): string | undefined {
  const passedOver = event.attempt === 0 && state.status === 'pending'
  if (passedOver && step.when === undefined) return 'the step has no `when`, so it cannot be passed over'
  if (!passedOver && event.attempt <= state.attempts) return `attempt ${event.attempt} does not follow attempt ${state.attempts}`
  for (const [at, other] of steps.entries()) {
    const seen = states.get(other.name)!
    if (seen.undoAttempts > 0) return `${other.name} is ${seen.status}: the saga is unwinding`
    if (!other.afterCommit && seen.rounds > 0) return `${other.name} has failed before the point of no return`
    const passed = seen.status === 'succeeded' || (seen.status === 'failed' && skippedSteps?.includes(other.name) !== false)
    if (at < index && !passed) return `${other.name} comes first and is ${seen.status}`
    if (at > index && seen.status !== 'pending') return `${other.name} comes later and is already ${seen.status}`
  }
  if (state.status === 'pending' || state.status === 'running') return undefined
  return state.status === 'failed' && step.afterCommit ? undefined : `the step is already ${state.status}`
}

function mayStartUndo({ steps, states, index, step, state, skippedSteps }: World, event: SagaEvent): string | undefined {
  if (step.undo === 'nothing-to-undo') return 'the step has nothing to undo'
  if (state.status === 'pending' || state.status === 'undone') return `the step is ${state.status}`
  if (state.passedOver) return 'the step was passed over: it did nothing'
  if (event.attempt <= state.undoAttempts) return `undo attempt ${event.attempt} does not follow attempt ${state.undoAttempts}`
  for (const [at, other] of steps.entries()) {
    const seen = states.get(other.name)!
    if (other.afterCommit && seen.status !== 'pending') return `${other.name} was started: the point of no return has passed`
    if (at < index && seen.undoAttempts > 0) return `${other.name} comes before it and is already ${seen.status}`
    if (at <= index || other.undo === 'nothing-to-undo' || seen.passedOver) continue
    const unwound =
      seen.status === 'pending' || seen.status === 'undone' || (seen.status === 'undo_failed' && skippedSteps?.includes(other.name) !== false)
    if (!unwound) return `${other.name} was started later and is ${seen.status}: it is undone first`
  }
  return undefined
}

function failureShape(data: Json): string | undefined {
  const failure = data as { code?: unknown; message?: unknown; transient?: unknown } | null
  const fits =
    typeof failure === 'object' &&
    failure !== null &&
    typeof failure.code === 'string' &&
    typeof failure.message === 'string' &&
    typeof failure.transient === 'boolean'
  return fits ? undefined : 'its data is not a failure (code, message, transient)'
}
