import { VirtualClock } from '@understudy/core'
import type { CallContext, CloneSpec, ResourceDna } from '@understudy/provider'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hostGroupOf } from './host-groups.ts'
import { adapterAgainst, contextOf, letTimePass } from './testing/adapter-under-test.ts'
import { someDna, someSpec } from './testing/dna.ts'
import { ec2Answer, scriptedEndpoint } from './testing/scripted-endpoint.ts'

const subnet = (letter: string, zone: string, more = '') =>
  `<item><subnetId>subnet-${letter}</subnetId><vpcId>vpc-1</vpcId><availabilityZone>${zone}</availabilityZone>${more}</item>`
const subnetA = subnet('a', 'eu-west-1a', '<mapPublicIpOnLaunch>true</mapPublicIpOnLaunch>')
const siblings = [
  subnet('b-private', 'eu-west-1b', '<mapPublicIpOnLaunch>false</mapPublicIpOnLaunch>'),
  subnet('b-public-2', 'eu-west-1b', '<mapPublicIpOnLaunch>true</mapPublicIpOnLaunch>'),
  subnet('b-public-1', 'eu-west-1b', '<mapPublicIpOnLaunch>true</mapPublicIpOnLaunch>'),
]

let endpoint: Awaited<ReturnType<typeof scriptedEndpoint>>
let siblingXml = siblings
beforeAll(async () => {
  endpoint = await scriptedEndpoint(({ action, params }) => {
    if (action === 'DescribeSubnets') {
      return ec2Answer(action, `<subnetSet>${params.get('Filter.1.Name') === 'subnet-id' ? subnetA : siblingXml.join('')}</subnetSet>`)
    }
    return ec2Answer(
      action,
      '<instancesSet><item><instanceId>i-1</instanceId><launchTime>2026-01-01T00:00:00.000Z</launchTime></item></instancesSet>',
    )
  })
})
afterAll(async () => {
  await endpoint.close()
})

/** What RunInstances was asked for. */
async function asked(
  source: Partial<ResourceDna>,
  spec: Partial<CloneSpec> = {},
  context: Partial<CallContext> = {},
): Promise<Record<string, string>> {
  const clock = new VirtualClock()
  const provider = adapterAgainst(endpoint.url, { clock })
  try {
    await letTimePass(clock, provider.compute.provision(someDna(source), someSpec(spec), contextOf('launch', context)))
  } finally {
    await provider.close()
  }
  return Object.fromEntries(endpoint.of('RunInstances').at(-1)?.params ?? [])
}
const tagsOf = (sent: Record<string, string>, kind: string): Record<string, string> => {
  const specification = Object.keys(sent)
    .find((key) => key.endsWith('.ResourceType') && sent[key] === kind)
    ?.replace('.ResourceType', '')
  const tags: Record<string, string> = {}
  for (let index = 1; specification !== undefined && sent[`${specification}.Tag.${index}.Key`] !== undefined; index++) {
    tags[sent[`${specification}.Tag.${index}.Key`] ?? ''] = sent[`${specification}.Tag.${index}.Value`] ?? ''
  }
  return tags
}

describe('the group of hosts of an instance', () => {
  it('is known by its name where its strategy may not be asked: then nothing keeps a clone apart for certain', () => {
    expect(hostGroupOf({ Placement: { GroupName: 'pg-1' } }, undefined)).toEqual({ id: 'pg-1', separable: false })
    expect(hostGroupOf({ Placement: { GroupName: 'pg-1' } }, { Strategy: 'partition', PartitionCount: 1 })).toMatchObject({ separable: false })
    expect(hostGroupOf({ Placement: { GroupName: '', Tenancy: 'default' } }, undefined)).toBeUndefined()
  })
})

describe('the hosts of a launch', () => {
  const zone = 'eu-west-1a'
  const placed = async (placement: ResourceDna['placement'], hosts: 'same-group' | 'separate', native: ResourceDna['native'] = {}) =>
    Object.fromEntries(
      Object.entries(await asked({ placement: { zone, ...placement }, native }, { zone, hosts })).filter(([key]) => key.startsWith('Placement.')),
    )
  const hostGroup = { id: 'pg-1', strategy: 'partitions', separable: true } as const

  it('are those of the source: its placement group, its host resource group, or any with auto-placement', async () => {
    expect(await placed({ hostGroup }, 'same-group')).toEqual({ 'Placement.GroupName': 'pg-1' })
    expect(await placed({ hostGroup, tenancy: 'dedicated' }, 'same-group')).toEqual({
      'Placement.GroupName': 'pg-1',
      'Placement.Tenancy': 'dedicated',
    })
    const own = { strategy: 'own-hosts', separable: true } as const
    const arn = 'arn:aws:resource-groups:eu-west-1:123456789012:group/licensed'
    expect(await placed({ hostGroup: { id: arn, ...own } }, 'same-group')).toEqual({
      'Placement.Tenancy': 'host',
      'Placement.HostResourceGroupArn': arn,
    })
    expect(await placed({ hostGroup: { id: 'tenancy:host', ...own } }, 'same-group')).toEqual({ 'Placement.Tenancy': 'host' })
  })

  it('are others than those of the source: the next partition, another rack, or none of its own', async () => {
    const partition = (partitionNumber: number) => placed({ hostGroup }, 'separate', { partitionNumber, partitionCount: 3 })
    expect(await partition(1)).toEqual({ 'Placement.GroupName': 'pg-1', 'Placement.PartitionNumber': '2' })
    expect(await partition(3)).toEqual({ 'Placement.GroupName': 'pg-1', 'Placement.PartitionNumber': '1' })
    expect(await placed({ hostGroup: { ...hostGroup, strategy: 'apart' } }, 'separate')).toEqual({ 'Placement.GroupName': 'pg-1' })
    expect(await placed({ hostGroup: { ...hostGroup, strategy: 'own-hosts' } }, 'separate')).toEqual({})
    await expect(placed({ hostGroup: { id: 'pg-1', separable: false } }, 'separate')).rejects.toMatchObject({ shape: { kind: 'unsupported' } })
  })
})

describe('a launch', () => {
  it('repeats the source, without what is bound to it', async () => {
    const sent = await asked({})
    expect(sent).toMatchObject({
      ImageId: 'ami-1',
      InstanceType: 'm7i.large',
      MinCount: '1',
      MaxCount: '1',
      ClientToken: contextOf('launch').idempotencyKey,
      KeyName: 'ops',
      UserData: 'IyEvYmluL3No',
      'IamInstanceProfile.Arn': 'arn:aws:iam::123456789012:instance-profile/shop',
      'MetadataOptions.HttpTokens': 'required',
      'MetadataOptions.HttpPutResponseHopLimit': '2',
      'Monitoring.Enabled': 'true',
      EbsOptimized: 'true',
      'CreditSpecification.CpuCredits': 'standard',
      InstanceInitiatedShutdownBehavior: 'stop',
    })
    const names = Object.keys(sent).join(' ')
    for (const absent of [
      'PrivateIpAddress',
      'Placement.HostId',
      'Placement.GroupName',
      'DisableApiTermination',
      'InstanceMarketOptions',
      'HibernationOptions',
    ]) {
      expect(names).not.toContain(absent)
    }
  })

  it('goes to the likest subnet of the zone, and carries the same groups and kind of address', async () => {
    expect(await asked({})).toMatchObject({
      'NetworkInterface.1.DeviceIndex': '0',
      'NetworkInterface.1.SubnetId': 'subnet-b-public-1',
      'NetworkInterface.1.SecurityGroupId.1': 'sg-1',
      'NetworkInterface.1.SecurityGroupId.2': 'sg-2',
      'NetworkInterface.1.AssociatePublicIpAddress': 'true',
    })
    expect(await asked({}, { zone: 'eu-west-1a' })).toMatchObject({ 'NetworkInterface.1.SubnetId': 'subnet-a', 'Placement.GroupName': 'spread-1' })
    const [nic] = someDna().nics
    const elastic = { ...nic!, publicIp: { ip: '198.51.100.7', ephemeral: false } } // `someDna` has one
    expect(await asked({ nics: [elastic] })).toMatchObject({ 'NetworkInterface.1.AssociatePublicIpAddress': 'false' })
  })

  it('cannot go to a zone without a subnet, and says so', async () => {
    siblingXml = []
    await expect(asked({}, { zone: 'eu-west-1z' })).rejects.toMatchObject({ shape: { kind: 'invalid', nativeCode: 'NoSubnetInZone' } })
    siblingXml = siblings
  })

  it('repeats the disks, with what each type takes', async () => {
    const sent = await asked({})
    expect(sent).toMatchObject({
      'BlockDeviceMapping.1.DeviceName': '/dev/xvda',
      'BlockDeviceMapping.1.Ebs.VolumeType': 'gp3',
      'BlockDeviceMapping.1.Ebs.VolumeSize': '40',
      'BlockDeviceMapping.1.Ebs.Iops': '3000',
      'BlockDeviceMapping.1.Ebs.Throughput': '125',
      'BlockDeviceMapping.1.Ebs.Encrypted': 'true',
      'BlockDeviceMapping.1.Ebs.KmsKeyId': 'arn:aws:kms:key',
      'BlockDeviceMapping.1.Ebs.DeleteOnTermination': 'true',
      'BlockDeviceMapping.2.DeviceName': '/dev/sdf',
      'BlockDeviceMapping.2.Ebs.VolumeType': 'gp2',
      'BlockDeviceMapping.2.Ebs.DeleteOnTermination': 'false',
    })
    // The image brings its own root; gp2 has no rate to choose.
    for (const absent of ['BlockDeviceMapping.1.Ebs.SnapshotId', 'BlockDeviceMapping.2.Ebs.Iops', 'BlockDeviceMapping.2.Ebs.SnapshotId'])
      expect(sent).not.toHaveProperty([absent])
  })

  it('as spot is one-time when it shall run, and persistent when it shall rest, since only those can be stopped', async () => {
    expect(await asked({}, { purchase: 'spot' })).toMatchObject({
      'InstanceMarketOptions.MarketType': 'spot',
      'InstanceMarketOptions.SpotOptions.SpotInstanceType': 'one-time',
      'InstanceMarketOptions.SpotOptions.InstanceInterruptionBehavior': 'terminate',
    })
    expect(await asked({}, { purchase: 'spot', power: 'stopped' })).toMatchObject({
      'InstanceMarketOptions.SpotOptions.SpotInstanceType': 'persistent',
      'InstanceMarketOptions.SpotOptions.InstanceInterruptionBehavior': 'stop',
    })
    const held = await asked({ disks: someDna().disks.map((disk) => ({ ...disk, encrypted: false })) }, { purchase: 'spot', power: 'held' })
    expect(held).toMatchObject({
      'InstanceMarketOptions.SpotOptions.InstanceInterruptionBehavior': 'hibernate',
      'HibernationOptions.Configured': 'true',
      'BlockDeviceMapping.1.Ebs.Encrypted': 'true',
    })
    expect(held).not.toHaveProperty(['BlockDeviceMapping.2.Ebs.Encrypted'])
  })

  it('of another type leaves to EC2 what depends on the type', async () => {
    const sent = await asked({ native: { ...someDna().native, cpuOptions: { CoreCount: 4, ThreadsPerCore: 1 } } }, { instanceType: 'm7i.xlarge' })
    for (const absent of ['EbsOptimized', 'CreditSpecification.CpuCredits', 'CpuOptions.CoreCount']) expect(sent).not.toHaveProperty([absent])
    expect(await asked({ native: { cpuOptions: { CoreCount: 4, ThreadsPerCore: 1 } } })).toMatchObject({ 'CpuOptions.ThreadsPerCore': '1' })
  })

  it('tags everything it makes, in the same call', async () => {
    const sent = await asked({}, { purchase: 'spot' }, { tags: { 'understudy:shadow': 'shd_1' } })
    const ours = {
      'understudy:op': contextOf('launch').idempotencyKey,
      'understudy:managed': 'true',
      'understudy:installation': 'test',
      'understudy:shadow': 'shd_1',
      Name: 'stand-in',
    }
    expect(tagsOf(sent, 'instance')).toEqual({ ...ours, team: 'x' })
    for (const kind of ['volume', 'network-interface', 'spot-instances-request']) expect(tagsOf(sent, kind)).toEqual(ours)
  })

  it('never carries more tags than EC2 takes, and always its own', async () => {
    const many = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`t${index}`, 'x']))
    const tags = tagsOf(await asked({ tags: many }), 'instance')
    expect(Object.keys(tags)).toHaveLength(50)
    expect(tags['understudy:op']).toBe(contextOf('launch').idempotencyKey)
  })

  it('in isolation has other groups, one interface, no public address, no identity and none of the source’s tags', async () => {
    const second = { ...someDna().nics[0]!, nativeId: 'eni-2', primary: false } // `someDna` has one
    const sent = await asked({ nics: [...someDna().nics, second] }, { isolation: { securityGroups: ['sg-quarantine'] } })
    expect(sent).toMatchObject({ 'NetworkInterface.1.SecurityGroupId.1': 'sg-quarantine', 'NetworkInterface.1.AssociatePublicIpAddress': 'false' })
    for (const absent of ['NetworkInterface.1.SecurityGroupId.2', 'NetworkInterface.2.DeviceIndex', 'IamInstanceProfile.Arn'])
      expect(sent).not.toHaveProperty([absent])
    expect(tagsOf(sent, 'instance')).not.toHaveProperty('team')
  })

  it('with several interfaces asks for no public address, which EC2 would refuse', async () => {
    const second = { ...someDna().nics[0]!, nativeId: 'eni-2', primary: false } // `someDna` has one
    const sent = await asked({ nics: [...someDna().nics, second] })
    expect(sent).toMatchObject({ 'NetworkInterface.2.DeviceIndex': '1' })
    expect(sent).not.toHaveProperty(['NetworkInterface.1.AssociatePublicIpAddress'])
  })

  it('is impossible without an image', async () => {
    const { image: _image, ...rest } = someDna()
    const provider = adapterAgainst(endpoint.url)
    await expect(provider.compute.provision(rest, someSpec(), contextOf('launch'))).rejects.toMatchObject({ shape: { kind: 'invalid' } })
    await provider.close()
  })
})
