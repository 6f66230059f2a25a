import { seededRandom, VirtualClock } from '@understudy/core'
import { beforeEach, describe, expect, it } from 'vitest'
import type { DataCentre } from './datacentre.ts'
import { seededImages, seedRegion } from './fixtures.ts'
import type { SimError } from './sim-error.ts'

let clock: VirtualClock
let dc: DataCentre
let instanceId: string

const codeOf = (act: () => unknown): string | undefined => {
  try {
    act()
  } catch (error) {
    return (error as SimError).code
  }
  return undefined
}
const run = (zone: string): string => {
  const { instances } = dc.instances.run({
    imageId: seededImages.ubuntu,
    instanceType: 'm7i.large',
    minCount: 1,
    maxCount: 1,
    zone,
    blockDevices: [
      { deviceName: '/dev/sdf', sizeGiB: 10, deleteOnTermination: false },
      { deviceName: '/dev/sda1', sizeGiB: 50 },
    ],
  })
  return instances[0]?.instanceId ?? ''
}
const volumesOf = (id: string): Record<string, string> =>
  Object.fromEntries(dc.instances.get(id)?.blockDevices.map((device) => [device.deviceName, device.volumeId]) ?? [])
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const read = (id: string, length: number, offset = 0): string => new TextDecoder().decode(dc.blocks.read(id, offset, length))

beforeEach(() => {
  clock = new VirtualClock()
  dc = seedRegion({ clock, random: seededRandom(5), latencies: { snapshot: 100_000, attach: 1_000, detach: 1_000, volumeCreate: 1_000 } })
  instanceId = run('sim-east-1a')
  clock.advance(30_000)
})

describe('disks of an instance', () => {
  it('come with it, the root under the device name of the image', () => {
    const { items } = dc.storage.describeVolumes({ filters: [{ name: 'attachment.instance-id', values: [instanceId] }] })
    expect(items.map((volume) => [volume.attachment?.device, volume.sizeGiB, volume.state, volume.encrypted])).toEqual([
      ['/dev/sda1', 50, 'in-use', true],
      ['/dev/sdf', 10, 'in-use', true],
    ])
  })

  it('go with it when they are marked so, and stay available when they are not', () => {
    const volumes = volumesOf(instanceId)
    dc.instances.terminate([instanceId])
    clock.advance(60_000)
    expect(dc.storage.getVolume(volumes['/dev/sda1'] ?? '')).toBeUndefined()
    expect(dc.blocks.has(volumes['/dev/sda1'] ?? '')).toBe(false)
    expect(dc.storage.getVolume(volumes['/dev/sdf'] ?? '')).toMatchObject({ state: 'available' })
    expect(dc.storage.getVolume(volumes['/dev/sdf'] ?? '')?.attachment).toBeUndefined()
    expect(codeOf(() => dc.storage.deleteVolume(volumes['/dev/sdf'] ?? ''))).toBeUndefined()
  })
})

describe('attaching and detaching', () => {
  it('passes through attaching and detaching, and refuses what EC2 refuses', () => {
    const volume = dc.storage.createVolume({ zone: 'sim-east-1a', sizeGiB: 1 })
    const attach = (device: string, to = instanceId): unknown => dc.storage.attach({ volumeId: volume.volumeId, instanceId: to, device })
    expect(codeOf(() => attach('/dev/sdg'))).toBe('IncorrectState')
    clock.advance(1_000)
    const elsewhere = run('sim-east-1b')
    clock.advance(30_000)
    expect(codeOf(() => attach('/dev/sdg', elsewhere))).toBe('InvalidVolume.ZoneMismatch')
    expect(codeOf(() => attach('/dev/sdf'))).toBe('InvalidDevice.InUse')
    attach('/dev/sdg')
    expect(volume.attachment?.state).toBe('attaching')
    expect(codeOf(() => attach('/dev/sdh'))).toBe('VolumeInUse')
    clock.advance(1_000)
    expect(volume.attachment).toMatchObject({ state: 'attached', deleteOnTermination: false })
    expect(codeOf(() => dc.storage.deleteVolume(volume.volumeId))).toBe('VolumeInUse')
    dc.storage.detach({ volumeId: volume.volumeId })
    expect(volume.attachment?.state).toBe('detaching')
    clock.advance(1_000)
    expect(volume).toMatchObject({ state: 'available' })
    expect(volumesOf(instanceId)).not.toHaveProperty('/dev/sdg')
    expect(codeOf(() => dc.storage.detach({ volumeId: volume.volumeId }))).toBe('IncorrectState')
  })

  it('lets go of a root disk only when the instance is stopped', () => {
    const root = volumesOf(instanceId)['/dev/sda1'] ?? ''
    expect(codeOf(() => dc.storage.detach({ volumeId: root }))).toBe('OperationNotPermitted')
    dc.instances.stop([instanceId])
    clock.advance(60_000)
    dc.storage.detach({ volumeId: root })
    clock.advance(1_000)
    expect(dc.storage.getVolume(root)?.state).toBe('available')
  })

  it('makes one volume per client token', () => {
    const input = { zone: 'sim-east-1a', sizeGiB: 1, clientToken: 'once' }
    expect(dc.storage.createVolume(input).volumeId).toBe(dc.storage.createVolume(input).volumeId)
    expect(codeOf(() => dc.storage.createVolume({ ...input, sizeGiB: 2 }))).toBe('IdempotentParameterMismatch')
    expect(codeOf(() => dc.storage.createVolume({ zone: 'sim-east-1z', sizeGiB: 1 }))).toBe('InvalidZone.NotFound')
    expect(codeOf(() => dc.storage.createVolume({ zone: 'sim-east-1a' }))).toBe('MissingParameter')
  })
})

describe('snapshots', () => {
  it('hold the bytes of one instant over all disks, whatever is written while they are pending', () => {
    const volumes = volumesOf(instanceId)
    const ids = [volumes['/dev/sda1'] ?? '', volumes['/dev/sdf'] ?? '']
    for (const id of ids) dc.blocks.write(id, 0, bytes('one'))
    const snapshots = dc.storage.createSnapshots({ instanceId })
    for (const id of ids) dc.blocks.write(id, 0, bytes('two'))
    expect(snapshots.map((snapshot) => [snapshot.state, snapshot.volumeId])).toEqual(ids.map((id) => ['pending', id]))
    clock.advance(50_000)
    expect(snapshots.map((snapshot) => dc.storage.progressPercent(snapshot))).toEqual([50, 50])
    const [first] = snapshots
    expect(codeOf(() => dc.storage.createVolume({ zone: 'sim-east-1b', snapshotId: first?.snapshotId ?? '' }))).toBe('IncorrectState')
    clock.advance(50_000)
    expect(snapshots.map((snapshot) => snapshot.state)).toEqual(['completed', 'completed'])
    const restored = snapshots.map((snapshot) => dc.storage.createVolume({ zone: 'sim-east-1b', snapshotId: snapshot.snapshotId }).volumeId)
    expect(restored.map((id) => read(id, 3))).toEqual(['one', 'one'])
    expect(ids.map((id) => read(id, 3))).toEqual(['two', 'two'])
  })

  it('are limited to five pending ones per volume, refused as a whole', () => {
    for (let n = 0; n < 5; n++) dc.storage.createSnapshot({ volumeId: volumesOf(instanceId)['/dev/sdf'] ?? '' })
    expect(codeOf(() => dc.storage.createSnapshots({ instanceId }))).toBe('ConcurrentSnapshotLimitExceeded')
    expect(dc.storage.describeSnapshots().items).toHaveLength(5)
    clock.advance(100_000)
    expect(dc.storage.createSnapshots({ instanceId })).toHaveLength(2)
  })

  it('fail together when they fail', () => {
    dc.faults.failSnapshots()
    const snapshots = dc.storage.createSnapshots({ instanceId, tags: { set: 'x' } })
    clock.advance(100_000)
    expect(snapshots.map((snapshot) => snapshot.state)).toEqual(['error', 'error'])
    expect(
      dc.storage.describeSnapshots({
        filters: [
          { name: 'tag:set', values: ['x'] },
          { name: 'status', values: ['error'] },
        ],
      }).items,
    ).toHaveLength(2)
  })

  it('of an instance whose disks are stuck are never complete, until that is mended', () => {
    dc.faults.stickSnapshots(instanceId)
    const stuck = dc.storage.createSnapshots({ instanceId })
    const another = run('sim-east-1a')
    clock.advance(30_000)
    const [other] = dc.storage.createSnapshots({ instanceId: another })
    clock.advance(86_400_000)
    expect(stuck.map(({ state }) => state)).toEqual(['pending', 'pending'])
    expect(stuck.map((snapshot) => dc.storage.progressPercent(snapshot))).toEqual([99, 99])
    expect(other?.state).toBe('completed')
    dc.faults.releaseStuck()
    expect(stuck.map(({ state, completedAtMs }) => ({ state, completedAtMs }))).toEqual(
      stuck.map(() => ({ state: 'completed', completedAtMs: clock.nowMs() })),
    )
  })

  it('outlive their volume, and go only when no image needs them', () => {
    const volumeId = volumesOf(instanceId)['/dev/sda1'] ?? ''
    dc.blocks.write(volumeId, 0, bytes('keep'))
    const snapshot = dc.storage.createSnapshot({ volumeId })
    clock.advance(100_000)
    dc.instances.terminate([instanceId])
    clock.advance(60_000)
    dc.catalogue.addImage({
      imageId: 'ami-00000000000000001',
      name: 'from-snapshot',
      rootDeviceName: '/dev/sda1',
      architecture: 'x86_64',
      platform: 'linux',
      bootMode: 'uefi',
      rootSizeGiB: 50,
      rootSnapshotId: snapshot.snapshotId,
    })
    expect(codeOf(() => dc.storage.deleteSnapshot(snapshot.snapshotId))).toBe('InvalidSnapshot.InUse')
    const [clone] = dc.instances.run({ imageId: 'ami-00000000000000001', instanceType: 'm7i.large', minCount: 1, maxCount: 1 }).instances
    expect(read(volumesOf(clone?.instanceId ?? '')['/dev/sda1'] ?? '', 4)).toBe('keep')
  })
})
