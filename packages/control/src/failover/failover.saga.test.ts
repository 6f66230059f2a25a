import { sagaLaws } from '@understudy/testing/saga-laws'
import type { LawOptions, LawWorld } from '@understudy/testing/saga-laws'
import { describe, expect } from 'vitest'
import type { SagaDeps } from '../context.ts'
import { failureOf } from '../operations/failure.ts'
import type { Tier } from '../resources/resource.ts'
import { useLawBench } from '../testing/law-bench.ts'
import { hotTier, parkedTier, setStage, warmTier } from '../testing/stage.ts'
import type { Stage, View } from '../testing/stage.ts'
import { failoverSaga } from './failover.saga.ts'

const bench = useLawBench()

/** The world before the saga, and what it has to be in both of its ends. */
interface Scene {
  readonly set: () => Promise<Stage>
  readonly mode?: 'manual' | 'interruption'
  readonly done: View
  readonly clean: View
  readonly faultsAt?: readonly string[]
  /** Steps that do here what they do in no scene before. Absent: all laws at all steps. */
  readonly newSteps?: readonly string[]
  /** What there has to be beside. */
  readonly also?: (stage: Stage, outputs: Readonly<Record<string, unknown>>) => void | Promise<void>
}

const engine = { makeStore: bench.makeStore, classify: failureOf } as const

const lawsOf = (scene: Scene): LawOptions<SagaDeps> => ({
  ...engine,
  ...(scene.faultsAt === undefined ? {} : { faultsAt: scene.faultsAt }),
  ...(scene.newSteps === undefined ? {} : { newSteps: scene.newSteps }),
  async makeWorld() {
    const stage = await scene.set()
    const { id: resourceId, primaryEpoch } = stage.resource
    return stage.world({
      params: { resourceId, primary: stage.primary.nativeId, primaryEpoch, mode: scene.mode ?? 'interruption' },
      deadlineInMs: 120_000,
      async expectDone(outputs) {
        expect(await stage.look()).toEqual(scene.done)
        await scene.also?.(stage, outputs)
      },
      expectCleanSlate: async () => expect(await stage.look()).toEqual(scene.clean),
    })
  },
})

const either = (...texts: readonly string[]): string => expect.toBeOneOf([...texts]) as string
const asPrimary = { state: 'running', role: 'primary', name: 'web' } as const
const asShadow = { state: 'running', role: 'shadow', name: 'web-shadow' } as const
const promoted = { status: 'promoted', reserved: false, armed: false, proven: true } as const
/** Never touched when the failover ended before it began; otherwise its drill decides. */
const given = { status: either('ready', 'unproven'), reserved: false, armed: false, proven: true } as const
const untouched = { primary: 'primary', epoch: 1, status: either('protected', 'degraded') } as const
const taken = (by: string) => ({ primary: by, epoch: 2, status: 'degraded' }) as const

const withHotShadow: Pick<Scene, 'done' | 'clean'> = {
  done: {
    serving: { shadow: 100 },
    enrolled: ['shadow'],
    living: { shadow: asPrimary },
    resource: taken('shadow'),
    shadows: { shadow: promoted },
  },
  clean: {
    serving: { primary: 100 },
    enrolled: ['primary', 'shadow'],
    living: { primary: asPrimary, shadow: asShadow },
    resource: untouched,
    shadows: { shadow: given },
  },
}

describe('a failover to a hot shadow', () => {
  sagaLaws(
    failoverSaga,
    lawsOf({
      ...withHotShadow,
      async set() {
        const stage = await setStage(bench, hotTier)
        await stage.addShadow()
        return stage
      },
    }),
  )
})

describe('a failover to a parked shadow', () => {
  sagaLaws(
    failoverSaga,
    lawsOf({
      async set() {
        const stage = await setStage(bench, parkedTier)
        await stage.addShadow()
        return stage
      },
      faultsAt: ['standin', 'running', 'traffic', 'stable', 'retired', 'promoted'],
      newSteps: ['running'],
      done: withHotShadow.done,
      clean: {
        serving: { primary: 100 },
        enrolled: ['primary'],
        living: { primary: asPrimary, shadow: { ...asShadow, state: 'stopped' } },
        resource: untouched,
        shadows: { shadow: given },
      },
    }),
  )
})

describe('a failover to a small shadow, which has to grow', () => {
  sagaLaws(
    failoverSaga,
    lawsOf({
      async set() {
        const stage = await setStage(bench, warmTier)
        await stage.addShadow()
        return stage
      },
      faultsAt: ['standin', 'traffic', 'capacity', 'stable', 'retired', 'promoted'],
      newSteps: ['capacity'],
      done: {
        serving: { new: 100 },
        enrolled: ['new', 'shadow'],
        living: { new: asPrimary, shadow: asShadow },
        resource: taken('new'),
        shadows: { new: { ...promoted, proven: false }, shadow: { status: 'unproven', reserved: false, armed: false, proven: true } },
      },
      clean: {
        ...withHotShadow.clean,
        shadows: { shadow: given },
      },
    }),
  )
})

describe('a failover without any shadow', () => {
  sagaLaws(
    failoverSaga,
    lawsOf({
      set: () => setStage(bench, hotTier),
      faultsAt: ['standin', 'state', 'replacement', 'traffic', 'stable', 'retired', 'promoted'],
      newSteps: ['state', 'replacement'],
      done: {
        serving: { new: 100 },
        enrolled: ['new'],
        living: { new: asPrimary },
        resource: taken('new'),
        shadows: { new: { ...promoted, proven: false } },
      },
      clean: {
        serving: { primary: 100 },
        enrolled: ['primary'],
        living: { primary: asPrimary },
        resource: untouched,
        shadows: {},
      },
      also(stage) {
        const snapshots = stage.dc.storage
          .describeSnapshots({})
          .items.filter((snapshot) => snapshot.tags['understudy:resource'] === stage.resource.id)
        expect(snapshots, 'the state of each disk is kept, once').toHaveLength(2)
      },
    }),
  )
})

describe('a failover without any shadow, whose snapshots take longer than it may', () => {
  sagaLaws(
    failoverSaga,
    lawsOf({
      set: () => setStage(bench, hotTier, { purchase: 'on-demand', latencies: { snapshot: { minMs: 3_600_000, maxMs: 3_600_000 } } }),
      faultsAt: ['retired', 'promoted'],
      done: {
        serving: { new: 100 },
        enrolled: ['new'],
        // Its disks are all there is of its state until they are saved: a step that runs again later may find that they are.
        living: expect.toBeOneOf([
          { new: asPrimary, primary: { state: 'stopped', role: 'former', name: 'web' } },
          { new: asPrimary },
        ]) as View['living'],
        resource: taken('new'),
        shadows: { new: { ...promoted, proven: false } },
      },
      clean: {
        serving: { primary: 100 },
        enrolled: ['primary'],
        living: { primary: asPrimary },
        resource: untouched,
        shadows: {},
      },
      async also(stage, outputs) {
        const isSaved = stage.dc.storage.describeSnapshots().items.every(({ state }) => state === 'completed')
        expect(outputs['retired']).toEqual({ fate: isSaved ? expect.toBeOneOf(['held', 'terminated']) : 'held' })
        if (!isSaved) expect((await stage.look()).living['primary']?.role).toBe('former')
        const { operations, audit } = stage.deps.database.stores
        const asked = { after: undefined, limit: 10, resourceId: stage.resource.id }
        const [later, ...more] = await operations.list(stage.resource.projectId, { ...asked, kind: 'failover.retire' })
        expect(more).toEqual([])
        expect(later).toMatchObject({ status: 'pending', params: { primary: stage.primary.nativeId } })
        const told = await audit.list(stage.resource.projectId, { after: 0, limit: 1000, target: stage.resource.id })
        expect(told.filter(({ action }) => action === 'failover.primary_held')).toHaveLength(1)
      },
    }),
  )
})

describe('a failover from a primary that has gone already', () => {
  sagaLaws(
    failoverSaga,
    lawsOf({
      set: () => withoutPrimary(hotTier, true),
      faultsAt: ['standin', 'traffic', 'stable', 'retired', 'promoted'],
      newSteps: ['retired'],
      done: withHotShadow.done,
      clean: {
        // Traffic that has moved stays where somebody can serve it.
        serving: expect.toBeOneOf([{}, { shadow: 100 }]) as View['serving'],
        enrolled: expect.toSatisfy((enrolled: readonly string[]) => enrolled.includes('shadow')) as View['enrolled'],
        living: { shadow: asShadow },
        resource: untouched,
        shadows: { shadow: given },
      },
      also: (_stage, outputs) => expect(outputs['retired']).toEqual({ fate: 'gone' }),
    }),
  )
})

describe('a failover from a primary that was stopped', () => {
  sagaLaws(
    failoverSaga,
    lawsOf({
      async set() {
        const stage = await setStage(bench, hotTier)
        await stage.addShadow()
        stage.dc.market.reclaim(stage.primary.nativeId, { action: 'stop' })
        await stage.clock.advanceAsync(60_000)
        return stage
      },
      faultsAt: ['traffic', 'retired'],
      newSteps: [],
      done: withHotShadow.done,
      clean: {
        serving: expect.toBeOneOf([{}, { shadow: 100 }]) as View['serving'],
        enrolled: expect.toSatisfy((enrolled: readonly string[]) => enrolled.includes('shadow')) as View['enrolled'],
        living: { primary: { ...asPrimary, state: 'stopped' }, shadow: asShadow },
        resource: untouched,
        shadows: { shadow: given },
      },
    }),
  )
})

describe('a failover that keeps the former primary', () => {
  sagaLaws(
    failoverSaga,
    lawsOf({
      async set() {
        const stage = await setStage(bench, { ...hotTier, formerPrimary: 'standby' })
        await stage.addShadow()
        return stage
      },
      mode: 'manual',
      faultsAt: ['retired', 'promoted', 'replenished'],
      done: {
        serving: { shadow: 100 },
        enrolled: ['shadow'],
        living: { shadow: asPrimary, primary: asShadow },
        resource: taken('shadow'),
        shadows: { shadow: promoted, primary: { status: 'unproven', reserved: false, armed: false, proven: false } },
      },
      clean: withHotShadow.clean,
    }),
  )
})

async function withoutPrimary(tier: Tier, shadowed: boolean): Promise<Stage> {
  const stage = await setStage(bench, tier)
  if (shadowed) await stage.addShadow()
  stage.dc.market.reclaim(stage.primary.nativeId)
  await stage.clock.advanceAsync(60_000)
  return stage
}

/** Whoever has the traffic of a primary that is gone keeps it when the failover is undone, and is a stand-in; otherwise all is as before. */
function goneWorld(stage: Stage, by: 'shadow' | 'new', expectLeft: (view: View) => void): LawWorld<SagaDeps> {
  return stage.world({
    params: { resourceId: stage.resource.id, primary: stage.primary.nativeId, primaryEpoch: 1, mode: 'interruption' },
    deadlineInMs: 120_000,
    async expectDone() {
      const view = await stage.look()
      expect(view).toMatchObject({
        serving: { [by]: 100 },
        enrolled: [by],
        resource: taken(by),
        shadows: { [by]: { status: 'promoted', reserved: false } },
      })
      expect(view.living).toEqual({ [by]: asPrimary })
    },
    async expectCleanSlate() {
      const view = await stage.look()
      expect(view.resource).toEqual(untouched)
      expectLeft(view)
    },
  })
}

describe('a failover to a parked shadow from a primary that has gone already', () => {
  sagaLaws(failoverSaga, {
    ...engine,
    faultsAt: ['running', 'traffic', 'stable'],
    newSteps: [],
    async makeWorld() {
      return goneWorld(await withoutPrimary(parkedTier, true), 'shadow', (view) => {
        const serves = view.serving['shadow'] === 100
        expect(view.living).toEqual({ shadow: { ...asShadow, state: serves ? 'running' : 'stopped' } })
        expect(view.shadows).toEqual({ shadow: given })
      })
    },
  })
})

describe('a failover without any shadow from a primary that has gone already', () => {
  sagaLaws(failoverSaga, {
    ...engine,
    faultsAt: ['state', 'replacement', 'traffic', 'stable'],
    newSteps: ['replacement'],
    async makeWorld() {
      return goneWorld(await withoutPrimary(hotTier, false), 'new', (view) => {
        const serves = view.serving['new'] === 100
        expect(Object.keys(view.living)).toEqual(serves ? ['new'] : [])
        expect(view.shadows).toEqual(serves ? { new: { status: 'unproven', reserved: false, armed: false, proven: false } } : {})
      })
    },
  })
})
