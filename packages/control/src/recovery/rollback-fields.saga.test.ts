import { sagaLaws } from '@understudy/testing/saga-laws'
import { describe, expect } from 'vitest'
import { failureOf } from '../operations/failure.ts'
import { redactDna } from '../resources/redact.ts'
import { insertPoint, keptPoint } from '../testing/kept-point.ts'
import { useLawBench } from '../testing/law-bench.ts'
import { hotTier, setStage } from '../testing/stage.ts'
import type { Stage } from '../testing/stage.ts'
import type { Manifest } from './manifest.ts'
import { rollbackFieldsSaga } from './rollback-fields.saga.ts'
import { planRollback } from './rollback-plan.ts'
import type { RestorableField } from './rollback-plan.ts'

const bench = useLawBench()
const otherSize = 't3.small'

const seen = ({ dc, primary }: Stage) => {
  const { tags, disableApiTermination, instanceType, state, blockDevices } = dc.instances.get(primary.nativeId)!
  const own = Object.fromEntries(Object.entries(tags).filter(([key]) => !key.startsWith('understudy:')))
  return { tags: own, terminate: disableApiTermination, instanceType, state, volumes: blockDevices.map(({ volumeId }) => volumeId) }
}

async function fieldsWorld(fields: readonly RestorableField[]) {
  const stage = await setStage(bench, hotTier, { purchase: 'on-demand' })
  const { provider, primary, resource, dc } = stage
  const context = { idempotencyKey: 'a'.repeat(32), tags: {}, actor: 'laws', priority: 'background' } as const
  await stage.drive(provider.labels.tag([primary], { team: 'blue', gone: 'yes' }, context))
  const then = redactDna((await stage.drive(provider.inventory.describe(primary)))!)
  // As if it had been smaller then.
  const dna = JSON.parse(JSON.stringify({ ...then, size: { ...then.size, type: otherSize } })) as Manifest['definition']['dna']
  const former = seen(stage)
  const point = await keptPoint(stage, {}, dna)
  await stage.drive(provider.labels.tag([primary], { team: 'red', gone: undefined, extra: '1' }, context))
  await stage.drive(provider.labels.setProtection(primary, { terminate: true }, context))
  const safety = await insertPoint(stage)
  const present = redactDna((await stage.drive(provider.inventory.describe(primary)))!)
  const answer = planRollback({ resource, point, present, traits: provider.traits, fields })
  if (!answer.ok) throw new Error(answer.reason)
  const [before, view] = [seen(stage), await stage.look()]
  const safetyNow = () => stage.deps.database.stores.recoveryPoints.findById(safety.id)
  return stage.world({
    params: {
      ...{ resourceId: resource.id, pointId: point.id, primary: primary.nativeId, primaryEpoch: 1 },
      ...{ planHash: answer.planHash, safetyPointId: safety.id, fields: [...fields] },
    },
    async expectDone() {
      expect(seen(stage)).toEqual({
        ...before,
        ...(fields.includes('tags') ? { tags: former.tags } : {}),
        ...(fields.includes('protection') ? { terminate: false } : {}),
        ...(fields.includes('size') ? { instanceType: otherSize } : {}),
      })
      expect((await stage.look()).serving).toEqual({ primary: 100 })
      expect(await safetyNow()).toMatchObject({ status: 'usable', sequence: 2 })
    },
    async expectCleanSlate() {
      expect(seen(stage)).toEqual(before)
      expect(await stage.look()).toEqual(view)
      expect((await safetyNow())?.status).toBeOneOf(['usable', 'failed', 'capturing'])
      expect(dc.storage.describeSnapshots().items.length % before.volumes.length).toBe(0)
    },
  })
}

describe('setting fields of the definition back, also one that it has to be stopped for', () => {
  sagaLaws(rollbackFieldsSaga, { makeStore: bench.makeStore, classify: failureOf, makeWorld: () => fieldsWorld(['tags', 'protection', 'size']) })
})
