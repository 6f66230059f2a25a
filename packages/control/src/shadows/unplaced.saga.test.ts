import { randomIds, seededRandom } from '@understudy/core'
import { beforeEach, expect, it } from 'vitest'
import type { Control } from '../context.ts'
import type { Resource, Tier } from '../resources/resource.ts'
import { useLawBench } from '../testing/law-bench.ts'
import { hotTier, setStage } from '../testing/stage.ts'
import type { Stage } from '../testing/stage.ts'
import { shadowsReconciler } from './shadows.reconciler.ts'

const bench = useLawBench()
let stage: Stage
let control: Control

beforeEach(async () => {
  stage = await setStage(bench, hotTier)
  const { deps, clock, provider } = stage
  control = {
    ...{ database: bench.database, clock, ids: randomIds, random: seededRandom(1), settings: deps.settings },
    vault: { open: () => '' } as unknown as Control['vault'], // a pass opens nothing sealed
    providers: { names: ['sim'], adapter: () => undefined, open: () => Promise.resolve(provider) },
  }
})

const pass = () => stage.drive(shadowsReconciler.pass(control))
async function present(): Promise<Resource> {
  const found = await bench.database.stores.resources.findById(stage.resource.id)
  if (found === undefined) throw new Error('the stage made it')
  return found
}
const promise = async (tier: Partial<Tier>): Promise<void> => {
  const resource = await present()
  await bench.database.stores.resources.update({ ...resource, tier: { ...hotTier, ...tier } }, resource.version)
}
async function told(): Promise<readonly unknown[]> {
  const { projectId, id } = stage.resource
  const events = await bench.database.stores.events.listAfter(0, { projectId, limit: 100, types: ['io.understudy.shadows.unplaced.v1'] })
  return events.filter(({ subject }) => subject === `resources/${id}`).map(({ data }) => data)
}

it('says why a promised shadow has no place, once, keeps saying since when, and no longer once it has one', async () => {
  await promise({ zones: ['nowhere-1a'] })
  await pass()
  const { unplaced, version } = await present()
  const since = new Date(stage.clock.nowMs())
  expect(unplaced).toEqual([{ accountId: stage.resource.accountId, code: 'zones', reason: expect.stringContaining('nowhere-1a') as string, since }])
  await stage.clock.advanceAsync(60_000)
  await pass()
  expect((await present()).unplaced).toEqual(unplaced)
  expect(await told()).toEqual([expect.objectContaining({ resourceId: stage.resource.id, code: 'zones' })])
  // Nobody's edit is refused for it.
  expect((await present()).version).toBe(version)

  await promise({ zones: 'other' })
  await pass()
  expect((await present()).unplaced).toBeUndefined()
  expect(await bench.database.stores.shadows.listAlive([stage.resource.id])).toHaveLength(1)
})

it('tells refusals of capacity from zones that there are not, and says so when the reason is another', async () => {
  await promise({ zones: ['nowhere-1a'] })
  await pass()
  await bench.database.stores.avoid.remember({
    ...{ accountId: stage.resource.accountId, instanceType: stage.resource.dna.size.type, reason: 'InsufficientInstanceCapacity' },
    until: new Date(stage.clock.nowMs() + 600_000),
  })
  await promise({ zones: 'other' })
  await pass()
  expect((await present()).unplaced).toMatchObject([{ code: 'refused', reason: expect.stringContaining(stage.resource.dna.size.type) as string }])
  expect(await told()).toMatchObject([{ code: 'zones' }, { code: 'refused' }])
})
