import { pick, seededRandom, VirtualClock, type Random } from '@understudy/core'
import { describe, expect, it } from 'vitest'
import { memoryBlockStore } from './block-store-layers.ts'
import { restoreDataCentre } from './create-datacentre.ts'
import type { DataCentre, DataCentreOptions } from './datacentre.ts'
import { seededImages, seedRegion, seedWebService } from './fixtures.ts'
import { SimError } from './sim-error.ts'

const zones = ['sim-east-1a', 'sim-east-1b', 'sim-east-1c']
const types = ['t3.small', 'm7i.large', 'm7i.xlarge']
const limit = 6

interface Walk {
  readonly clock: VirtualClock
  readonly random: Random
  readonly group: string
  dc: DataCentre
  refused: number
}

/** One random move of somebody: a user, the market, the platform, or a fault. A refusal is as good as an effect. */
function step(walk: Walk): void {
  const { dc, random, clock } = walk
  const instanceIds = [...dc.instances.all()].map((instance) => instance.instanceId)
  const instanceId = instanceIds.length === 0 ? 'i-00000000000000000' : pick(random, instanceIds)
  const volumes = dc.storage.describeVolumes().items
  const volumeId = volumes.length === 0 ? 'vol-0' : pick(random, volumes).volumeId
  const snapshots = dc.storage.describeSnapshots().items
  const moves: (() => unknown)[] = [
    () => launch(walk),
    () => launch(walk),
    () => dc.instances.stop([instanceId], { hibernate: random.next() < 0.3 }),
    () => dc.instances.start([instanceId]),
    () => dc.instances.terminate([instanceId]),
    () => dc.instances.reboot([instanceId]),
    () => dc.instances.modifyAttribute(instanceId, { attribute: 'instanceType', value: pick(random, types) }),
    () => dc.instances.setAnswering(instanceId, random.next() < 0.5),
    () => dc.market.interrupt(instanceId, { noticeMs: random.int(0, 120_000) }),
    () => dc.market.reclaim(instanceId, { noticeAfterMs: 5_000 }),
    () =>
      dc.market.cancelSpotRequests(
        dc.market
          .describeSpotRequests()
          .items.slice(0, 1)
          .map((request) => request.requestId),
      ),
    () => dc.storage.createVolume({ zone: pick(random, zones), sizeGiB: 1 }),
    () => dc.storage.attach({ volumeId, instanceId, device: pick(random, ['/dev/sdg', '/dev/sdh']) }),
    () => dc.storage.detach({ volumeId }),
    () => dc.storage.deleteVolume(volumeId),
    () => dc.storage.createSnapshots({ instanceId }),
    () => dc.storage.deleteSnapshot(snapshots[0]?.snapshotId ?? 'snap-0'),
    () => dc.storage.createVolume({ zone: pick(random, zones), snapshotId: snapshots.at(-1)?.snapshotId ?? 'snap-0' }),
    () => dc.balancers.registerTargets(walk.group, [{ instanceId }]),
    () => dc.balancers.deregisterTargets(walk.group, [{ instanceId }]),
    () => dc.faults.failZone(pick(random, zones)),
    () => zones.forEach((zone) => dc.faults.restoreZone(zone)),
    () => dc.faults.failLaunches(),
    () => dc.faults.stickNext(pick(random, ['pending', 'stopping', 'shutting-down'] as const)),
    () => dc.faults.releaseStuck(),
    () => clock.advance(random.int(0, 60_000)),
    () => clock.advance(random.int(0, 600_000)),
  ]
  try {
    pick(random, moves)()
  } catch (error) {
    if (!(error instanceof SimError)) throw error
    walk.refused++
  }
}

function launch({ dc, random }: Walk): void {
  const spot = {
    kind: pick(random, ['one-time', 'persistent'] as const),
    interruptionBehavior: pick(random, ['terminate', 'stop', 'hibernate'] as const),
  }
  dc.instances.run({
    imageId: pick(random, [seededImages.amazonLinux, seededImages.ubuntu]),
    instanceType: pick(random, types),
    minCount: 1,
    maxCount: random.int(1, 2),
    zone: pick(random, zones),
    hibernationConfigured: random.next() < 0.4,
    ...(random.next() < 0.6 ? { spot } : {}),
    blockDevices: [{ deviceName: '/dev/sdf', sizeGiB: 1, deleteOnTermination: random.next() < 0.5 }],
  })
}

function checkInvariants(dc: DataCentre): void {
  const volumes = new Map(dc.storage.describeVolumes().items.map((volume) => [volume.volumeId, volume]))
  const taken = new Map<string, number>()
  const addresses = new Set<string>()
  for (const instance of dc.instances.all()) {
    const isGone = instance.state === 'terminated'
    if (isGone) expect([instance.blockDevices, instance.nics]).toEqual([[], []])
    if (instance.state !== 'running') expect(instance.answering, `${instance.instanceId} answers while ${instance.state}`).toBe(false)
    for (const device of instance.blockDevices) {
      expect(volumes.get(device.volumeId), device.volumeId).toMatchObject({
        state: 'in-use',
        zone: instance.zone,
        attachment: { instanceId: instance.instanceId, device: device.deviceName },
      })
    }
    if (!isGone) {
      expect(addresses.has(instance.privateIp), `${instance.privateIp} twice`).toBe(false)
      addresses.add(instance.privateIp)
    }
    if (['pending', 'running', 'stopping'].includes(instance.state)) {
      const key = `${instance.instanceType}|${instance.zone}|${instance.market}`
      taken.set(key, (taken.get(key) ?? 0) + 1)
    }
  }
  for (const volume of volumes.values()) {
    const instance = volume.attachment && dc.instances.get(volume.attachment.instanceId)
    expect(volume.attachment !== undefined, volume.volumeId).toBe(volume.state === 'in-use')
    if (volume.attachment) expect(instance?.blockDevices.map((device) => device.volumeId)).toContain(volume.volumeId)
    expect(dc.blocks.has(volume.volumeId)).toBe(true)
  }
  const table = dc.serialise()['state'] as { capacity: Record<string, number> }
  for (const [key, free] of Object.entries(table.capacity)) expect(free + (taken.get(key) ?? 0), key).toBe(limit)
}

function walkOf(seed: number, steps: number, options: Pick<DataCentreOptions, 'consistency'> = {}): Walk {
  const clock = new VirtualClock()
  const blocks = memoryBlockStore()
  const settings = (salt: number): DataCentreOptions => ({ clock, random: seededRandom(seed + salt), blocks, ...options })
  const dc = seedRegion(settings(0))
  for (const type of types)
    for (const zone of zones) for (const market of ['on-demand', 'spot'] as const) dc.catalogue.setCapacity(type, zone, market, limit)
  const service = seedWebService(dc, { name: 'web' })
  const walk: Walk = { clock, dc, random: seededRandom(seed + 1_000_000), group: service.standby.arn, refused: 0 }
  for (let n = 0; n < steps; n++) {
    step(walk)
    if (n % 5 === 0) checkInvariants(walk.dc)
    if (n % 40 === 39) {
      const json = JSON.parse(JSON.stringify(walk.dc.serialise())) as ReturnType<DataCentre['serialise']>
      walk.dc.close()
      walk.dc = restoreDataCentre(settings(n), json)
      expect(walk.dc.serialise()['state'], 'what is restored').toEqual(json['state'])
    }
  }
  return walk
}

describe('whatever happens', () => {
  it.each(Array.from({ length: 20 }, (_, index) => index + 1))('disks, capacity, addresses and guests agree (seed %i)', (seed) => {
    const walk = walkOf(seed, 160)
    expect(walk.refused).toBeGreaterThan(10)
    walk.dc.faults.clear()
    walk.clock.advance(2 * 86_400_000)
    checkInvariants(walk.dc)
    const passing = [...walk.dc.instances.all()].filter((instance) => !['running', 'stopped'].includes(instance.state))
    const persistent = passing.filter((instance) => instance.spot?.kind === 'persistent')
    expect(passing, 'nothing hangs between two states').toEqual(persistent)
  })

  it('happens again in the same way with the same seed, and otherwise with another', () => {
    const story = (seed: number): string => JSON.stringify(walkOf(seed, 120).dc.serialise())
    expect(story(5)).toBe(story(5))
    expect(story(5)).not.toBe(story(6))
  })
})
