import { sagaLaws } from '@understudy/testing/saga-laws'
import type { LawOptions } from '@understudy/testing/saga-laws'
import { describe, expect } from 'vitest'
import type { SagaDeps } from '../context.ts'
import { failureOf } from '../operations/failure.ts'
import { provisionShadowSaga } from '../shadows/provision-shadow.saga.ts'
import { retireShadowSaga } from '../shadows/retire-shadow.saga.ts'
import { useLawBench } from '../testing/law-bench.ts'
import { setStageElsewhere } from '../testing/stage-elsewhere.ts'
import type { StageElsewhere, ViewElsewhere } from '../testing/stage-elsewhere.ts'
import { failoverSaga } from './failover.saga.ts'

const bench = useLawBench()
const engine = { makeStore: bench.makeStore, classify: failureOf } as const
const either = (...texts: readonly string[]): string => expect.toBeOneOf([...texts]) as string

const before = { primary: 'primary', at: 'near', entry: 'near', epoch: 1, status: either('protected', 'degraded') } as const
const given = { status: either('ready', 'unproven'), reserved: false, at: 'far' } as const
/** Whoever was enrolled and got nothing may stay in the name without a weight. */
const primaryAnswers = expect.toBeOneOf([{ primary: 100 }, { primary: 100, shadow: 0 }, { primary: 1, shadow: 0 }]) as ViewElsewhere['answers']
const untouched: ViewElsewhere = {
  answers: primaryAnswers,
  near: { primary: 'running primary' },
  far: { shadow: 'running shadow' },
  resource: before,
  shadows: { shadow: given },
}
const moved: ViewElsewhere = {
  answers: { shadow: 100 },
  near: {},
  far: { shadow: 'running primary' },
  resource: { primary: 'shadow', at: 'far', entry: 'near', epoch: 2, status: 'degraded' },
  shadows: { shadow: { status: 'promoted', reserved: false, at: 'far' } },
}

interface Scene {
  readonly set: () => Promise<StageElsewhere>
  readonly mode?: 'manual' | 'interruption'
  readonly done: ViewElsewhere
  readonly clean: ViewElsewhere
  readonly faultsAt?: readonly string[]
}

const lawsOf = ({ set, mode = 'interruption', done, clean, faultsAt }: Scene): LawOptions<SagaDeps> => ({
  ...engine,
  ...(faultsAt === undefined ? {} : { faultsAt }),
  async makeWorld() {
    const stage = await set()
    const { id: resourceId, accountId, nativeId: primary, primaryEpoch } = stage.resource
    return stage.world({
      params: { resourceId, accountId, primary, primaryEpoch, mode },
      expectDone: async () => expect(await stage.look()).toEqual(done),
      expectCleanSlate: async () => expect(await stage.look()).toEqual(clean),
    })
  },
})

const withShadow =
  (options: Parameters<typeof setStageElsewhere>[1] = {}) =>
  async (): Promise<StageElsewhere> => {
    const stage = await setStageElsewhere(bench, options)
    await stage.addShadow()
    return stage
  }

describe('a failover to a shadow in another account', () => {
  sagaLaws(failoverSaga, lawsOf({ set: withShadow(), faultsAt: ['traffic', 'stable', 'retired', 'promoted'], done: moved, clean: untouched }))
})

describe('a failover to a parked shadow in another account', () => {
  sagaLaws(
    failoverSaga,
    lawsOf({
      set: withShadow({ place: { readiness: 'parked' } }),
      faultsAt: ['running'],
      done: moved,
      clean: { ...untouched, far: { shadow: 'stopped shadow' }, answers: expect.anything() as ViewElsewhere['answers'] },
    }),
  )
})

describe('a shadow in another account', () => {
  sagaLaws(provisionShadowSaga, {
    ...engine,
    faultsAt: ['instance', 'registered'],
    async makeWorld() {
      const stage = await setStageElsewhere(bench)
      const { id: shadowId } = await stage.planShadow()
      const alone = { answers: { primary: 100 }, near: { primary: 'running primary' }, resource: before }
      return stage.world({
        params: { shadowId },
        async expectDone() {
          expect(await stage.look()).toEqual({
            ...alone,
            far: { new: 'running shadow' },
            shadows: { new: { status: 'ready', reserved: false, at: 'far' } },
          })
          const [made] = [...stage.far.instances.all()]
          expect(Buffer.from(made?.userData ?? '', 'base64').toString(), 'the boot data of the primary').toContain('echo primary')
          // Nobody watches whether it answers: no more than that is claimed.
          expect((await bench.database.stores.shadows.findById(shadowId))?.proof?.method).toBe('running')
        },
        expectCleanSlate: async () =>
          expect(await stage.look()).toEqual({
            ...alone,
            far: {},
            shadows: expect.toBeOneOf([{}, { unmade: { status: 'planned', reserved: false, at: 'far' } }]) as object,
          }),
      })
    },
  })
})

describe('the end of a shadow in another account', () => {
  sagaLaws(retireShadowSaga, {
    ...engine,
    faultsAt: ['gone'],
    async makeWorld() {
      const stage = await setStageElsewhere(bench)
      const { id: shadowId } = await stage.addShadow()
      return stage.world({
        params: { shadowId },
        expectDone: async () =>
          expect(await stage.look()).toEqual({
            answers: { primary: 100 },
            near: { primary: 'running primary' },
            far: {},
            resource: before,
            shadows: {},
          }),
        expectCleanSlate: async () =>
          expect(await stage.look()).toEqual({ ...untouched, shadows: { shadow: { ...given, status: either('ready', 'failed') } } }),
      })
    },
  })
})
