import { sagaLaws } from '@understudy/testing/saga-laws'
import type { LawOptions } from '@understudy/testing/saga-laws'
import { describe, expect } from 'vitest'
import type { SagaDeps } from '../context.ts'
import { failureOf } from '../operations/failure.ts'
import { useLawBench } from '../testing/law-bench.ts'
import { hotTier, parkedTier, setStage } from '../testing/stage.ts'
import type { Stage, View } from '../testing/stage.ts'
import { armShadowSaga, disarmShadowSaga } from './arm-shadow.saga.ts'
import { proveShadowSaga } from './prove-shadow.saga.ts'
import { provisionShadowSaga } from './provision-shadow.saga.ts'
import { retireShadowSaga } from './retire-shadow.saga.ts'
import type { Shadow } from './shadow.ts'

const bench = useLawBench()

/** A world with one shadow, and what it has to look like in both ends of the saga. */
interface Scene {
  readonly set: () => Promise<{ readonly stage: Stage; readonly shadow: Shadow }>
  /** Steps that do here what they do in no scene before. Absent: all laws at all steps. */
  readonly newSteps?: readonly string[]
  readonly done: View
  readonly clean: View
  /** What there has to be beside, when it is done. */
  readonly also?: (stage: Stage, shadow: Shadow) => Promise<void> | void
  /** What must not be left behind. */
  readonly alsoClean?: (stage: Stage) => void
}

const lawsOf = (scene: Scene): LawOptions<SagaDeps> => ({
  makeStore: bench.makeStore,
  classify: failureOf,
  ...(scene.newSteps === undefined ? {} : { newSteps: scene.newSteps }),
  async makeWorld() {
    const { stage, shadow } = await scene.set()
    return stage.world({
      params: { shadowId: shadow.id },
      async expectDone() {
        expect(await stage.look()).toEqual(scene.done)
        await scene.also?.(stage, shadow)
      },
      async expectCleanSlate() {
        expect(await stage.look()).toEqual(scene.clean)
        scene.alsoClean?.(stage)
      },
    })
  },
})

const either = (...texts: readonly string[]): string => expect.toBeOneOf([...texts]) as string
const primary = { state: 'running', role: 'primary', name: 'web' } as const
const running = { state: 'running', role: 'shadow', name: 'web-shadow' } as const
const stopped = { ...running, state: 'stopped' } as const
const idle = { reserved: false, armed: false } as const
/** What no saga of a shadow ever touches. */
const undisturbed = { serving: { primary: 100 }, resource: { primary: 'primary', epoch: 1, status: 'protected' } } as const
const alone: View = { ...undisturbed, enrolled: ['primary'], living: { primary }, shadows: {} }
const watched = { ...undisturbed, enrolled: ['primary', 'shadow'], living: { primary, shadow: running } } as const
const resting = { ...undisturbed, enrolled: ['primary'], living: { primary, shadow: stopped } } as const

const ofShadow = async ({ deps }: Stage, { id }: Shadow): Promise<Shadow> => {
  const found = await deps.database.stores.shadows.findById(id)
  if (!found) throw new Error('the row of the shadow has vanished')
  return found
}

const withShadow =
  (tier: typeof hotTier, overrides: Partial<Shadow> = {}) =>
  async (): Promise<{ readonly stage: Stage; readonly shadow: Shadow }> => {
    const stage = await setStage(bench, tier)
    return { stage, shadow: await stage.addShadow(overrides) }
  }
const withPlan = (tier: typeof hotTier) => async (): Promise<{ readonly stage: Stage; readonly shadow: Shadow }> => {
  const stage = await setStage(bench, tier)
  return { stage, shadow: await stage.planShadow() }
}
/** A plan that nobody has taken yet is as good as one that was given up. */
const planned: View = { ...alone, shadows: expect.toBeOneOf([{}, { unmade: { status: 'planned', ...idle, proven: false } }]) as View['shadows'] }

describe('providing a hot shadow', () => {
  sagaLaws(
    provisionShadowSaga,
    lawsOf({
      set: withPlan(hotTier),
      done: {
        ...undisturbed,
        enrolled: ['new', 'primary'],
        living: { primary, new: running },
        shadows: { new: { status: 'ready', ...idle, proven: true } },
      },
      clean: planned,
      also: async (stage, shadow) => expect((await ofShadow(stage, shadow)).proof?.method).toBe('health'),
    }),
  )
})

describe('providing a parked shadow', () => {
  sagaLaws(
    provisionShadowSaga,
    lawsOf({
      set: withPlan(parkedTier),
      newSteps: ['instance'],
      done: {
        ...undisturbed,
        enrolled: ['primary'],
        living: { primary, new: stopped },
        shadows: { new: { status: 'unproven', ...idle, proven: false } },
      },
      clean: planned,
    }),
  )
})

describe('providing a cold shadow', () => {
  const snapshotsOf = ({ dc }: Stage): number => dc.storage.describeSnapshots({}).items.filter((one) => 'understudy:resource' in one.tags).length
  sagaLaws(
    provisionShadowSaga,
    lawsOf({
      set: withPlan({ ...hotTier, readiness: 'cold' }),
      newSteps: ['disks'],
      done: { ...alone, shadows: { unmade: { status: 'ready', ...idle, proven: true } } },
      clean: planned,
      async also(stage, shadow) {
        expect(snapshotsOf(stage), 'one snapshot of each disk').toBe(2)
        expect((await ofShadow(stage, shadow)).snapshotSetId).toEqual(expect.any(String))
      },
      alsoClean: (stage) => expect(snapshotsOf(stage)).toBe(0),
    }),
  )
})

/** A proof that was recorded is a proof, whatever became of the operation. */
const drilled = expect.toBeOneOf([
  { status: 'unproven', ...idle, proven: false },
  { status: 'ready', ...idle, proven: true },
]) as View['shadows'][string]

describe('the drill of a hot shadow', () => {
  sagaLaws(
    proveShadowSaga,
    lawsOf({
      set: withShadow(hotTier, { status: 'unproven', proof: undefined }),
      done: { ...watched, shadows: { shadow: { status: 'ready', ...idle, proven: true } } },
      clean: { ...watched, shadows: { shadow: drilled } },
      also: async (stage, shadow) => expect((await ofShadow(stage, shadow)).proof?.method).toBe('health'),
    }),
  )
})

describe('the drill of a parked shadow', () => {
  sagaLaws(
    proveShadowSaga,
    lawsOf({
      set: withShadow(parkedTier, { status: 'unproven', proof: undefined }),
      newSteps: ['started', 'rested'],
      done: { ...resting, shadows: { shadow: { status: 'ready', ...idle, proven: true } } },
      clean: { ...resting, shadows: { shadow: drilled } },
      also: async (stage, shadow) => expect((await ofShadow(stage, shadow)).proof?.method).toBe('start'),
    }),
  )
})

describe('arming a parked shadow', () => {
  sagaLaws(
    armShadowSaga,
    lawsOf({
      set: withShadow(parkedTier),
      done: { ...watched, shadows: { shadow: { status: 'ready', reserved: false, armed: true, proven: true } } },
      clean: { ...resting, shadows: { shadow: { status: 'ready', ...idle, proven: true } } },
    }),
  )
})

describe('disarming a parked shadow', () => {
  sagaLaws(
    disarmShadowSaga,
    lawsOf({
      async set() {
        const world = await withShadow(parkedTier)()
        const { stage, shadow } = world
        await stage.arm(shadow)
        return world
      },
      done: { ...resting, shadows: { shadow: { status: 'ready', ...idle, proven: true } } },
      // Put to rest or not: it is armed as long as nobody has said otherwise, and the next pass stands it down.
      clean: expect.toBeOneOf([
        { ...watched, shadows: { shadow: { status: 'ready', reserved: false, armed: true, proven: true } } },
        { ...resting, shadows: { shadow: { status: 'ready', reserved: false, armed: expect.any(Boolean) as boolean, proven: true } } },
      ]) as View,
    }),
  )
})

describe('retiring a hot shadow', () => {
  sagaLaws(
    retireShadowSaga,
    lawsOf({
      set: withShadow(hotTier),
      done: alone,
      // It may be used again, or the reconciler retires it another time: it is never out of sight.
      clean: { ...watched, shadows: { shadow: { status: either('ready', 'failed'), ...idle, proven: true } } },
    }),
  )
})

describe('retiring a shadow that was never made', () => {
  sagaLaws(
    retireShadowSaga,
    lawsOf({
      set: withPlan(hotTier),
      newSteps: [],
      done: alone,
      clean: { ...alone, shadows: { unmade: { status: either('planned', 'failed'), ...idle, proven: false } } },
    }),
  )
})
