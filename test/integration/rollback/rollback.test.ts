import { captureRecoveryPoint, createSignal, getRecoveryPoint, prepareRollback, startRollback } from '@understudy/control'
import type { Operation, RecoveryPoint, Resource } from '@understudy/control'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createWorld } from '../world.ts'
import type { World } from '../world.ts'

let world: World
beforeAll(async () => {
  world = await createWorld({ sim: { speed: 120, listeners: false } })
})
afterAll(() => world.close())

const patience = { timeout: 150_000, interval: 100 }
const ended = (operation: Operation): Promise<Operation> => world.ended(operation, patience)
const limit = { timeout: 500_000 }

/** An on-demand instance with a root and two data disks, imported. */
async function aMachine(name: string): Promise<Resource> {
  const seeded = await world.seed(name, { purchase: 'on-demand' })
  await vi.waitUntil(() => world.sim.dataCentre.instances.get(seeded.instanceId)?.state === 'running', patience)
  const { storage, instances } = world.sim.dataCentre
  const { zone } = instances.get(seeded.instanceId)!
  const { volumeId } = storage.createVolume({ zone, sizeGiB: 1 })
  await vi.waitUntil(() => storage.getVolume(volumeId)?.state === 'available', patience)
  storage.attach({ volumeId, instanceId: seeded.instanceId, device: '/dev/sdg' })
  await vi.waitUntil(() => storage.getVolume(volumeId)?.attachment?.state === 'attached', patience)
  return world.adopt(seeded)
}

const volumesOf = ({ nativeId }: Resource): readonly string[] =>
  world.sim.dataCentre.instances
    .get(nativeId)!
    .blockDevices.toSorted((a, b) => (a.deviceName < b.deviceName ? -1 : 1))
    .map(({ volumeId }) => volumeId)

/** One sequence number over all disks, in their order: what a crash-consistent set holds never has a later one missing an earlier. */
function write(resource: Resource, value: number): void {
  for (const volumeId of volumesOf(resource)) world.sim.dataCentre.blocks.write(volumeId, 0, Uint8Array.of(value))
}
const read = (resource: Resource): readonly (number | undefined)[] =>
  volumesOf(resource).map((volumeId) => world.sim.dataCentre.blocks.read(volumeId, 0, 1)[0])

async function keep(resource: Resource): Promise<RecoveryPoint> {
  const operation = await ended(await captureRecoveryPoint(world.control, world.principal, { resourceId: resource.id, reason: 'a test' }))
  expect(operation.status).toBe('succeeded')
  return getRecoveryPoint(world.control, world.principal, { id: (operation.params as { pointId: string }).pointId })
}

async function goBack({ id }: RecoveryPoint, devices?: readonly string[]): Promise<Operation> {
  const request = { recoveryPointId: id, ...(devices === undefined ? {} : { devices }) }
  const { planHash } = await prepareRollback(world.control, world.principal, request)
  return startRollback(world.control, world.principal, { ...request, reason: 'a test', planHash })
}

// What they wait for is a cloud's: beside one another they take as long as the longest.
describe.concurrent('a rollback over the wire', () => {
  test('to each of five points brings their bytes back, on the same instance with the same addresses', limit, async () => {
    const resource = await aMachine('five')
    const instance = () => world.sim.dataCentre.instances.get(resource.nativeId)!
    const addresses = instance().privateIp
    const devices = instance().blockDevices.map(({ deviceName, deleteOnTermination }) => `${deviceName} ${deleteOnTermination}`)
    const points: RecoveryPoint[] = []
    for (const value of [1, 2, 3, 4, 5]) {
      write(resource, value)
      points.push(await keep(resource))
    }
    write(resource, 99)
    for (const [index, value] of [
      [4, 5],
      [0, 1],
      [3, 4],
      [1, 2],
      [2, 3],
    ] as const) {
      const operation = await ended(await goBack(points[index]!))
      expect({ status: operation.status, error: operation.error }).toEqual({ status: 'succeeded', error: undefined })
      expect(read(resource)).toEqual([value, value, value])
      expect(instance().state).toBe('running')
    }
    expect(instance().privateIp).toEqual(addresses)
    expect(
      instance()
        .blockDevices.map(({ deviceName, deleteOnTermination }) => `${deviceName} ${deleteOnTermination}`)
        .toSorted(),
    ).toEqual(devices.toSorted())
    // Each rollback has kept the state before it: what was written last is still to be had.
    const [safety] = await world.control.database.stores.recoveryPoints.chain(resource.id, { to: 6, limit: 1 })
    expect(safety?.reason).toBe(`Before going back to ${points[4]!.id}`)
    await ended(await goBack(safety!))
    expect(read(resource)).toEqual([99, 99, 99])
  })

  test('of one disk leaves the others alone', limit, async () => {
    const resource = await aMachine('one-disk')
    write(resource, 1)
    const point = await keep(resource)
    write(resource, 2)
    const before = volumesOf(resource)
    const operation = await ended(await goBack(point, ['/dev/sdg']))
    expect(operation.status).toBe('succeeded')
    expect(volumesOf(resource).filter((id) => before.includes(id))).toHaveLength(2)
    expect(read(resource).toSorted()).toEqual([1, 2, 2])
    const sdg = world.sim.dataCentre.instances.get(resource.nativeId)!.blockDevices.find(({ deviceName }) => deviceName === '/dev/sdg')
    expect(world.sim.dataCentre.blocks.read(sdg!.volumeId, 0, 1)[0]).toBe(1)
    // What was made for the disks that nobody chose is gone again.
    const loose = world.sim.dataCentre.storage.describeVolumes().items.filter((volume) => volume.state === 'available')
    expect(loose.filter(({ tags }) => tags['understudy:resource'] === resource.id)).toEqual([])
  })

  test('is refused when a disk was plugged in since it was approved', limit, async () => {
    const resource = await aMachine('stale')
    const point = await keep(resource)
    const { planHash } = await prepareRollback(world.control, world.principal, { recoveryPointId: point.id })
    const { storage, instances } = world.sim.dataCentre
    const { volumeId } = storage.createVolume({ zone: instances.get(resource.nativeId)!.zone, sizeGiB: 1 })
    await vi.waitUntil(() => storage.getVolume(volumeId)?.state === 'available', patience)
    storage.attach({ volumeId, instanceId: resource.nativeId, device: '/dev/sdh' })
    const stale = startRollback(world.control, world.principal, { recoveryPointId: point.id, reason: 'a test', planHash })
    await expect(stale).rejects.toMatchObject({ kind: 'plan_stale' })
  })

  test('cannot run beside another of the same resource, and makes every plan stale that was made before it', limit, async () => {
    const resource = await aMachine('two')
    const points: RecoveryPoint[] = []
    for (const value of [1, 2]) {
      write(resource, value)
      points.push(await keep(resource))
    }
    write(resource, 3)
    const approved = await Promise.all(
      points.map(async ({ id }) => {
        const { planHash } = await prepareRollback(world.control, world.principal, { recoveryPointId: id })
        return { recoveryPointId: id, reason: 'a test', planHash }
      }),
    )
    const asked = await Promise.allSettled(approved.map((request) => startRollback(world.control, world.principal, request)))
    const [running, ...others] = asked.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []))
    expect(others).toEqual([])
    const refused = asked.findIndex((answer) => answer.status === 'rejected')
    expect((asked[refused] as PromiseRejectedResult).reason).toMatchObject({ kind: 'busy', details: { operationId: running!.id } })
    expect((await ended(running!)).status).toBe('succeeded')
    const value = refused === 0 ? 2 : 1
    expect(read(resource)).toEqual([value, value, value])
    // The disks that it was made for have left their places.
    await expect(startRollback(world.control, world.principal, approved[refused]!)).rejects.toMatchObject({ kind: 'plan_stale' })
    expect(read(resource)).toEqual([value, value, value])
  })

  test('gives way to an interruption: everything is put back, and the shadow takes over', limit, async () => {
    const seeded = await world.seed('taken', { purchase: 'on-demand' })
    const adopted = await world.adopt(seeded)
    const resource = await world.protect(adopted)
    write(resource, 1)
    const point = await keep(resource)
    const former = volumesOf(resource)
    const rollback = await goBack(point)
    const { stores } = world.control.database
    await vi.waitUntil(() => world.sim.dataCentre.instances.get(resource.nativeId)?.state === 'stopping', patience)
    await createSignal(world.control, world.principal, { resourceId: resource.id, kind: 'interruption', effect: 'terminate' })
    const given = await ended(rollback)
    expect(given.status).toBe('cancelled')
    expect(volumesOf(resource)).toEqual(former)
    const failedOver = await vi.waitUntil(async () => {
      const [last] = await stores.operations.list(resource.projectId, { after: undefined, limit: 1, resourceId: resource.id, kind: 'failover' })
      return last?.finishedAt === undefined ? undefined : last
    }, patience)
    expect(failedOver.status).toBe('succeeded')
    expect((await world.resource(resource.id)).nativeId).not.toBe(resource.nativeId)
  })
})
