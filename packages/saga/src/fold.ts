import type { Json } from '@understudy/core'
import type { Step } from './definition.ts'
import { legality } from './legality.ts'
import type { SagaEvent, StepFailure } from './log.ts'

export type StepStatus = 'pending' | 'running' | 'succeeded' | 'failed' | 'undoing' | 'undone' | 'undo_failed'

export interface StepState {
  readonly status: StepStatus
  /** Highest attempt of `run` the log knows; 0 before the first. */
  readonly attempts: number
  readonly undoAttempts: number
  /** `started` (or `undo_started`) entries since the last result: above 1 the step was cut off and resumed. */
  readonly starts: number
  /** `failed` entries. After the point of no return each is one round of rolling forward. */
  readonly rounds: number
  /** The output as JSON; present when the step has succeeded, also while and after it is undone. */
  readonly output?: Json
  /** The last `failed` entry's. */
  readonly failure?: StepFailure
  /** The last `undo_failed` entry's. */
  readonly undoFailure?: StepFailure
  /** Its `when` said no: logged as started and succeeded with attempt 0. It did nothing, so it is never undone. */
  readonly passedOver: boolean
  /** A person has decided to go on without it, and it has failed: counts as done (or as undone). */
  readonly skipped: boolean
}

/** `stuck`: the log alone does not say how to go on. A person retries (`next` says with what) or skips. */
export type Phase = 'forward' | 'undoing' | 'done' | 'undone' | 'stuck'

export interface FoldedLog {
  readonly steps: Readonly<Record<string, StepState>>
  readonly phase: Phase
  /** What a runner does next; absent when `done` or `undone`. */
  readonly next: { readonly step: string; readonly action: 'run' | 'undo' } | undefined
  /** The step an unwinding would undo first, whatever the phase; a cancellation asks for it. */
  readonly undoNext: string | undefined
  /** True from the first `started` after the point of no return: from there on nothing is undone. */
  readonly committed: boolean
  /** Why the saga unwinds: the first failure before the point of no return. */
  readonly failure: StepFailure | undefined
  readonly lastSequence: number
}

export interface FoldOptions {
  /** Only named in errors. */
  readonly operationId?: string
  /** Left out by readers that do not know them: a step counts as skipped then when the log itself shows that it was. */
  readonly skippedSteps?: readonly string[]
  /** Rounds of rolling forward after which the saga is stuck, and again after as many. Default 20. */
  readonly roundsMax?: number
}

export const defaultRoundsMax = 20

/** The log holds something the engine never writes: a bug or a changed definition. Nothing may act on such a log. */
export class IllegalLog extends Error {
  readonly event: SagaEvent
  constructor(operationId: string | undefined, event: SagaEvent, why: string) {
    super(`operation ${operationId ?? '(unnamed)'}: event ${event.sequence} (${event.type} of ${event.step}) is illegal: ${why}`)
    this.name = 'IllegalLog'
    this.event = event
  }
}

const untouched: StepState = { status: 'pending', attempts: 0, undoAttempts: 0, starts: 0, rounds: 0, passedOver: false, skipped: false }

/** The state of an operation is a fold over its log; everything else that shows a status is a cache of this. Pure. Throws `IllegalLog`. */
export function foldLog(definition: { readonly steps: readonly Step[] }, events: readonly SagaEvent[], options: FoldOptions = {}): FoldedLog {
  const states = new Map<string, StepState>(definition.steps.map((step) => [step.name, untouched]))
  const { skippedSteps } = options
  const view = (lastSequence: number): FoldedLog =>
    derive(definition.steps, states, skippedSteps, options.roundsMax ?? defaultRoundsMax, lastSequence)
  let lastSequence = 0
  for (const event of events) {
    const why = legality(definition.steps, states, event, { lastSequence, skippedSteps })
    if (why !== undefined) throw new IllegalLog(options.operationId, event, why)
    // `legality` has refused steps the definition does not know.
    states.set(event.step, applied(states.get(event.step)!, event))
    lastSequence = event.sequence
  }
  return view(lastSequence)
}

function applied(state: StepState, event: SagaEvent): StepState {
  switch (event.type) {
    case 'started':
      return { ...state, status: 'running', attempts: event.attempt, starts: state.starts + 1 }
    case 'succeeded':
      return { ...state, status: 'succeeded', attempts: event.attempt, starts: 0, output: event.data, passedOver: event.attempt === 0 }
    case 'failed':
      return { ...state, status: 'failed', attempts: event.attempt, starts: 0, rounds: state.rounds + 1, failure: event.data as StepFailure }
    case 'undo_started':
      return { ...state, status: 'undoing', undoAttempts: event.attempt, starts: state.status === 'undoing' ? state.starts + 1 : 1 }
    case 'undo_finished':
      return { ...state, status: 'undone', undoAttempts: event.attempt, starts: 0 }
    case 'undo_failed':
      return { ...state, status: 'undo_failed', undoAttempts: event.attempt, starts: 0, undoFailure: event.data as StepFailure }
  }
}

function derive(
  steps: readonly Step[],
  states: Map<string, StepState>,
  skippedSteps: readonly string[] | undefined,
  roundsMax: number,
  lastSequence: number,
): FoldedLog {
  const record: Record<string, StepState> = {}
  for (const [index, step] of steps.entries()) {
    const state = states.get(step.name)!
    const failed = state.status === 'failed' && step.afterCommit
    const wentOn = failed
      ? steps.slice(index + 1).some((later) => states.get(later.name)!.status !== 'pending')
      : steps.slice(0, index).some((earlier) => states.get(earlier.name)!.undoAttempts > 0)
    const failedForGood = failed || state.status === 'undo_failed'
    record[step.name] = { ...state, skipped: failedForGood && (wentOn || skippedSteps?.includes(step.name) === true) }
  }
  const committed = steps.some((step) => step.afterCommit && record[step.name]!.status !== 'pending')
  const failed = steps.find((step) => !step.afterCommit && record[step.name]!.rounds > 0)
  const unwinding = failed !== undefined || steps.some((step) => isUnwound(record[step.name]!.status))
  const undoNext = committed ? undefined : steps.findLast((step) => needsUndo(step, record[step.name]!))?.name
  const common = { steps: record, committed, undoNext, lastSequence, failure: failed && record[failed.name]!.failure }
  if (unwinding) {
    if (undoNext === undefined) return { ...common, phase: 'undone', next: undefined }
    return { ...common, phase: record[undoNext]!.status === 'undo_failed' ? 'stuck' : 'undoing', next: { step: undoNext, action: 'undo' } }
  }
  const current = steps.find((step) => record[step.name]!.status !== 'succeeded' && !record[step.name]!.skipped)
  if (current === undefined) return { ...common, phase: 'done', next: undefined }
  const { status, rounds } = record[current.name]!
  // Every `roundsMax` rounds a person is asked; a claim after that is their wish to try as many again.
  const phase = status === 'failed' && rounds % roundsMax === 0 ? 'stuck' : 'forward'
  return { ...common, phase, next: { step: current.name, action: 'run' } }
}

const isUnwound = (status: StepStatus): boolean => status === 'undoing' || status === 'undone' || status === 'undo_failed'

function needsUndo(step: Step, state: StepState): boolean {
  if (step.undo === 'nothing-to-undo' || state.passedOver || state.skipped) return false
  return state.status !== 'pending' && state.status !== 'undone'
}
