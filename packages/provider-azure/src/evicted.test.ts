import { newContext, refusalOf, stateOf, until } from '@understudy/provider/conformance'
import type { InstanceRef } from '@understudy/provider'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { wireWorld } from './testing/wire-world.ts'

let world: Awaited<ReturnType<typeof wireWorld>>
beforeAll(async () => {
  world = await wireWorld()
}, 180_000)
afterAll(() => world.close())

/** A Spot machine that Azure has taken back: deallocated, its disks kept. */
async function evicted(): Promise<InstanceRef> {
  const ref = await world.makePrimary({ purchase: 'spot' })
  world.server.dataCentre.market.reclaim(world.server.state.vms.get(ref.nativeId.toLowerCase())?.instanceId ?? '')
  await until(world, 'it is deallocated', async () => (await stateOf(world, ref)) === 'stopped')
  return ref
}
const start = (ref: InstanceRef) => refusalOf(world, world.provider.compute.start(ref, newContext()))
const freeSpot = (free: number): void =>
  world.server.dataCentre.catalogue.setCapacity('Standard_D2s_v5', `${world.server.dataCentre.region}a`, 'spot', free)

it('is started again by its owner where there is room', async () => {
  const ref = await evicted()
  // Nobody else does.
  await world.advance(3_600_000)
  expect(await stateOf(world, ref)).toBe('stopped')
  expect(await start(ref)).toBeUndefined()
  expect(await stateOf(world, ref)).toBe('running')
})

it('is refused with AllocationFailed where there is none, and stays as it was', async () => {
  const ref = await evicted()
  freeSpot(0)
  expect(await start(ref)).toMatchObject({ kind: 'insufficient_capacity', nativeCode: 'AllocationFailed' })
  expect(await stateOf(world, ref)).toBe('stopped')
  freeSpot(10)
  expect(await start(ref)).toBeUndefined()
})
