import {
  AttachVolumeCommand,
  CreateSnapshotsCommand,
  CreateTagsCommand,
  CreateVolumeCommand,
  DescribeImagesCommand,
  DescribeInstanceAttributeCommand,
  DescribeInstancesCommand,
  DescribeInstanceStatusCommand,
  DescribeInstanceTypeOfferingsCommand,
  DescribeInstanceTypesCommand,
  DescribeNetworkInterfacesCommand,
  DescribeSnapshotsCommand,
  DescribeSpotInstanceRequestsCommand,
  DescribeSpotPriceHistoryCommand,
  DescribeTagsCommand,
  DescribeVolumesCommand,
  EC2Client,
  ModifyInstanceAttributeCommand,
  ModifyInstanceEventStartTimeCommand,
  RunInstancesCommand,
  type RunInstancesCommandInput,
  StartInstancesCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
  waitUntilInstanceRunning,
  waitUntilInstanceStopped,
  waitUntilInstanceTerminated,
} from '@aws-sdk/client-ec2'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { seededImages } from '../datacentre/fixtures.ts'
import { type SimServer, startSimServer } from '../server.ts'

let server: SimServer
let ec2: EC2Client
const zoneA = 'sim-east-1a'

beforeAll(async () => {
  // A hundred times as fast as the clock: what takes ten seconds there takes a tenth of one here.
  server = await startSimServer({ speed: 100, listeners: false })
  ec2 = new EC2Client({ endpoint: server.url, region: server.region, credentials: server.credentials, maxAttempts: 1 })
})
afterAll(async () => {
  ec2.destroy()
  await server.close()
})

const launch = async (more: Partial<RunInstancesCommandInput> = {}): Promise<string> => {
  const { Instances } = await ec2.send(
    new RunInstancesCommand({
      ImageId: seededImages.ubuntu,
      InstanceType: 'm7i.large',
      MinCount: 1,
      MaxCount: 1,
      Placement: { AvailabilityZone: zoneA },
      ...more,
    }),
  )
  return Instances?.[0]?.InstanceId ?? ''
}
const waiting = () => ({ client: ec2, maxWaitTime: 120, minDelay: 0.02, maxDelay: 0.05 })
const launched = async (more: Partial<RunInstancesCommandInput> = {}): Promise<string> => {
  const id = await launch(more)
  await waitUntilInstanceRunning(waiting(), { InstanceIds: [id] })
  return id
}
const shown = async (id: string) => (await ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] }))).Reservations?.[0]?.Instances?.[0]
const refused = (code: string, status = 400) =>
  expect.objectContaining({ name: code, $metadata: expect.objectContaining({ httpStatusCode: status }) })

describe('launching', () => {
  it('answers everything a definition of the instance is made from', async () => {
    const id = await launched({
      KeyName: 'ops',
      UserData: Buffer.from('#!/bin/sh').toString('base64'),
      IamInstanceProfile: { Arn: 'arn:aws:iam::123456789012:instance-profile/web' },
      BlockDeviceMappings: [
        { DeviceName: '/dev/sdf', Ebs: { VolumeSize: 30, VolumeType: 'gp3', Iops: 4000, Throughput: 250, DeleteOnTermination: false } },
      ],
      MetadataOptions: { HttpTokens: 'required', HttpPutResponseHopLimit: 3 },
      HibernationOptions: { Configured: true },
      TagSpecifications: [
        { ResourceType: 'instance', Tags: [{ Key: 'Name', Value: 'shop <1> & "co"' }] },
        { ResourceType: 'volume', Tags: [{ Key: 'of', Value: 'shop' }] },
      ],
    })
    const instance = await shown(id)
    expect(instance).toMatchObject({
      InstanceId: id,
      State: { Name: 'running', Code: 16 },
      KeyName: 'ops',
      RootDeviceName: '/dev/sda1',
      Placement: { AvailabilityZone: zoneA, AvailabilityZoneId: 'sime1-az1', Tenancy: 'default' },
      IamInstanceProfile: { Arn: 'arn:aws:iam::123456789012:instance-profile/web' },
      MetadataOptions: { HttpTokens: 'required', HttpPutResponseHopLimit: 3 },
      HibernationOptions: { Configured: true },
      Tags: [{ Key: 'Name', Value: 'shop <1> & "co"' }],
      Monitoring: { State: 'disabled' },
      SourceDestCheck: true,
    })
    expect(instance?.LaunchTime).toBeInstanceOf(Date)
    expect(instance?.NetworkInterfaces?.[0]).toMatchObject({
      Attachment: { DeviceIndex: 0 },
      PrivateIpAddress: instance?.PrivateIpAddress,
      SourceDestCheck: true,
    })
    const { Volumes } = await ec2.send(new DescribeVolumesCommand({ Filters: [{ Name: 'attachment.instance-id', Values: [id] }] }))
    expect(Volumes).toHaveLength(2)
    expect(Volumes?.find((volume) => volume.Attachments?.[0]?.Device === '/dev/sdf')).toMatchObject({
      Size: 30,
      VolumeType: 'gp3',
      Iops: 4000,
      Throughput: 250,
      State: 'in-use',
      Attachments: [{ InstanceId: id, State: 'attached', DeleteOnTermination: false }],
      Tags: [{ Key: 'of', Value: 'shop' }],
    })
    const userData = await ec2.send(new DescribeInstanceAttributeCommand({ InstanceId: id, Attribute: 'userData' }))
    expect(Buffer.from(userData.UserData?.Value ?? '', 'base64').toString()).toBe('#!/bin/sh')
    const { NetworkInterfaces } = await ec2.send(
      new DescribeNetworkInterfacesCommand({ Filters: [{ Name: 'attachment.instance-id', Values: [id] }] }),
    )
    expect(NetworkInterfaces?.[0]).toMatchObject({ AvailabilityZone: zoneA, Attachment: { InstanceId: id, InstanceOwnerId: '123456789012' } })
  })

  it('gives the same instance for the same client token, and refuses other parameters under it', async () => {
    const first = await launch({ ClientToken: 'token-1' })
    expect(await launch({ ClientToken: 'token-1' })).toBe(first)
    await expect(launch({ ClientToken: 'token-1', InstanceType: 'm7i.xlarge' })).rejects.toEqual(refused('IdempotentParameterMismatch'))
    await ec2.send(new TerminateInstancesCommand({ InstanceIds: [first] }))
    await expect(launch({ ClientToken: 'token-1' })).rejects.toEqual(refused('IdempotentInstanceTerminated'))
  })

  it('keeps a record of a spot purchase and of its request', async () => {
    const id = await launched({
      InstanceMarketOptions: { MarketType: 'spot', SpotOptions: { SpotInstanceType: 'persistent', InstanceInterruptionBehavior: 'stop' } },
    })
    const instance = await shown(id)
    expect(instance?.InstanceLifecycle).toBe('spot')
    const { SpotInstanceRequests } = await ec2.send(
      new DescribeSpotInstanceRequestsCommand({ SpotInstanceRequestIds: [instance?.SpotInstanceRequestId ?? ''] }),
    )
    expect(SpotInstanceRequests?.[0]).toMatchObject({ InstanceId: id, State: 'active', Type: 'persistent', InstanceInterruptionBehavior: 'stop' })
  })

  it('says that a zone has no capacity as EC2 does: a server error with a code of its own', async () => {
    server.dataCentre.catalogue.setCapacity('r7i.xlarge', zoneA, 'on-demand', 0)
    await expect(launch({ InstanceType: 'r7i.xlarge' })).rejects.toEqual(refused('InsufficientInstanceCapacity', 500))
  })

  it('answers a dry run and changes nothing', async () => {
    const before = server.dataCentre.instances.count()
    await expect(launch({ DryRun: true })).rejects.toEqual(refused('DryRunOperation', 412))
    expect(server.dataCentre.instances.count()).toBe(before)
  })
})

describe('the lifecycle', () => {
  it('takes its time: a stop is seen as stopping before it is stopped', async () => {
    const id = await launched()
    expect((await shown(id))?.State?.Name).toBe('running')
    server.dataCentre.faults.stickNext('stopping')
    const { StoppingInstances } = await ec2.send(new StopInstancesCommand({ InstanceIds: [id] }))
    expect(StoppingInstances?.[0]).toMatchObject({ PreviousState: { Name: 'running' }, CurrentState: { Name: 'stopping' } })
    expect((await shown(id))?.State?.Name).toBe('stopping')
    server.dataCentre.faults.releaseStuck()
    await waitUntilInstanceStopped(waiting(), { InstanceIds: [id] })
    expect((await shown(id))?.StateReason?.Code).toBe('Client.UserInitiatedShutdown')
  })

  it('never brings a terminated instance back', async () => {
    const id = await launched()
    await ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }))
    await waitUntilInstanceTerminated(waiting(), { InstanceIds: [id] })
    await expect(ec2.send(new StartInstancesCommand({ InstanceIds: [id] }))).rejects.toEqual(refused('IncorrectInstanceState'))
    expect((await shown(id))?.State?.Name).toBe('terminated')
  })

  it('changes the size of a stopped instance only', async () => {
    const id = await launched()
    const resize = () => ec2.send(new ModifyInstanceAttributeCommand({ InstanceId: id, InstanceType: { Value: 'm7i.xlarge' } }))
    await expect(resize()).rejects.toEqual(refused('IncorrectInstanceState'))
    await ec2.send(new StopInstancesCommand({ InstanceIds: [id] }))
    await waitUntilInstanceStopped(waiting(), { InstanceIds: [id] })
    await resize()
    expect((await shown(id))?.InstanceType).toBe('m7i.xlarge')
  })

  it('hibernates only what was launched for it', async () => {
    const id = await launched()
    await expect(ec2.send(new StopInstancesCommand({ InstanceIds: [id], Hibernate: true }))).rejects.toEqual(
      refused('UnsupportedHibernationConfiguration'),
    )
  })

  it('protects against termination until told otherwise', async () => {
    const id = await launched({ DisableApiTermination: true })
    await expect(ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }))).rejects.toEqual(refused('OperationNotPermitted'))
    await ec2.send(new ModifyInstanceAttributeCommand({ InstanceId: id, DisableApiTermination: { Value: false } }))
    const { TerminatingInstances } = await ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }))
    expect(TerminatingInstances?.[0]?.CurrentState?.Name).toBe('shutting-down')
  })

  it("takes user data in the SDK's own encoding", async () => {
    const id = await launched()
    await ec2.send(new StopInstancesCommand({ InstanceIds: [id] }))
    await waitUntilInstanceStopped(waiting(), { InstanceIds: [id] })
    await ec2.send(new ModifyInstanceAttributeCommand({ InstanceId: id, UserData: { Value: new TextEncoder().encode('echo two') } }))
    const { UserData } = await ec2.send(new DescribeInstanceAttributeCommand({ InstanceId: id, Attribute: 'userData' }))
    expect(Buffer.from(UserData?.Value ?? '', 'base64').toString()).toBe('echo two')
  })

  it('shows scheduled events and lets them be postponed up to their deadline', async () => {
    const id = await launched()
    const now = server.dataCentre.now()
    const event = server.dataCentre.maintenance.schedule(id, {
      code: 'instance-retirement',
      notBeforeMs: now + 86_400_000,
      notBeforeDeadlineMs: now + 7 * 86_400_000,
    })
    const { InstanceStatuses } = await ec2.send(new DescribeInstanceStatusCommand({ InstanceIds: [id] }))
    expect(InstanceStatuses?.[0]?.Events?.[0]).toMatchObject({ Code: 'instance-retirement', InstanceEventId: event.instanceEventId })
    const later = new Date(Math.floor((now + 3 * 86_400_000) / 1000) * 1000)
    const { Event } = await ec2.send(
      new ModifyInstanceEventStartTimeCommand({ InstanceId: id, InstanceEventId: event.instanceEventId, NotBefore: later }),
    )
    expect(Event?.NotBefore).toEqual(later)
    const tooLate = new Date(now + 8 * 86_400_000)
    await expect(
      ec2.send(new ModifyInstanceEventStartTimeCommand({ InstanceId: id, InstanceEventId: event.instanceEventId, NotBefore: tooLate })),
    ).rejects.toEqual(refused('InvalidInstanceEventStartTime'))
  })
})

describe('volumes and snapshots', () => {
  const newVolume = async (zone = zoneA): Promise<string> => {
    const { VolumeId = '' } = await ec2.send(new CreateVolumeCommand({ AvailabilityZone: zone, Size: 1 }))
    await vi.waitFor(
      async () => {
        const { Volumes } = await ec2.send(new DescribeVolumesCommand({ VolumeIds: [VolumeId] }))
        expect(Volumes?.[0]?.State).toBe('available')
      },
      { timeout: 60_000 },
    )
    return VolumeId
  }

  it('attaches a volume once, in its own zone, and ends it with the instance only when told to', async () => {
    const id = await launched()
    const VolumeId = await newVolume()
    const attached = await ec2.send(new AttachVolumeCommand({ VolumeId, InstanceId: id, Device: '/dev/sdg' }))
    expect(attached).toMatchObject({ State: 'attaching', Device: '/dev/sdg' })
    await expect(ec2.send(new AttachVolumeCommand({ VolumeId, InstanceId: id, Device: '/dev/sdh' }))).rejects.toEqual(refused('VolumeInUse'))
    const elsewhere = await newVolume('sim-east-1b')
    await expect(ec2.send(new AttachVolumeCommand({ VolumeId: elsewhere, InstanceId: id, Device: '/dev/sdh' }))).rejects.toEqual(
      refused('InvalidVolume.ZoneMismatch'),
    )
    await ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }))
    await waitUntilInstanceTerminated(waiting(), { InstanceIds: [id] })
    const { Volumes } = await ec2.send(new DescribeVolumesCommand({ VolumeIds: [VolumeId] }))
    expect(Volumes?.[0]?.State).toBe('available')
  })

  it('snapshots every volume of an instance at once; completion comes later', async () => {
    const id = await launched({ BlockDeviceMappings: [{ DeviceName: '/dev/sdf', Ebs: { VolumeSize: 1 } }] })
    const { Snapshots = [] } = await ec2.send(
      new CreateSnapshotsCommand({
        InstanceSpecification: { InstanceId: id },
        Description: 'both',
        CopyTagsFromSource: 'volume',
        TagSpecifications: [{ ResourceType: 'snapshot', Tags: [{ Key: 'understudy:op', Value: 'k1' }] }],
      }),
    )
    expect(Snapshots).toHaveLength(2)
    expect(Snapshots.every((snapshot) => snapshot.State === 'pending')).toBe(true)
    expect(new Set(Snapshots.map((snapshot) => snapshot.StartTime?.getTime())).size).toBe(1)
    await vi.waitFor(
      async () => {
        const found = await ec2.send(new DescribeSnapshotsCommand({ OwnerIds: ['self'], Filters: [{ Name: 'tag:understudy:op', Values: ['k1'] }] }))
        expect(found.Snapshots?.map((snapshot) => [snapshot.State, snapshot.Progress])).toEqual([
          ['completed', '100%'],
          ['completed', '100%'],
        ])
      },
      { timeout: 60_000 },
    )
  })
})

describe('reading', () => {
  it('filters by tags with wildcards, by state and by client token', async () => {
    const id = await launched({ ClientToken: 'find-me', TagSpecifications: [{ ResourceType: 'instance', Tags: [{ Key: 'team', Value: 'blue-7' }] }] })
    for (const Filters of [
      [{ Name: 'tag:team', Values: ['blue-*'] }],
      [{ Name: 'tag-key', Values: ['team'] }],
      [{ Name: 'client-token', Values: ['find-me'] }],
      [
        { Name: 'instance-id', Values: [id] },
        { Name: 'instance-state-name', Values: ['running'] },
        { Name: 'availability-zone', Values: [zoneA] },
      ],
    ]) {
      const { Reservations } = await ec2.send(new DescribeInstancesCommand({ Filters }))
      expect(Reservations?.flatMap((reservation) => reservation.Instances ?? []).map((instance) => instance.InstanceId)).toEqual([id])
    }
    const none = await ec2.send(new DescribeInstancesCommand({ Filters: [{ Name: 'tag:team', Values: ['red'] }] }))
    expect(none.Reservations).toEqual([])
  })

  it('pages, and refuses ids together with a page size', async () => {
    await ec2.send(
      new RunInstancesCommand({
        ImageId: seededImages.amazonLinux,
        InstanceType: 't3.micro',
        MinCount: 7,
        MaxCount: 7,
        TagSpecifications: [{ ResourceType: 'instance', Tags: [{ Key: 'batch', Value: 'p' }] }],
      }),
    )
    const ids = new Set<string>()
    let NextToken: string | undefined
    do {
      const page = await ec2.send(
        new DescribeInstancesCommand({
          Filters: [{ Name: 'tag:batch', Values: ['p'] }],
          MaxResults: 5,
          ...(NextToken === undefined ? {} : { NextToken }),
        }),
      )
      for (const instance of page.Reservations?.flatMap((reservation) => reservation.Instances ?? []) ?? []) ids.add(instance.InstanceId ?? '')
      NextToken = page.NextToken
    } while (NextToken !== undefined && NextToken !== '')
    expect(ids.size).toBe(7)
    await expect(ec2.send(new DescribeInstancesCommand({ InstanceIds: [...ids], MaxResults: 5 }))).rejects.toEqual(
      refused('InvalidParameterCombination'),
    )
  })

  it('tells an id that is not one from one that is not there', async () => {
    await expect(ec2.send(new DescribeInstancesCommand({ InstanceIds: ['server-1'] }))).rejects.toEqual(refused('InvalidInstanceID.Malformed'))
    await expect(ec2.send(new DescribeInstancesCommand({ InstanceIds: ['i-0123456789abcdef0'] }))).rejects.toEqual(
      refused('InvalidInstanceID.NotFound'),
    )
  })

  it('may not know a new id for a while, as a service of many machines', async () => {
    server.dataCentre.faults.setConsistency({ visibleAfter: 100_000 })
    try {
      const id = await launch()
      await expect(shown(id)).rejects.toEqual(refused('InvalidInstanceID.NotFound'))
      await vi.waitFor(async () => expect((await shown(id))?.InstanceId).toBe(id), { timeout: 60_000 })
    } finally {
      server.dataCentre.faults.setConsistency({ visibleAfter: 0 })
    }
  })

  it('lists tags, images, types, offerings and prices', async () => {
    const id = await launch()
    await ec2.send(new CreateTagsCommand({ Resources: [id], Tags: [{ Key: 'empty' }, { Key: 'k', Value: 'v' }] }))
    const { Tags } = await ec2.send(new DescribeTagsCommand({ Filters: [{ Name: 'resource-id', Values: [id] }] }))
    expect(Tags?.map(({ Key, Value, ResourceType }) => [Key, Value, ResourceType])).toEqual([
      ['empty', '', 'instance'],
      ['k', 'v', 'instance'],
    ])
    const { Images } = await ec2.send(new DescribeImagesCommand({ ImageIds: [seededImages.ubuntu] }))
    expect(Images?.[0]).toMatchObject({ RootDeviceName: '/dev/sda1', Architecture: 'x86_64', State: 'available' })
    const { InstanceTypes } = await ec2.send(new DescribeInstanceTypesCommand({ InstanceTypes: ['m7i.large'] }))
    expect(InstanceTypes?.[0]).toMatchObject({ VCpuInfo: { DefaultVCpus: 2 }, MemoryInfo: { SizeInMiB: 8192 }, HibernationSupported: true })
    const offered = await ec2.send(
      new DescribeInstanceTypeOfferingsCommand({ LocationType: 'availability-zone', Filters: [{ Name: 'instance-type', Values: ['m7i.large'] }] }),
    )
    expect(offered.InstanceTypeOfferings?.map((offering) => offering.Location).toSorted()).toEqual(['sim-east-1a', 'sim-east-1b', 'sim-east-1c'])
    server.dataCentre.catalogue.setSpotPrice('m7i.large', zoneA, 0.05)
    const { SpotPriceHistory } = await ec2.send(
      new DescribeSpotPriceHistoryCommand({ InstanceTypes: ['m7i.large'], AvailabilityZone: zoneA, ProductDescriptions: ['Linux/UNIX'] }),
    )
    expect(SpotPriceHistory?.[0]).toMatchObject({ InstanceType: 'm7i.large', AvailabilityZone: zoneA, SpotPrice: '0.050000' })
  })
})
