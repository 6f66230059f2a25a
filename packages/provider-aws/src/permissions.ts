import { isProviderError } from '@understudy/provider'
import type { PermissionFinding, Permissions, PermittedCapability, ProviderErrorShape } from '@understudy/provider'
import type { Adapter } from './adapter.ts'
import type { AwsCalls } from './clients.ts'
import { writeTags } from './tags.ts'

/** How many questions are on their way at once; each is a call that the cloud's own limits count. */
const atOnce = 6

/** What the questions are about: something that exists where there is anything, and ids of nothing otherwise. */
interface Subject {
  readonly account: string
  readonly region: string
  readonly queueUrl: string | undefined
  readonly instanceId: string
  readonly imageId: string
  readonly instanceType: string
  readonly subnetId: string | undefined
  readonly zone: string
  /** It carries our tag, so that policies that ask for the tag let us touch it. */
  readonly isOurs: boolean
}

interface Probe {
  readonly capability: PermittedCapability
  readonly permission: string
  /** Absent: the account has no use for the call. */
  readonly isNeeded?: (subject: Subject) => boolean
  readonly ask: (calls: AwsCalls, subject: Subject) => Promise<unknown>
  /** That the cloud looked for the thing means that it had looked at the permission: true of all services but EC2. */
  readonly proofByAbsence?: true
}
type Asked = Exclude<keyof AwsCalls, 'destroy' | 'getCallerIdentity'>

/**
 * Asks about every call of the adapter. EC2 answers dry runs (`DryRunOperation`: it would have been done); the other services have
 * none and are asked about things that do not exist, so that nothing can change. What a policy grants for some resources only
 * may be refused for the one that is asked about: it is `missing` only when the policy denies it in so many words, or when the
 * instance that was asked about is ours. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/CommonParameters.html (DryRun)
 */
export function awsPermissions(adapter: Adapter, queueUrl: string | undefined): Permissions {
  return {
    async check({ signal } = {}) {
      const subject = await subjectOf(adapter, queueUrl, signal)
      const needed = Object.values(probes).filter(({ isNeeded }) => isNeeded?.(subject) ?? true)
      const findings: PermissionFinding[] = []
      const waiting = needed.values()
      const work = async (): Promise<void> => {
        for (const probe of waiting) {
          signal?.throwIfAborted()
          findings.push(await finding(adapter.calls, probe, subject))
        }
      }
      await Promise.all(Array.from({ length: atOnce }, work))
      return findings.toSorted((a, b) => (`${a.capability} ${a.permission}` < `${b.capability} ${b.permission}` ? -1 : 1))
    },
  }
}

async function finding(calls: AwsCalls, probe: Probe, subject: Subject): Promise<PermissionFinding> {
  const { capability, permission } = probe
  try {
    await probe.ask(calls, subject)
    return { capability, permission, outcome: 'granted' }
  } catch (error) {
    if (!isProviderError(error)) throw error
    return { capability, permission, ...meaning(error.shape, probe, subject) }
  }
}

function meaning(shape: ProviderErrorShape, { proofByAbsence }: Probe, subject: Subject): Pick<PermissionFinding, 'outcome' | 'reason'> {
  const { kind, nativeCode, message } = shape
  if (nativeCode === 'DryRunOperation') return { outcome: 'granted' }
  if (kind === 'unauthorized') {
    const isDenied = /explicit deny/i.test(message)
    if (isDenied || (subject.isOurs && proofByAbsence !== true)) return { outcome: 'missing' }
    return {
      outcome: 'unproven',
      reason: 'It is refused for a thing that is not ours; a policy that names resources or tags may allow it for those.',
    }
  }
  if (kind === 'throttled' || kind === 'unavailable') return { outcome: 'unproven', reason: `There was no answer (${nativeCode}).` }
  return proofByAbsence === true
    ? { outcome: 'granted' }
    : { outcome: 'unproven', reason: `EC2 looked for something to do it to before it looked at the permission (${nativeCode}).` }
}

/** The first instance of ours, or else of anybody; without the permission to look, ids of nothing. */
async function subjectOf({ calls, scope, installation }: Adapter, queueUrl: string | undefined, signal: AbortSignal | undefined): Promise<Subject> {
  const { Account: account = scope.account } = await calls.getCallerIdentity(signal)
  const first = async (filters: { readonly Name: string; readonly Values: string[] }[]) => {
    try {
      const { Reservations = [] } = await calls.describeInstances({ Filters: filters, MaxResults: 5 }, signal)
      return Reservations.flatMap(({ Instances = [] }) => Instances)[0]
    } catch (error) {
      if (isProviderError(error)) return undefined
      throw error
    }
  }
  const living = { Name: 'instance-state-name', Values: ['pending', 'running', 'stopping', 'stopped'] }
  const ours = await first([living, { Name: 'tag:understudy:installation', Values: [installation] }])
  const instance = ours ?? (await first([living]))
  return {
    account,
    region: scope.region,
    queueUrl,
    instanceId: instance?.InstanceId ?? 'i-0123456789abcdef0',
    imageId: instance?.ImageId ?? 'ami-0123456789abcdef0',
    instanceType: instance?.InstanceType ?? 't3.micro',
    subnetId: instance?.SubnetId,
    zone: instance?.Placement?.AvailabilityZone ?? `${scope.region}a`,
    isOurs: ours !== undefined,
  }
}

const dry = { DryRun: true } as const
const tags = writeTags({ 'understudy:op': '0'.repeat(32), 'understudy:managed': 'true' })
const tagged = (ResourceType: 'instance' | 'volume' | 'snapshot') => [{ ResourceType, Tags: tags }]
const groupId = 'sg-0123456789abcdef0'
/** Of something that does not exist. */
const arn = ({ region, account }: Subject, rest: string): string => `arn:aws:elasticloadbalancing:${region}:${account}:${rest}`
const groupArn = (subject: Subject): string => arn(subject, 'targetgroup/understudy-verify/0123456789abcdef')
const listenerArn = (subject: Subject): string => arn(subject, 'listener/app/understudy-verify/0123456789abcdef/0123456789abcdef')
const ruleArn = (subject: Subject): string => arn(subject, 'listener-rule/app/understudy-verify/0123456789abcdef/0123456789abcdef/0123456789abcdef')
const volumeId = 'vol-0123456789abcdef0'

const ec2 = (capability: PermittedCapability, action: string, ask: Probe['ask']): Probe => ({ capability, permission: `ec2:${action}`, ask })
const balancer = (action: string, ask: Probe['ask']): Probe => ({
  capability: 'traffic',
  permission: `elasticloadbalancing:${action}`,
  ask,
  proofByAbsence: true,
})
/** About a zone and a change that there are not: the permission is looked at first. */
const noZone = 'Z00000000000000000000'
const names = (action: string, ask: Probe['ask']): Probe => ({ capability: 'traffic', permission: `route53:${action}`, ask, proofByAbsence: true })
const queue = (action: string, ask: Probe['ask']): Probe => ({
  capability: 'signals',
  permission: `sqs:${action}`,
  ask,
  proofByAbsence: true,
  isNeeded: ({ queueUrl }) => queueUrl !== undefined,
})

/** Of the EBS direct APIs. Without them recovery points have no digests. */
const reading = (action: string, ask: Probe['ask']): Probe => ({ capability: 'snapshots', permission: `ebs:${action}`, ask, proofByAbsence: true })
const noSnapshot = 'snap-0123456789abcdef0'

/** Without these everything else works. */
const command = (action: string, ask: Probe['ask']): Probe => ({ capability: 'commands', permission: `ssm:${action}`, ask, proofByAbsence: true })
const noInstance = 'i-0123456789abcdef0'

/** One for every call of the adapter: the type refuses a call without one. */
const probes: Readonly<Record<Asked, Probe>> = {
  describeInstances: ec2('inventory', 'DescribeInstances', (calls) => calls.describeInstances(dry)),
  describeInstanceAttribute: ec2('inventory', 'DescribeInstanceAttribute', (calls, { instanceId }) =>
    calls.describeInstanceAttribute({ ...dry, InstanceId: instanceId, Attribute: 'instanceType' }),
  ),
  describeInstanceCreditSpecifications: ec2('inventory', 'DescribeInstanceCreditSpecifications', (calls) =>
    calls.describeInstanceCreditSpecifications(dry),
  ),
  describeInstanceTypes: ec2('inventory', 'DescribeInstanceTypes', (calls) => calls.describeInstanceTypes(dry)),
  describeVolumes: ec2('inventory', 'DescribeVolumes', (calls) => calls.describeVolumes(dry)),
  // Only for instances that are in one; without it their strategy is not known.
  describePlacementGroups: ec2('inventory', 'DescribePlacementGroups', (calls) => calls.describePlacementGroups(dry)),
  describeSubnets: ec2('compute', 'DescribeSubnets', (calls) => calls.describeSubnets(dry)),
  describeSpotInstanceRequests: ec2('compute', 'DescribeSpotInstanceRequests', (calls) => calls.describeSpotInstanceRequests(dry)),
  runInstances: ec2('compute', 'RunInstances', (calls, { imageId, instanceType, subnetId }) =>
    calls.runInstances(
      {
        ...dry,
        MinCount: 1,
        MaxCount: 1,
        ImageId: imageId,
        // Types of the cloud are no closed set here.
        InstanceType: instanceType as never,
        ...(subnetId === undefined ? {} : { SubnetId: subnetId }),
        TagSpecifications: [...tagged('instance'), ...tagged('volume')],
      },
      {},
    ),
  ),
  startInstances: ec2('compute', 'StartInstances', (calls, { instanceId }) => calls.startInstances({ ...dry, InstanceIds: [instanceId] })),
  stopInstances: ec2('compute', 'StopInstances', (calls, { instanceId }) => calls.stopInstances({ ...dry, InstanceIds: [instanceId] })),
  terminateInstances: ec2('compute', 'TerminateInstances', (calls, { instanceId }) =>
    calls.terminateInstances({ ...dry, InstanceIds: [instanceId] }),
  ),
  cancelSpotInstanceRequests: ec2('compute', 'CancelSpotInstanceRequests', (calls) =>
    calls.cancelSpotInstanceRequests({ ...dry, SpotInstanceRequestIds: ['sir-01234567'] }),
  ),
  modifyInstanceAttribute: ec2('compute', 'ModifyInstanceAttribute', (calls, { instanceId }) =>
    calls.modifyInstanceAttribute({ ...dry, InstanceId: instanceId, DisableApiTermination: { Value: false } }),
  ),
  modifyInstanceEventStartTime: ec2('signals', 'ModifyInstanceEventStartTime', (calls, { instanceId }) =>
    calls.modifyInstanceEventStartTime({
      ...dry,
      InstanceId: instanceId,
      InstanceEventId: 'instance-event-01234567890123456',
      NotBefore: new Date(0),
    }),
  ),
  createTags: ec2('labels', 'CreateTags', (calls, { instanceId }) => calls.createTags({ ...dry, Resources: [instanceId], Tags: tags })),
  deleteTags: ec2('labels', 'DeleteTags', (calls, { instanceId }) =>
    calls.deleteTags({ ...dry, Resources: [instanceId], Tags: [{ Key: 'understudy:verify' }] }),
  ),
  describeSnapshots: ec2('snapshots', 'DescribeSnapshots', (calls) => calls.describeSnapshots({ ...dry, OwnerIds: ['self'] })),
  createSnapshots: ec2('snapshots', 'CreateSnapshots', (calls, { instanceId }) =>
    calls.createSnapshots({ ...dry, InstanceSpecification: { InstanceId: instanceId }, TagSpecifications: tagged('snapshot') }),
  ),
  describeRegions: ec2('snapshots', 'DescribeRegions', (calls) => calls.describeRegions(dry)),
  // Asked in the account's own region, where a copy is made in the same way.
  copySnapshot: ec2('snapshots', 'CopySnapshot', (calls, { region }) =>
    calls.copySnapshot({ ...dry, SourceRegion: region, SourceSnapshotId: noSnapshot, TagSpecifications: tagged('snapshot') }, region),
  ),
  deleteSnapshot: ec2('snapshots', 'DeleteSnapshot', (calls) => calls.deleteSnapshot({ ...dry, SnapshotId: 'snap-0123456789abcdef0' })),
  createVolume: ec2('snapshots', 'CreateVolume', (calls, { zone }) =>
    calls.createVolume({ ...dry, AvailabilityZone: zone, Size: 1, TagSpecifications: tagged('volume') }, {}),
  ),
  deleteVolume: ec2('snapshots', 'DeleteVolume', (calls) => calls.deleteVolume({ ...dry, VolumeId: volumeId })),
  attachVolume: ec2('snapshots', 'AttachVolume', (calls, { instanceId }) =>
    calls.attachVolume({ ...dry, InstanceId: instanceId, VolumeId: volumeId, Device: '/dev/sdz' }),
  ),
  detachVolume: ec2('snapshots', 'DetachVolume', (calls) => calls.detachVolume({ ...dry, VolumeId: volumeId })),
  listSnapshotBlocks: reading('ListSnapshotBlocks', (calls) => calls.listSnapshotBlocks({ SnapshotId: noSnapshot })),
  listChangedBlocks: reading('ListChangedBlocks', (calls) => calls.listChangedBlocks({ FirstSnapshotId: noSnapshot, SecondSnapshotId: noSnapshot })),
  getSnapshotBlock: reading('GetSnapshotBlock', (calls) => calls.getSnapshotBlock({ SnapshotId: noSnapshot, BlockIndex: 0, BlockToken: 'AAAA' })),
  describeSecurityGroups: ec2('snapshots', 'DescribeSecurityGroups', (calls) => calls.describeSecurityGroups(dry)),
  createSecurityGroup: ec2('snapshots', 'CreateSecurityGroup', (calls) =>
    calls.createSecurityGroup({
      ...{ ...dry, GroupName: 'understudy-verify', Description: 'Understudy: a dry run' },
      TagSpecifications: [{ ResourceType: 'security-group', Tags: tags }],
    }),
  ),
  deleteSecurityGroup: ec2('snapshots', 'DeleteSecurityGroup', (calls) => calls.deleteSecurityGroup({ ...dry, GroupId: groupId })),
  revokeSecurityGroupEgress: ec2('snapshots', 'RevokeSecurityGroupEgress', (calls) =>
    calls.revokeSecurityGroupEgress({ ...dry, GroupId: groupId, IpPermissions: [{ IpProtocol: '-1', IpRanges: [{ CidrIp: '0.0.0.0/0' }] }] }),
  ),
  authorizeSecurityGroupIngress: ec2('snapshots', 'AuthorizeSecurityGroupIngress', (calls) =>
    calls.authorizeSecurityGroupIngress({
      ...{ ...dry, GroupId: groupId },
      IpPermissions: [{ IpProtocol: 'tcp', FromPort: 80, ToPort: 80, IpRanges: [{ CidrIp: '10.0.0.0/8' }] }],
    }),
  ),
  describeAddresses: ec2('traffic', 'DescribeAddresses', (calls) => calls.describeAddresses(dry)),
  associateAddress: ec2('traffic', 'AssociateAddress', (calls, { instanceId }) =>
    calls.associateAddress({ ...dry, InstanceId: instanceId, AllocationId: 'eipalloc-0123456789abcdef0' }),
  ),
  disassociateAddress: ec2('traffic', 'DisassociateAddress', (calls) =>
    calls.disassociateAddress({ ...dry, AssociationId: 'eipassoc-0123456789abcdef0' }),
  ),
  describeListeners: balancer('DescribeListeners', (calls, subject) => calls.describeListeners({ ListenerArns: [listenerArn(subject)] })),
  describeRules: balancer('DescribeRules', (calls, subject) => calls.describeRules({ RuleArns: [ruleArn(subject)] })),
  describeTargetHealth: balancer('DescribeTargetHealth', (calls, subject) => calls.describeTargetHealth({ TargetGroupArn: groupArn(subject) })),
  registerTargets: balancer('RegisterTargets', (calls, subject) =>
    calls.registerTargets({ TargetGroupArn: groupArn(subject), Targets: [{ Id: 'i-0123456789abcdef0' }] }),
  ),
  deregisterTargets: balancer('DeregisterTargets', (calls, subject) =>
    calls.deregisterTargets({ TargetGroupArn: groupArn(subject), Targets: [{ Id: 'i-0123456789abcdef0' }] }),
  ),
  modifyListener: balancer('ModifyListener', (calls, subject) => calls.modifyListener({ ListenerArn: listenerArn(subject), Port: 80 })),
  modifyRule: balancer('ModifyRule', (calls, subject) => calls.modifyRule({ RuleArn: ruleArn(subject) })),
  listResourceRecordSets: names('ListResourceRecordSets', (calls) => calls.listResourceRecordSets({ HostedZoneId: noZone })),
  getChange: names('GetChange', (calls) => calls.getChange({ Id: 'C00000000000000000000' })),
  changeResourceRecordSets: names('ChangeResourceRecordSets', (calls) =>
    calls.changeResourceRecordSets({
      HostedZoneId: noZone,
      ChangeBatch: {
        Changes: [
          {
            Action: 'DELETE',
            ResourceRecordSet: { Name: 'understudy-verify.invalid.', Type: 'A', TTL: 60, ResourceRecords: [{ Value: '192.0.2.1' }] },
          },
        ],
      },
    }),
  ),
  describeInstanceStatus: ec2('signals', 'DescribeInstanceStatus', (calls) => calls.describeInstanceStatus(dry)),
  // What it receives stays visible to the poller.
  receiveMessage: queue('ReceiveMessage', (calls, { queueUrl }) =>
    calls.receiveMessage({ QueueUrl: queueUrl, MaxNumberOfMessages: 1, WaitTimeSeconds: 0, VisibilityTimeout: 0 }, AbortSignal.timeout(10_000)),
  ),
  deleteMessageBatch: queue('DeleteMessage', (calls, { queueUrl }) =>
    calls.deleteMessageBatch({ QueueUrl: queueUrl, Entries: [{ Id: '0', ReceiptHandle: 'of-no-message' }] }),
  ),
  // About an instance that there is not: the permission is looked at first.
  sendCommand: command('SendCommand', (calls) =>
    calls.sendCommand({ DocumentName: 'AWS-RunShellScript', InstanceIds: [noInstance], Parameters: { commands: ['true'] } }),
  ),
  listCommands: command('ListCommands', (calls) => calls.listCommands({ InstanceId: noInstance, MaxResults: 1 })),
  getCommandInvocation: command('GetCommandInvocation', (calls) =>
    calls.getCommandInvocation({ CommandId: '00000000-0000-0000-0000-000000000000', InstanceId: noInstance }),
  ),
  describeAvailabilityZones: ec2('market', 'DescribeAvailabilityZones', (calls) => calls.describeAvailabilityZones(dry)),
  describeInstanceTypeOfferings: ec2('market', 'DescribeInstanceTypeOfferings', (calls) => calls.describeInstanceTypeOfferings(dry)),
  describeSpotPriceHistory: ec2('market', 'DescribeSpotPriceHistory', (calls) => calls.describeSpotPriceHistory(dry)),
}
