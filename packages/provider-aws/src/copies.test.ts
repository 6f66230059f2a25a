import { EC2Client, CopySnapshotCommand, CreateVolumeCommand, DescribeSnapshotsCommand } from '@aws-sdk/client-ec2'
import { captured, newContext, until } from '@understudy/provider/conformance'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { wireWorld } from './testing/wire-world.ts'

const region = 'sim-west-1'

describe('copies of EBS snapshots', () => {
  let world: Awaited<ReturnType<typeof wireWorld>>
  const clients: EC2Client[] = []
  const ec2In = (name: string): EC2Client => {
    const client = new EC2Client({ region: name, endpoint: world.server.url, credentials: world.server.credentials, maxAttempts: 1 })
    clients.push(client)
    return client
  }
  const codeOf = (call: Promise<unknown>): Promise<string> => call.then(() => 'no error').catch((error: Error) => error.name)
  beforeAll(async () => {
    // So long that twenty are under way at once.
    world = await wireWorld({ latencies: { snapshot: 300_000 } })
  })
  afterAll(async () => {
    for (const client of clients) client.destroy()
    await world.close()
  })
  const aSet = async () => {
    const set = await captured(world, await world.makePrimary())
    const members = (await world.provider.snapshots!.get(set))!.members // as just taken
    return { set, members }
  }

  it('have the bytes, the encryption and our tags, in their region alone, also when an answer was lost', async () => {
    const { set, members } = await aSet()
    const { copies } = world.provider
    const context = newContext()
    world.server.dataCentre.faults.failNext('CopySnapshot', { kind: 'reset_after' })
    await copies!.copy(set, { region }, context)
    const ref = { copyId: context.idempotencyKey, region }
    await until(world, 'the copy is usable', async () => (await copies!.get(ref))?.state === 'usable')
    const made = (await copies!.get(ref))!.members
    expect(made.map(({ source }) => source).toSorted()).toEqual(members.map(({ snapshot }) => snapshot.nativeId).toSorted())
    const { blocks } = world.server.dataCentre
    for (const { nativeId, source } of made) expect(blocks.read(nativeId, 0, 4096)).toEqual(blocks.read(source, 0, 4096))
    const { Snapshots: there = [] } = await ec2In(region).send(new DescribeSnapshotsCommand({ SnapshotIds: made.map(({ nativeId }) => nativeId) }))
    for (const { Encrypted, KmsKeyId, VolumeId, Tags } of there) {
      expect({ Encrypted, VolumeId, key: KmsKeyId?.split(':')[3] }).toEqual({ Encrypted: true, VolumeId: 'vol-ffffffff', key: region })
      expect(Tags).toContainEqual({ Key: 'understudy:managed', Value: 'true' })
      expect(Tags).toContainEqual({ Key: 'understudy:installation', Value: 'conformance' })
      expect(Tags).toContainEqual({ Key: 'understudy:op', Value: context.idempotencyKey })
    }
    const { nativeId } = made[0]!
    const here = ec2In(world.server.region)
    expect(await codeOf(here.send(new DescribeSnapshotsCommand({ SnapshotIds: [nativeId] })))).toBe('InvalidSnapshot.NotFound')
    const volume = new CreateVolumeCommand({ SnapshotId: nativeId, AvailabilityZone: world.zoneOther })
    expect(await codeOf(here.send(volume))).toBe('InvalidSnapshot.NotFound')
  })

  it('are begun later when the region takes no more, and what was begun is gone on with', async () => {
    const { set, members } = await aSet()
    const { dataCentre } = world.server
    const other = members[0]!.snapshot.nativeId
    const left = 1
    const busy = Array.from({ length: 20 - left }, () => dataCentre.storage.copySnapshot({ snapshotId: other, region }).snapshotId)
    const context = newContext()
    const { copies } = world.provider
    const refused = await copies!.copy(set, { region }, context).catch((error: unknown) => error)
    expect(refused).toMatchObject({ shape: { kind: 'throttled', nativeCode: 'ResourceLimitExceeded', retryable: true } })
    const ref = { copyId: context.idempotencyKey, region }
    expect((await copies!.get(ref))?.members).toHaveLength(left)
    await until(world, 'the others are complete', async () => busy.every((id) => dataCentre.storage.getSnapshot(id)?.state === 'completed'))
    await copies!.copy(set, { region }, context)
    expect((await copies!.get(ref))?.members).toHaveLength(members.length)
  })

  it('are refused as EC2 does when they are asked for in a wrong way', async () => {
    const { members } = await aSet()
    const there = ec2In(region)
    const SourceSnapshotId = members[0]!.snapshot.nativeId
    const SourceRegion = world.server.region
    expect(await codeOf(there.send(new CopySnapshotCommand({ SourceRegion: 'sim-central-1', SourceSnapshotId })))).toBe('InvalidSnapshot.NotFound')
    const unknown = new CopySnapshotCommand({ SourceRegion, SourceSnapshotId: 'snap-0123456789abcdef0' })
    expect(await codeOf(there.send(unknown))).toBe('InvalidSnapshot.NotFound')
    expect(await codeOf(there.send(new CopySnapshotCommand({ SourceRegion, SourceSnapshotId, KmsKeyId: 'key' })))).toBe('InvalidParameterCombination')
    const nowhere = ec2In('sim-nowhere-1').send(new CopySnapshotCommand({ SourceRegion, SourceSnapshotId }))
    expect(await codeOf(nowhere)).toBe('SignatureDoesNotMatch')
    const volumeId = world.server.dataCentre.storage.createVolume({ zone: world.zoneOther, sizeGiB: 1 }).volumeId
    await until(world, 'the volume is there', async () => world.server.dataCentre.storage.getVolume(volumeId)?.state === 'available')
    const { snapshotId } = world.server.dataCentre.storage.createSnapshot({ volumeId })
    expect(await codeOf(there.send(new CopySnapshotCommand({ SourceRegion, SourceSnapshotId: snapshotId })))).toBe('IncorrectState')
  })
})
