import { seededRandom } from '@understudy/core'
import type { JsonObject } from '@understudy/core'
import { createRunner, runnable } from '@understudy/saga'
import type { Saga } from '@understudy/saga'
import { expect, test } from 'vitest'
import { failoverSaga } from '../../failover/failover.saga.ts'
import { failureOf } from '../../operations/failure.ts'
import { refreshResourceSaga } from '../../resources/refresh-resource.saga.ts'
import { provisionShadowSaga } from '../../shadows/provision-shadow.saga.ts'
import { aPoint, insertRow, plugIn, volumesOf } from '../../testing/disk-beside.ts'
import { useLawBench } from '../../testing/law-bench.ts'
import { hotTier, setStage } from '../../testing/stage.ts'
import type { Stage } from '../../testing/stage.ts'

const bench = useLawBench()

/** A primary with a disk of a recovery point beside its own. */
async function stageWithDiskBeside(): Promise<{ readonly stage: Stage; readonly own: readonly string[] }> {
  const stage = await setStage(bench, hotTier)
  const own = volumesOf(stage).map(({ deviceName }) => deviceName)
  const point = await aPoint(stage)
  await plugIn(stage, await insertRow(stage, point), point)
  expect(volumesOf(stage)).toHaveLength(own.length + 1)
  return { stage, own: own.toSorted() }
}

async function run<Deps, Params>(stage: Stage & { readonly deps: Deps }, definition: Saga<Deps, Params>, params: JsonObject): Promise<void> {
  const { store, submit, read } = await bench.makeStore()
  const { name: saga, version } = definition
  const deadlineMs = stage.clock.nowMs() + 120_000
  const id = await submit({ saga, version, params, createdMs: stage.clock.nowMs(), ...(saga === failoverSaga.name ? { deadlineMs } : {}) })
  const options = { clock: stage.clock, random: seededRandom(1), runnerId: 'beside', classify: failureOf, leaseMs: 30_000 }
  const runner = createRunner({ store, sagas: [runnable(definition, () => stage.deps)], ...options })
  await stage.drive(runner.runOne(id))
  expect(await read(id)).toMatchObject({ status: 'succeeded' })
}

const devicesOf = ({ dc }: Stage, nativeId: string): readonly string[] =>
  dc.instances
    .get(nativeId)!
    .blockDevices.map(({ deviceName }) => deviceName)
    .toSorted()

test('it is no part of the definition, so that no shadow is made anew for it', async () => {
  const { stage, own } = await stageWithDiskBeside()
  await run(stage, refreshResourceSaga, { resourceId: stage.resource.id })
  const refreshed = await stage.deps.database.stores.resources.findById(stage.resource.id)
  expect(refreshed?.dnaAt).not.toEqual(stage.resource.dnaAt)
  expect(refreshed?.dna.fingerprint).toBe(stage.resource.dna.fingerprint)
  expect(refreshed?.dna.disks.map(({ deviceKey }) => deviceKey).toSorted()).toEqual(own)
  stage.dc.close()
})

test('a shadow that is made meanwhile does not get it', async () => {
  const { stage, own } = await stageWithDiskBeside()
  const shadow = await stage.planShadow()
  await run(stage, provisionShadowSaga, { shadowId: shadow.id })
  const { nativeId } = (await stage.deps.database.stores.shadows.findById(shadow.id))!
  expect(devicesOf(stage, nativeId!)).toEqual(own)
  stage.dc.close()
})

test('a failover that makes a replacement of the disks of the primary leaves it out', async () => {
  const { stage, own } = await stageWithDiskBeside()
  const { resource, primary } = stage
  await run(stage, failoverSaga, { resourceId: resource.id, primary: primary.nativeId, primaryEpoch: 1, mode: 'interruption' })
  const { nativeId } = (await stage.deps.database.stores.resources.findById(resource.id))!
  expect(nativeId).not.toBe(primary.nativeId)
  expect(devicesOf(stage, nativeId)).toEqual(own)
  stage.dc.close()
})
