import { AppError } from '@understudy/core'
import { saga } from '@understudy/saga'
import type { SagaDeps } from '../context.ts'
import { sagaVersions } from '../operations/saga-versions.ts'
import { leaveGate, passGate, releaseStandIn, reserveStandIn } from './choose-standin.ts'
import { failoverSagaParams } from './failover.world.ts'
import type { FailoverParams } from './failover.world.ts'
import type { StandIn } from './failover.ts'
import { growStandIn, shrinkStandIn } from './grow-standin.ts'
import { awaitStable, moveTraffic, restStandIn, returnTraffic, startStandIn } from './move-traffic.ts'
import { placeReplacement, removeReplacement, saveState } from './place-replacement.ts'
import { replenish } from './replenish.ts'
import { promote, retirePrimary } from './retire-primary.ts'

const second = 1000
const minute = 60 * second

/** Passing the deadline does not end a failover: late is better than never. */
const evenLate = { overrun: true } as const
/** As often as the budget allows: giving up early on a cloud that answers badly would lose what is to be saved. */
const stubborn = { attemptsMax: 200 } as const

interface Chosen {
  readonly standin?: { readonly standIn: StandIn | null }
  readonly replacement?: StandIn | null
  readonly capacity?: { readonly grown: StandIn | null } | null
}
const standInOf = (outputs: Chosen): StandIn | null => outputs.capacity?.grown ?? outputs.standin?.standIn ?? outputs.replacement ?? null
function requireStandIn(outputs: Chosen): StandIn {
  const standIn = standInOf(outputs)
  if (!standIn) throw new AppError('no_usable_shadow', 'Neither a shadow nor a replacement is at hand.')
  return standIn
}
const hasNoShadow = ({ outputs }: { readonly outputs: Chosen }): boolean => outputs.standin?.standIn === null

/**
 * Moves a resource off its primary: redirect, grow, wait until stable, retire, promote, replenish. A running shadow takes the
 * traffic at once; a parked one is started first; without any, the state is saved and a replacement is launched.
 */
export const failoverSaga = saga<SagaDeps, FailoverParams>('failover', { version: sagaVersions.failover, params: failoverSagaParams })
  .step('gate', {
    title: 'Check that the failover is still needed and allowed',
    ...stubborn,
    budget: { maxMs: minute, ...evenLate },
    run: passGate,
    undo: leaveGate,
  })
  .step('standin', {
    title: 'Reserve the best shadow',
    ...stubborn,
    budget: { maxMs: minute, ...evenLate },
    run: reserveStandIn,
    undo: releaseStandIn,
  })
  .step('state', {
    title: 'Save the state of the primary, since no shadow can take over',
    when: hasNoShadow,
    ...stubborn,
    budget: { maxMs: 2 * minute, ...evenLate },
    run: saveState,
    // What was saved is kept: nobody knows yet what it will be needed for.
    undo: 'nothing-to-undo',
  })
  .step('replacement', {
    title: 'Launch a replacement elsewhere',
    when: hasNoShadow,
    ...stubborn,
    budget: { maxMs: 15 * minute, ...evenLate },
    run: (deps, step) => placeReplacement(deps, step, step.outputs.state ?? { setId: null, usable: false }),
    undo: removeReplacement,
  })
  .step('running', {
    title: 'Start the stand-in if it rests',
    when: ({ outputs }) => outputs.standin.standIn !== null && !outputs.standin.runs,
    ...stubborn,
    budget: { maxMs: 10 * minute, ...evenLate },
    run: (deps, step) => startStandIn(deps, step, requireStandIn(step.outputs)),
    undo: (deps, step) => restStandIn(deps, step, step.outputs.standin.standIn),
  })
  .step('traffic', {
    title: 'Move the traffic to the stand-in',
    ...stubborn,
    budget: { maxMs: 10 * minute, ...evenLate },
    run: (deps, step) => moveTraffic(deps, step, requireStandIn(step.outputs)),
    undo: returnTraffic,
  })
  .step('capacity', {
    title: 'Bring it to the size of the primary',
    when: ({ outputs }) => requireStandIn(outputs).instanceType !== outputs.gate.instanceType,
    ...stubborn,
    budget: { maxMs: 15 * minute, ...evenLate },
    run: (deps, step) => growStandIn(deps, step, requireStandIn(step.outputs), step.outputs.gate.instanceType),
    undo: (deps, step) => shrinkStandIn(deps, step, step.outputs.standin.standIn ?? step.outputs.replacement),
  })
  .step('stable', {
    title: 'Wait until it is stable',
    // The traffic is safe. In a mass reclaim others still wait for that, and a drain may take minutes.
    unhurried: true,
    ...stubborn,
    budget: { maxMs: 5 * minute, ...evenLate },
    run: (deps, step) => awaitStable(deps, step, requireStandIn(step.outputs)),
    undo: 'nothing-to-undo',
  })
  .commit()
  .step('retired', {
    title: 'Retire the former primary',
    unhurried: true,
    ...stubborn,
    budget: { maxMs: 10 * minute, ...evenLate },
    run: (deps, step) => retirePrimary(deps, step, requireStandIn(step.outputs), step.outputs.state),
    undo: 'nothing-to-undo',
  })
  .step('promoted', {
    title: 'Promote the stand-in',
    ...stubborn,
    budget: { maxMs: minute, ...evenLate },
    run: (deps, step) => promote(deps, step, requireStandIn(step.outputs)),
    undo: 'nothing-to-undo',
  })
  .step('replenished', {
    title: 'Have a new shadow made',
    ...stubborn,
    budget: { maxMs: minute, ...evenLate },
    run: (deps, step) => replenish(deps, step, { ...step.outputs.gate, ...step.outputs.retired, promotedId: standInOf(step.outputs)?.shadowId }),
    undo: 'nothing-to-undo',
  })
  .end()
