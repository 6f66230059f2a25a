import { FencedOff } from '@understudy/saga'
import type { ClaimedOperation, Saga, Step } from '@understudy/saga'
import { describe, expect, it } from 'vitest'
import { lawSettings } from './config.ts'
import { crashingStore } from './crashing-store.ts'
import type { CrashPoint } from './crashing-store.ts'
import { instrument } from './instrument.ts'
import type { Around } from './instrument.ts'
import { LawFailure, leaseMs, trial } from './trial.ts'
import type { LawOptions, Trial } from './trial.ts'

export type { LawOptions, LawStore, LawWorld } from './trial.ts'

/**
 * What must hold for every saga, whatever it does, as tests: call it at the top level of the saga's test file. Each law makes
 * its own world and runs in virtual time.
 */
export function sagaLaws<Deps, Params>(saga: Saga<Deps, Params>, options: LawOptions<Deps>): void {
  describe(`saga ${saga.name} version ${saga.version}`, () => {
    for (const { sentence, run } of sagaLawCases(saga, options)) it(sentence, run)
  })
}

export interface LawCase {
  readonly sentence: string
  /** Rejects when the saga breaks the law. */
  readonly run: () => Promise<void>
}

/** The laws as a list, for whoever wants to run them without a test runner's help. */
export function sagaLawCases<Deps, Params>(saga: Saga<Deps, Params>, options: LawOptions<Deps>): LawCase[] {
  const cases: LawCase[] = []
  const chosen = (step: Step): boolean => options.faultsAt?.includes(step.name) ?? true
  for (const name of [...(options.faultsAt ?? []), ...(options.newSteps ?? [])])
    if (!saga.steps.some((step) => step.name === name)) throw new Error(`saga ${saga.name} has no step ${name}`)
  const laws: Laws<Deps, Params> = {
    saga,
    options,
    before: saga.steps.filter((step) => !step.afterCommit && chosen(step)),
    after: saga.steps.filter((step) => step.afterCommit && chosen(step)),
    law: (sentence, body) => cases.push({ sentence, run: () => trial(saga, options, body) }),
    repetition(step, sentence, body) {
      const { newSteps } = options
      if (newSteps === undefined || (step !== undefined && newSteps.includes(step)) || lawSettings().all) laws.law(sentence, body)
    },
  }
  successLaws(laws)
  failureLaws(laws)
  rollForwardLaws(laws)
  crashLaws(laws)
  crashWhileUnwindingLaws(laws)
  cancelLaws(laws)
  fencingLaw(laws)
  return cases
}

interface Laws<Deps, Params> {
  readonly saga: Saga<Deps, Params>
  readonly options: LawOptions<Deps>
  /** Steps before and after the point of no return that faults are tried at. */
  readonly before: readonly Step[]
  readonly after: readonly Step[]
  law(sentence: string, body: (trial: Trial<Deps, Params>) => Promise<void>): void
  /** One that comes to a state of the world that another one comes to as well: for steps that no other scene has tried. */
  repetition(step: string | undefined, sentence: string, body: (trial: Trial<Deps, Params>) => Promise<void>): void
}

const twice: Around = async (_action, _step, _context, real) => {
  await real()
  return await real()
}

function successLaws<Deps, Params>({ saga, options, before, after, law, repetition }: Laws<Deps, Params>): void {
  law('succeeds', async (t) => {
    await t.untilEnded(t.runner(saga))
    await t.expectDone()
  })
  law('succeeds when every step runs twice', async (t) => {
    await t.untilEnded(t.runner(instrument(saga, twice)))
    await t.expectDone()
  })
  for (const step of [...before, ...after]) {
    for (const side of ['before', 'after'] as const) {
      repetition(step.name, `succeeds when ${step.name} fails for now ${side} its effect`, async (t) => {
        const fail = options.transientFailure ?? (() => new LawFailure(true))
        await t.untilEnded(t.runner(instrument(saga, failingOnce(step.name, side, fail).around)))
        await t.expectDone()
      })
    }
  }
}

function failureLaws<Deps, Params>({ saga, before, law, repetition }: Laws<Deps, Params>): void {
  for (const step of before) {
    for (const side of ['before', 'after'] as const) {
      repetition(step.name, `leaves a clean slate when ${step.name} fails for good ${side} its effect`, async (t) => {
        const fault = failingOnce(step.name, side)
        await t.untilEnded(t.runner(instrument(saga, fault.around)))
        await expectUnwoundIf(t, fault.happened(), 'failed')
      })
      law(`leaves a clean slate when ${step.name} fails for good ${side} its effect and every undo runs twice`, async (t) => {
        const fault = failingOnce(step.name, side)
        const around: Around = (action, ...rest) => (action === 'undo' ? twice(action, ...rest) : fault.around(action, ...rest))
        await t.untilEnded(t.runner(instrument(saga, around)))
        await expectUnwoundIf(t, fault.happened(), 'failed')
      })
    }
  }
}

function rollForwardLaws<Deps, Params>({ saga, after, repetition, ...laws }: Laws<Deps, Params>): void {
  for (const step of after) {
    for (const side of ['before', 'after'] as const) {
      const law: typeof laws.law = (...given) => (side === 'after' ? laws.law(...given) : repetition(step.name, ...given))
      law(`rolls forward when ${step.name} fails ${side} its effect, behind the point of no return`, async (t) => {
        await t.untilEnded(t.runner(instrument(saga, failingOnce(step.name, side).around)))
        await t.expectDone()
      })
    }
    repetition(step.name, `rolls forward when it is cancelled while ${step.name} runs: too late`, async (t) => {
      const around: Around = async (action, name, _context, real) => {
        if (action === 'run' && name === step.name) await t.requestCancel()
        return await real()
      }
      await t.untilEnded(t.runner(instrument(saga, around)))
      await t.expectDone()
    })
  }
}

function crashLaws<Deps, Params>({ saga, before, after, law, repetition }: Laws<Deps, Params>): void {
  const ends = async (t: Trial<Deps, Params>, point: CrashPoint): Promise<void> => {
    const store = crashingStore(t.store, point)
    await crash(t, saga, store)
    await t.untilEnded(t.runner(saga))
    await t.expectDone()
  }
  for (const { name: step } of [...before, ...after]) {
    law(`is done after a crash just after ${step} was started`, (t) => ends(t, { side: 'after', type: 'started', step }))
    law(`is done after a crash between the effect of ${step} and its entry in the log`, (t) => ends(t, { side: 'before', type: 'succeeded', step }))
    repetition(step, `is done after a crash just after ${step} has succeeded`, (t) => ends(t, { side: 'after', type: 'succeeded', step }))
  }
  law('is done after a crash before its end was written', (t) => ends(t, { side: 'before', type: 'finish' }))
  repetition(undefined, 'is done after a crash just after its end was written', async (t) => {
    await crash(t, saga, crashingStore(t.store, { side: 'after', type: 'finish' }))
    expect(await t.drive(t.runner(saga).runOne(t.id)), 'an operation that has ended was claimed again').toBeUndefined()
    await t.expectDone()
  })
}

/** The last step before the point of no return fails behind its effect; then the process dies at each entry of the unwinding. */
function crashWhileUnwindingLaws<Deps, Params>({ saga, before, law, repetition }: Laws<Deps, Params>): void {
  const last = saga.steps.findLast((step) => !step.afterCommit)
  if (last === undefined) return
  const ends = async (t: Trial<Deps, Params>, point: CrashPoint): Promise<void> => {
    const fault = failingOnce(last.name, 'after')
    const store = crashingStore(t.store, point)
    const variant = instrument(saga, fault.around)
    await t.drive(t.runner(variant, store).runOne(t.id))
    if (fault.happened() && (await undoHappens(t, point.step))) expect(store.crashed(), 'the process did not crash where it should').toBe(true)
    if ((await t.state()).status === 'failed') return await t.expectUnwound('failed')
    await t.untilEnded(t.runner(variant))
    await expectUnwoundIf(t, fault.happened(), 'failed')
  }
  law(`leaves a clean slate after a crash just after ${last.name} has failed`, (t) => ends(t, { side: 'after', type: 'failed', step: last.name }))
  for (const { name: step, undo } of before) {
    if (undo === 'nothing-to-undo') continue
    repetition(step, `leaves a clean slate after a crash just after the undo of ${step} was started`, (t) =>
      ends(t, { side: 'after', type: 'undo_started', step }),
    )
    law(`leaves a clean slate after a crash between the undo of ${step} and its entry in the log`, (t) =>
      ends(t, { side: 'before', type: 'undo_finished', step }),
    )
    repetition(step, `leaves a clean slate after a crash just after the undo of ${step} has finished`, (t) =>
      ends(t, { side: 'after', type: 'undo_finished', step }),
    )
  }
}

function cancelLaws<Deps, Params>({ saga, before, law, repetition }: Laws<Deps, Params>): void {
  for (const { name: step } of before) {
    repetition(step, `leaves a clean slate when it is cancelled while ${step} waits`, async (t) => {
      let happened = false
      const around: Around = async (action, name, context, real) => {
        if (action !== 'run' || name !== step) return await real()
        happened = true
        await t.requestCancel()
        await aborted(context.signal)
        throw context.signal.reason
      }
      await t.untilEnded(t.runner(instrument(saga, around)))
      await expectUnwoundIf(t, happened, 'cancelled')
    })
    law(`leaves a clean slate when it is cancelled just after the effect of ${step}`, async (t) => {
      let happened = false
      const around: Around = async (action, name, _context, real) => {
        const output = await real()
        if (action !== 'run' || name !== step) return output
        happened = true
        await t.requestCancel()
        return output
      }
      await t.untilEnded(t.runner(instrument(saga, around)))
      await expectUnwoundIf(t, happened, 'cancelled')
    })
  }
  repetition(undefined, 'leaves a clean slate when it is cancelled before it begins', async (t) => {
    await t.requestCancel()
    await t.untilEnded(t.runner(saga))
    await t.expectUnwound('cancelled')
  })
}

function fencingLaw<Deps, Params>({ saga, repetition }: Laws<Deps, Params>): void {
  repetition(undefined, 'refuses every write of a runner whose lease was taken over', async (t) => {
    const claim = async (runner: string): Promise<ClaimedOperation> => {
      const options = { runner, limit: 1, leaseMs, nowMs: t.clock.nowMs(), sagas: [saga.name], operationId: t.id }
      const [claimed] = await t.drive(t.store.claim(options))
      if (claimed === undefined) throw new Error('the operation could not be claimed')
      t.clock.advance(leaseMs + 1)
      return claimed
    }
    const first = await claim('first')
    const second = await claim('second')
    await expectRefused(t, saga, first, 'first') // the lease of `second` has run out by now, but it is the last to have had it
    await t.untilEnded(t.runner(saga))
    await expectRefused(t, saga, second, 'second')
    await t.expectDone()
  })
}

async function expectRefused<Deps, Params>(t: Trial<Deps, Params>, saga: Saga<Deps, Params>, stale: ClaimedOperation, runner: string): Promise<void> {
  const { events } = await t.state()
  const atMs = t.clock.nowMs()
  const step = saga.steps[0]!.name
  const event = { sequence: events.length + 1, type: 'started' as const, step, attempt: 99, data: null, atMs }
  await expect(t.store.append(stale, [event])).rejects.toThrow(FencedOff)
  await expect(t.store.note(stale, { step, message: 'late', atMs })).rejects.toThrow(FencedOff)
  await expect(t.store.finish(stale, { status: 'failed', atMs })).rejects.toThrow(FencedOff)
  await expect(t.store.release(stale, { notBeforeMs: atMs })).rejects.toThrow(FencedOff)
  const renewed = await t.store.renew({ runner, leases: [stale], leaseMs, nowMs: atMs })
  expect(renewed, 'a stale lease was renewed').toEqual([])
  expect((await t.state()).events).toEqual(events)
}

/** Lets `step` fail once, in front of its effect or behind it. */
function failingOnce(
  step: string,
  side: 'before' | 'after',
  fail = (): Error => new LawFailure(false),
): { readonly around: Around; readonly happened: () => boolean } {
  let happened = false
  const around: Around = async (action, name, _context, real) => {
    if (action !== 'run' || name !== step || happened) return await real()
    happened = true
    if (side === 'after') await real()
    throw fail()
  }
  return { around, happened: () => happened }
}

/** A step whose `when` said no in this world is never called, so what was to happen at it did not, and the saga simply succeeds. */
async function expectUnwoundIf<Deps, Params>(t: Trial<Deps, Params>, happened: boolean, status: 'failed' | 'cancelled'): Promise<void> {
  if (happened) await t.expectUnwound(status)
  else await t.expectDone()
}

/** Runs the operation with a store that crashes, and makes sure that it did. */
async function crash<Deps, Params>(t: Trial<Deps, Params>, saga: Saga<Deps, Params>, store: ReturnType<typeof crashingStore>): Promise<void> {
  await t.drive(t.runner(saga, store).runOne(t.id))
  expect(store.crashed(), 'the process did not crash where it should').toBe(true)
}

async function undoHappens<Deps, Params>(t: Trial<Deps, Params>, step: string | undefined): Promise<boolean> {
  const { log } = await t.state()
  return step === undefined || log.steps[step]?.passedOver !== true
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
