import { seededRandom } from '@understudy/core'
import { createRunner, runnable } from '@understudy/saga'
import { expect, test } from 'vitest'
import { failureOf } from '../operations/failure.ts'
import { keptPoint } from '../testing/kept-point.ts'
import { useLawBench } from '../testing/law-bench.ts'
import { hotTier, setStage } from '../testing/stage.ts'
import { submitRollback } from '../testing/submit-rollback.ts'
import { rollbackSaga } from './rollback.saga.ts'

const bench = useLawBench()

test('an instance that somebody starts while its disks are exchanged is stopped again, and is rolled back', async () => {
  const stage = await setStage(bench, hotTier, { purchase: 'on-demand' })
  const { dc, clock, primary, deps } = stage
  const { id, store, read, present } = await submitRollback(bench, stage, await keptPoint(stage))
  const states: string[] = []
  let meddles = true
  dc.subscribe((event) => {
    if (event.kind === 'instance_state' && event.instanceId === primary.nativeId) states.push(event.to)
    // The root has been exchanged, and whether it goes with the instance has still to be said.
    if (!meddles || event.kind !== 'volume_attachment' || event.to !== 'attached' || states.length === 0) return
    meddles = false
    clock.schedule(0, () => void dc.instances.start([primary.nativeId]))
  })
  const sagas = [runnable(rollbackSaga, () => deps)]
  const runner = createRunner({ store, sagas, clock, random: seededRandom(1), runnerId: 'meddled', classify: failureOf, leaseMs: 30_000 })
  expect((await stage.drive(runner.runOne(id)))?.kind).toBe('finished')
  expect(await read(id)).toMatchObject({ status: 'succeeded' })
  expect(states.filter((state) => state === 'stopped' || state === 'running')).toEqual(['stopped', 'running', 'stopped', 'running'])
  const former = present.disks.map(({ ref }) => ref.nativeId)
  const now = dc.instances.get(primary.nativeId)!.blockDevices.map(({ volumeId }) => volumeId)
  expect(now).toHaveLength(former.length)
  expect(now.filter((volumeId) => former.includes(volumeId))).toEqual([])
  dc.close()
})
