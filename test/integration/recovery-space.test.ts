import { captureRecoveryPoint, getRecoveryPoint, listRecoveryPoints } from '@understudy/control'
import type { RecoveryPoint, Resource } from '@understudy/control'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createWorld } from './world.ts'
import type { World } from './world.ts'

const blockBytes = 512 * 1024
const patience = { timeout: 300_000, interval: 50 }
let world: World
let resource: Resource
beforeAll(async () => {
  world = await createWorld({ sim: { speed: 60, listeners: false } })
  resource = await world.adopt(await world.seed('room', { purchase: 'on-demand' }))
}, 300_000)
afterAll(() => world.close())

/** The guest writes one byte into each of these blocks of its data disk. */
function write(blocks: readonly number[], value: number): void {
  const { blockDevices, rootDeviceName } = world.sim.dataCentre.instances.get(resource.nativeId)!
  const { volumeId } = blockDevices.find(({ deviceName }) => deviceName !== rootDeviceName)!
  for (const index of blocks) world.sim.dataCentre.blocks.write(volumeId, index * blockBytes, Uint8Array.of(value))
}

/** What is kept, and what it takes by EC2's lists of blocks. */
async function keep(): Promise<RecoveryPoint> {
  const { control, principal } = world
  const operation = await captureRecoveryPoint(control, principal, { resourceId: resource.id, reason: 'a test' })
  const ended = await world.ended(operation)
  expect(ended).toMatchObject({ status: 'succeeded', error: undefined })
  const { pointId: id } = operation.params as { pointId: string }
  return vi.waitUntil(async () => {
    await world.wake('recovery-space')
    const point = await getRecoveryPoint(control, principal, { id })
    return point.space?.usedBytes === undefined ? undefined : point
  }, patience)
}

test(
  'the room of points without digests is counted on AWS from the blocks that have changed, and no byte is read',
  { timeout: 600_000 },
  async () => {
    write([0, 1, 2, 900], 1)
    const first = await keep()
    expect(first.space).toMatchObject({ basis: 'changed-blocks', usedBytes: first.space!.fullBytes })
    write([2, 3], 2)
    const second = await keep()
    expect(second.space).toEqual({ basis: 'changed-blocks', usedBytes: 2 * blockBytes, fullBytes: first.space!.fullBytes! + blockBytes })
    const { space } = await listRecoveryPoints(world.control, world.principal, { pageSize: 1, resourceId: resource.id })
    expect(space).toMatchObject({ points: 2, usedBytes: first.space!.usedBytes! + 2 * blockBytes, savedBytes: first.space!.fullBytes! - blockBytes })
    expect(world.sim.dataCentre.calls.count('GetSnapshotBlock')).toBe(0)
    expect(world.sim.dataCentre.calls.count('ListChangedBlocks')).toBeGreaterThan(0)
    expect(world.errors).toEqual([])
  },
)
