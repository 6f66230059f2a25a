import type { Saga, Step, StepContext } from '@understudy/saga'

/** A call of a step's action: the real one, and what it was called with. */
export type Around = (action: 'run' | 'undo', step: string, context: StepContext<unknown, object>, real: () => Promise<unknown>) => Promise<unknown>

/** The same saga with every `run` and `undo` called through `around`. */
export function instrument<Deps, Params>(saga: Saga<Deps, Params>, around: Around): Saga<Deps, Params> {
  return { ...saga, steps: saga.steps.map((step) => through(step, around)) }
}

function through(step: Step, around: Around): Step {
  const { run, undo } = step
  return {
    ...step,
    run: (deps, context) => around('run', step.name, context, () => run(deps, context)),
    undo:
      undo === 'nothing-to-undo'
        ? undo
        : async (deps, context) => {
            await around('undo', step.name, context, () => undo(deps, context))
          },
  }
}
