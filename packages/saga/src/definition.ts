import type { Json } from '@understudy/core'
import type { z } from 'zod'

/**
 * A saga is a list of steps that can be read aloud. Each step does one thing and says how to undo it; its output is JSON and
 * is the only thing later steps see of it. Steps may run more than once (after a crash, a step without a result runs again),
 * so every action is find-or-create by `context.key()`.
 */
export interface StepContext<Params, Outputs> {
  readonly operationId: string
  readonly step: string
  /** From 1; grows with each retry and each resumption. */
  readonly attempt: number
  readonly params: Params
  readonly outputs: Outputs
  /** Aborts when the step's budget is spent, the lease is lost, or the operation is cancelled. */
  readonly signal: AbortSignal
  /** When this step has to be done, on the injected clock: its budget, cut by the operation's own deadline. */
  readonly dueMs: number
  /** The operation's own deadline, if it has one. */
  readonly deadlineMs: number | undefined
  /** Idempotency key of an effect of this step: equal in every attempt, different for every suffix. 32 lowercase hex. */
  key(suffix?: string): string
  /** Adds a line to the timeline, for people. Never read back by code. */
  note(message: string, data?: Json): Promise<void>
  /** Records an intent in the audit trail before something outside is changed. Repeating it with the same action changes nothing. */
  audit(entry: AuditIntent): Promise<void>
}

export interface AuditIntent {
  /** Verb of the provider port and what it is done to: `traffic.setWeights`. */
  readonly action: string
  /** Native id or our id of what is changed. */
  readonly target: string
  readonly details?: Json
}

export interface UndoContext<Params, Outputs, Output> extends StepContext<Params, Outputs> {
  /** What the step returned; `undefined` when it started and never returned: the undo has to look whether anything is left behind. */
  readonly output: Output | undefined
}

export interface StepBudget {
  /** The longest the step may take, retries included. */
  readonly maxMs: number
  /** Part of the time left until the operation's deadline that this step may use, 0 to 1. Default 1. */
  readonly shareOfRest?: number
  /** The deadline does not cut this step: late is better than never. The step still sees it and may plan by it. */
  readonly overrun?: boolean
}

export interface StepDefinition<Deps, Params, Outputs, Output> {
  /** One line for people: what the step does. Shown in the timeline and by `npm run sagas`. */
  readonly title: string
  /**
   * Pure, from what is recorded. `false`: the step is passed over. It is logged as started and succeeded with a null output, in
   * the same append as the next step that runs, so that passing over costs nothing; it is never undone.
   */
  readonly when?: (context: { readonly params: Params; readonly outputs: Outputs }) => boolean
  run(deps: Deps, context: StepContext<Params, Outputs>): Promise<Output>
  /** Puts back what `run` did. Runs for every step that was started, last first, and must tolerate being run twice. */
  readonly undo: ((deps: Deps, context: UndoContext<Params, Outputs, Output>) => Promise<void>) | 'nothing-to-undo'
  readonly budget: StepBudget
  /** How often it is tried where failures are transient, bounded by the budget. Default 8, which outlasts ten to twenty seconds of a cloud's not answering. */
  readonly attemptsMax?: number
  /**
   * What was urgent is done: from this step on the operation takes no slot of its runner, and the step lets urgent operations that
   * still wait or work go first, for a while. Its budget begins after that.
   */
  readonly unhurried?: boolean
  /** Checked when the output is written and again when it is read back. */
  readonly output?: z.ZodType<Output>
}

export interface Step {
  readonly name: string
  readonly title: string
  readonly afterCommit: boolean
  readonly budget: StepBudget
  readonly attemptsMax: number
  readonly unhurried: boolean
  readonly output: z.ZodType | undefined
  readonly when: ((context: { readonly params: never; readonly outputs: never }) => boolean) | undefined
  readonly run: (deps: never, context: never) => Promise<unknown>
  readonly undo: ((deps: never, context: never) => Promise<void>) | 'nothing-to-undo'
}

/** A finished definition. `version` is stored with every operation: a running one is continued by the definition it began with. */
export interface Saga<Deps, Params> {
  readonly name: string
  readonly version: number
  readonly params: z.ZodType<Params>
  readonly steps: readonly Step[]
  readonly _deps?: (deps: Deps) => void
}

export interface SagaBuilder<Deps, Params, Outputs> {
  step<Name extends string, Output extends Json | void>(
    name: Name extends keyof Outputs ? never : Name,
    definition: StepDefinition<Deps, Params, Outputs, Output> & {
      readonly when: (context: { readonly params: Params; readonly outputs: Outputs }) => boolean
    },
  ): SagaBuilder<Deps, Params, Outputs & { readonly [K in Name]: Output | null }>
  step<Name extends string, Output extends Json | void>(
    name: Name extends keyof Outputs ? never : Name,
    definition: StepDefinition<Deps, Params, Outputs, Output> & { readonly when?: undefined },
  ): SagaBuilder<Deps, Params, Outputs & { readonly [K in Name]: Output }>
  /** The point of no return: after the steps before it have succeeded, the saga only rolls forward. */
  commit(): SagaBuilder<Deps, Params, Outputs>
  end(): Saga<Deps, Params>
}

export function saga<Deps, Params>(
  name: string,
  options: { readonly version: number; readonly params: z.ZodType<Params> },
): SagaBuilder<Deps, Params, object> {
  const steps: Step[] = []
  let committed = false
  const builder = {
    step(stepName: string, definition: StepDefinition<Deps, Params, object, unknown>) {
      if (steps.some((step) => step.name === stepName)) throw new Error(`saga ${name}: step ${stepName} is defined twice`)
      steps.push({
        name: stepName,
        title: definition.title,
        afterCommit: committed,
        budget: definition.budget,
        attemptsMax: definition.attemptsMax ?? 8,
        unhurried: definition.unhurried ?? false,
        output: definition.output as z.ZodType | undefined,
        when: definition.when as Step['when'],
        run: definition.run as Step['run'],
        undo: definition.undo as Step['undo'],
      })
      return builder
    },
    commit() {
      if (committed) throw new Error(`saga ${name}: it can have only one point of no return`)
      committed = true
      return builder
    },
    end(): Saga<Deps, Params> {
      if (steps.length === 0) throw new Error(`saga ${name}: it has no steps`)
      return Object.freeze({ name, version: options.version, params: options.params, steps: Object.freeze([...steps]) })
    },
  }
  // The builder is one object whose type grows with every step; only the signatures above know the outputs' types.
  return builder as unknown as SagaBuilder<Deps, Params, object>
}
