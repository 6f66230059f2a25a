import { EBSClient, GetSnapshotBlockCommand, ListChangedBlocksCommand, ListSnapshotBlocksCommand } from '@aws-sdk/client-ebs'
import type * as Ebs from '@aws-sdk/client-ebs'
import {
  AssociateAddressCommand,
  AttachVolumeCommand,
  AuthorizeSecurityGroupIngressCommand,
  CancelSpotInstanceRequestsCommand,
  CopySnapshotCommand,
  CreateSecurityGroupCommand,
  CreateSnapshotsCommand,
  CreateTagsCommand,
  CreateVolumeCommand,
  DeleteSecurityGroupCommand,
  DeleteSnapshotCommand,
  DeleteTagsCommand,
  DeleteVolumeCommand,
  DescribeAddressesCommand,
  DetachVolumeCommand,
  DescribeAvailabilityZonesCommand,
  DescribeInstanceAttributeCommand,
  DescribeInstanceCreditSpecificationsCommand,
  DescribeInstancesCommand,
  DescribeInstanceStatusCommand,
  DescribeInstanceTypeOfferingsCommand,
  DescribeInstanceTypesCommand,
  DescribePlacementGroupsCommand,
  DescribeRegionsCommand,
  DescribeSecurityGroupsCommand,
  DescribeSnapshotsCommand,
  DescribeSpotInstanceRequestsCommand,
  DescribeSpotPriceHistoryCommand,
  DescribeSubnetsCommand,
  DescribeVolumesCommand,
  DisassociateAddressCommand,
  EC2Client,
  ModifyInstanceAttributeCommand,
  ModifyInstanceEventStartTimeCommand,
  RevokeSecurityGroupEgressCommand,
  RunInstancesCommand,
  StartInstancesCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2'
import type * as Ec2 from '@aws-sdk/client-ec2'
import {
  DeregisterTargetsCommand,
  DescribeListenersCommand,
  DescribeRulesCommand,
  DescribeTargetHealthCommand,
  ElasticLoadBalancingV2Client,
  ModifyListenerCommand,
  ModifyRuleCommand,
  RegisterTargetsCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2'
import type * as Elb from '@aws-sdk/client-elastic-load-balancing-v2'
import { ChangeResourceRecordSetsCommand, GetChangeCommand, ListResourceRecordSetsCommand, Route53Client } from '@aws-sdk/client-route-53'
import type * as Names from '@aws-sdk/client-route-53'
import { DeleteMessageBatchCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
import type * as Sqs from '@aws-sdk/client-sqs'
import { GetCommandInvocationCommand, ListCommandsCommand, SendCommandCommand, SSMClient } from '@aws-sdk/client-ssm'
import type * as Ssm from '@aws-sdk/client-ssm'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { guardedLookup } from '@understudy/provider'
import type { Offering } from '@understudy/provider'
import { classify } from './errors.ts'
import type { CallEffect } from './errors.ts'
import type { AwsService, AwsSettings } from './settings.ts'

const silent = { trace() {}, debug() {}, info() {}, warn() {}, error() {} }
/** A request may take longer than the longest long poll (20 s), and less than a message stays hidden (60 s). */
const usualTimeouts = { connectMs: 3_000, requestMs: 30_000 }
const maxSockets = 100

export type AwsCalls = ReturnType<typeof awsCalls>

/** Every call this adapter makes, and nothing else: the table of permissions in the package's README is tested against it. */
export function awsCalls(settings: AwsSettings) {
  const clients = sdkClients(settings)
  const secrets = settings.credentials === 'default-chain' ? [] : Object.values(settings.credentials)
  const tell: Tell = async (effect, call, offering) => {
    try {
      return await call
    } catch (error) {
      throw classify(error, { effect, offering, secrets })
    }
  }
  return {
    ...ec2Reads(clients, tell),
    ...ec2Changes(clients, tell),
    ...balancerCalls(clients, tell),
    ...blockCalls(clients, tell),
    ...nameCalls(clients, tell),
    ...commandCalls(clients, tell),
    ...otherCalls(clients, tell),
    destroy(): void {
      const { ec2In: _opened, ...others } = clients
      for (const client of [...Object.values(others), ...clients.ec2In.opened()]) client.destroy()
    },
  }
}

/** Awaits one call of the SDK; whatever it throws leaves as a `ProviderError`. */
type Tell = <Output>(effect: CallEffect, call: Promise<Output>, offering?: Offering) => Promise<Output>
type Clients = ReturnType<typeof sdkClients>

/**
 * Three ways of repeating, because the SDK by itself would send every call three times:
 * - `read`: adaptive, since nothing can go wrong twice
 * - `repeat`: standard retries, for calls that declare a state
 * - `once`: a single attempt, for calls whose repetition would make a second thing, and for launches and starts, whose
 *   "no capacity" EC2 dresses up as a server error that the SDK takes for a transient one
 */
function sdkClients(settings: AwsSettings) {
  const { scope, endpoint, endpoints = {}, timeouts = usualTimeouts } = settings
  const agent = { keepAlive: true, maxSockets, ...(settings.guard === undefined ? {} : { lookup: guardedLookup(settings.guard) }) }
  const requestHandler = new NodeHttpHandler({
    connectionTimeout: timeouts.connectMs,
    requestTimeout: timeouts.requestMs,
    throwOnRequestTimeout: true,
    httpAgent: agent,
    httpsAgent: agent,
    logger: silent,
  })
  const common = (service: AwsService) => {
    const address = endpoints[service] ?? endpoint
    return {
      region: scope.region,
      ...(settings.credentials === 'default-chain' ? {} : { credentials: settings.credentials }),
      ...(address === undefined ? {} : { endpoint: address }),
      requestHandler,
      logger: silent,
      customUserAgent: [['understudy', settings.installation]] as [string, string][],
    }
  }
  const read = { retryMode: 'adaptive', maxAttempts: 4 } as const
  const repeat = { retryMode: 'standard', maxAttempts: 3 } as const
  const once = { maxAttempts: 1 } as const
  const beside = new Map<string, Record<'read' | 'repeat' | 'once', EC2Client>>()
  /** EC2 in another region, with the same credentials; opened when it is first asked. */
  const inRegion = (region: string) => {
    const found = beside.get(region) ?? {
      read: new EC2Client({ ...common('ec2'), region, ...read }),
      repeat: new EC2Client({ ...common('ec2'), region, ...repeat }),
      once: new EC2Client({ ...common('ec2'), region, ...once }),
    }
    beside.set(region, found)
    return found
  }
  return {
    ec2In: Object.assign(inRegion, { opened: () => [...beside.values()].flatMap((clients) => Object.values(clients)) }),
    ebs: new EBSClient({ ...common('ebs'), ...read }),
    ec2Read: new EC2Client({ ...common('ec2'), ...read }),
    ec2Repeat: new EC2Client({ ...common('ec2'), ...repeat }),
    ec2Once: new EC2Client({ ...common('ec2'), ...once }),
    elbRead: new ElasticLoadBalancingV2Client({ ...common('elbv2'), ...read }),
    elbRepeat: new ElasticLoadBalancingV2Client({ ...common('elbv2'), ...repeat }),
    namesRead: new Route53Client({ ...common('route53'), ...read }),
    namesRepeat: new Route53Client({ ...common('route53'), ...repeat }),
    sqs: new SQSClient({ ...common('sqs'), ...repeat }),
    ssmRead: new SSMClient({ ...common('ssm'), ...read }),
    ssmOnce: new SSMClient({ ...common('ssm'), ...once }),
    sts: new STSClient({ ...common('sts'), ...read }),
  }
}

const ec2Reads = ({ ec2Read, ec2In }: Clients, tell: Tell) => ({
  describeInstances: (input: Ec2.DescribeInstancesCommandInput, signal?: AbortSignal) =>
    tell('read', ec2Read.send(new DescribeInstancesCommand(input), until(signal))),
  describeInstanceAttribute: (input: Ec2.DescribeInstanceAttributeCommandInput) =>
    tell('read', ec2Read.send(new DescribeInstanceAttributeCommand(input))),
  describeInstanceCreditSpecifications: (input: Ec2.DescribeInstanceCreditSpecificationsCommandInput) =>
    tell('read', ec2Read.send(new DescribeInstanceCreditSpecificationsCommand(input))),
  describeInstanceStatus: (input: Ec2.DescribeInstanceStatusCommandInput) => tell('read', ec2Read.send(new DescribeInstanceStatusCommand(input))),
  describeInstanceTypes: (input: Ec2.DescribeInstanceTypesCommandInput) => tell('read', ec2Read.send(new DescribeInstanceTypesCommand(input))),
  describeInstanceTypeOfferings: (input: Ec2.DescribeInstanceTypeOfferingsCommandInput) =>
    tell('read', ec2Read.send(new DescribeInstanceTypeOfferingsCommand(input))),
  describeVolumes: (input: Ec2.DescribeVolumesCommandInput) => tell('read', ec2Read.send(new DescribeVolumesCommand(input))),
  /** `region`: in another one. */
  describeSnapshots: (input: Ec2.DescribeSnapshotsCommandInput, region?: string) =>
    tell('read', (region === undefined ? ec2Read : ec2In(region).read).send(new DescribeSnapshotsCommand(input))),
  describePlacementGroups: (input: Ec2.DescribePlacementGroupsCommandInput) => tell('read', ec2Read.send(new DescribePlacementGroupsCommand(input))),
  describeRegions: (input: Ec2.DescribeRegionsCommandInput) => tell('read', ec2Read.send(new DescribeRegionsCommand(input))),
  describeSubnets: (input: Ec2.DescribeSubnetsCommandInput) => tell('read', ec2Read.send(new DescribeSubnetsCommand(input))),
  describeAddresses: (input: Ec2.DescribeAddressesCommandInput) => tell('read', ec2Read.send(new DescribeAddressesCommand(input))),
  describeAvailabilityZones: (input: Ec2.DescribeAvailabilityZonesCommandInput) =>
    tell('read', ec2Read.send(new DescribeAvailabilityZonesCommand(input))),
  describeSpotInstanceRequests: (input: Ec2.DescribeSpotInstanceRequestsCommandInput) =>
    tell('read', ec2Read.send(new DescribeSpotInstanceRequestsCommand(input))),
  describeSecurityGroups: (input: Ec2.DescribeSecurityGroupsCommandInput) => tell('read', ec2Read.send(new DescribeSecurityGroupsCommand(input))),
  describeSpotPriceHistory: (input: Ec2.DescribeSpotPriceHistoryCommandInput) =>
    tell('read', ec2Read.send(new DescribeSpotPriceHistoryCommand(input))),
})

const ec2Changes = ({ ec2Repeat, ec2Once, ec2In }: Clients, tell: Tell) => ({
  runInstances: (input: Ec2.RunInstancesCommandInput, offering: Offering | undefined, signal?: AbortSignal) =>
    tell('token', ec2Once.send(new RunInstancesCommand(input), until(signal)), offering),
  startInstances: (input: Ec2.StartInstancesCommandInput) => tell('repeatable', ec2Once.send(new StartInstancesCommand(input))),
  stopInstances: (input: Ec2.StopInstancesCommandInput) => tell('repeatable', ec2Repeat.send(new StopInstancesCommand(input))),
  terminateInstances: (input: Ec2.TerminateInstancesCommandInput) => tell('repeatable', ec2Repeat.send(new TerminateInstancesCommand(input))),
  cancelSpotInstanceRequests: (input: Ec2.CancelSpotInstanceRequestsCommandInput) =>
    tell('repeatable', ec2Repeat.send(new CancelSpotInstanceRequestsCommand(input))),
  modifyInstanceAttribute: (input: Ec2.ModifyInstanceAttributeCommandInput, signal?: AbortSignal) =>
    tell('once', ec2Once.send(new ModifyInstanceAttributeCommand(input), until(signal))),
  modifyInstanceEventStartTime: (input: Ec2.ModifyInstanceEventStartTimeCommandInput, signal?: AbortSignal) =>
    tell('repeatable', ec2Repeat.send(new ModifyInstanceEventStartTimeCommand(input), until(signal))),
  createTags: (input: Ec2.CreateTagsCommandInput) => tell('repeatable', ec2Repeat.send(new CreateTagsCommand(input))),
  deleteTags: (input: Ec2.DeleteTagsCommandInput) => tell('repeatable', ec2Repeat.send(new DeleteTagsCommand(input))),
  createSnapshots: (input: Ec2.CreateSnapshotsCommandInput, signal?: AbortSignal) =>
    tell('once', ec2Once.send(new CreateSnapshotsCommand(input), until(signal))),
  /** In the region of the copy. It has no client token. */
  copySnapshot: (input: Ec2.CopySnapshotCommandInput, region: string, signal?: AbortSignal) =>
    tell('once', ec2In(region).once.send(new CopySnapshotCommand(input), until(signal))),
  deleteSnapshot: (input: Ec2.DeleteSnapshotCommandInput, signal?: AbortSignal, region?: string) =>
    tell('repeatable', (region === undefined ? ec2Repeat : ec2In(region).repeat).send(new DeleteSnapshotCommand(input), until(signal))),
  createVolume: (input: Ec2.CreateVolumeCommandInput, offering: Offering, signal?: AbortSignal) =>
    tell('token', ec2Once.send(new CreateVolumeCommand(input), until(signal)), offering),
  deleteVolume: (input: Ec2.DeleteVolumeCommandInput, signal?: AbortSignal) =>
    tell('repeatable', ec2Repeat.send(new DeleteVolumeCommand(input), until(signal))),
  attachVolume: (input: Ec2.AttachVolumeCommandInput, signal?: AbortSignal) =>
    tell('repeatable', ec2Repeat.send(new AttachVolumeCommand(input), until(signal))),
  detachVolume: (input: Ec2.DetachVolumeCommandInput, signal?: AbortSignal) =>
    tell('repeatable', ec2Repeat.send(new DetachVolumeCommand(input), until(signal))),
  createSecurityGroup: (input: Ec2.CreateSecurityGroupCommandInput, signal?: AbortSignal) =>
    tell('repeatable', ec2Repeat.send(new CreateSecurityGroupCommand(input), until(signal))),
  deleteSecurityGroup: (input: Ec2.DeleteSecurityGroupCommandInput, signal?: AbortSignal) =>
    tell('repeatable', ec2Repeat.send(new DeleteSecurityGroupCommand(input), until(signal))),
  revokeSecurityGroupEgress: (input: Ec2.RevokeSecurityGroupEgressCommandInput, signal?: AbortSignal) =>
    tell('repeatable', ec2Repeat.send(new RevokeSecurityGroupEgressCommand(input), until(signal))),
  authorizeSecurityGroupIngress: (input: Ec2.AuthorizeSecurityGroupIngressCommandInput, signal?: AbortSignal) =>
    tell('repeatable', ec2Repeat.send(new AuthorizeSecurityGroupIngressCommand(input), until(signal))),
  associateAddress: (input: Ec2.AssociateAddressCommandInput, signal?: AbortSignal) =>
    tell('repeatable', ec2Repeat.send(new AssociateAddressCommand(input), until(signal))),
  disassociateAddress: (input: Ec2.DisassociateAddressCommandInput, signal?: AbortSignal) =>
    tell('repeatable', ec2Repeat.send(new DisassociateAddressCommand(input), until(signal))),
})

const balancerCalls = ({ elbRead, elbRepeat }: Clients, tell: Tell) => ({
  describeListeners: (input: Elb.DescribeListenersCommandInput) => tell('read', elbRead.send(new DescribeListenersCommand(input))),
  describeRules: (input: Elb.DescribeRulesCommandInput) => tell('read', elbRead.send(new DescribeRulesCommand(input))),
  describeTargetHealth: (input: Elb.DescribeTargetHealthCommandInput) => tell('read', elbRead.send(new DescribeTargetHealthCommand(input))),
  registerTargets: (input: Elb.RegisterTargetsCommandInput) => tell('repeatable', elbRepeat.send(new RegisterTargetsCommand(input))),
  deregisterTargets: (input: Elb.DeregisterTargetsCommandInput) => tell('repeatable', elbRepeat.send(new DeregisterTargetsCommand(input))),
  modifyListener: (input: Elb.ModifyListenerCommandInput, signal?: AbortSignal) =>
    tell('repeatable', elbRepeat.send(new ModifyListenerCommand(input), until(signal))),
  modifyRule: (input: Elb.ModifyRuleCommandInput, signal?: AbortSignal) =>
    tell('repeatable', elbRepeat.send(new ModifyRuleCommand(input), until(signal))),
})

const blockCalls = ({ ebs }: Clients, tell: Tell) => ({
  listSnapshotBlocks: (input: Ebs.ListSnapshotBlocksCommandInput, signal?: AbortSignal) =>
    tell('read', ebs.send(new ListSnapshotBlocksCommand(input), until(signal))),
  listChangedBlocks: (input: Ebs.ListChangedBlocksCommandInput, signal?: AbortSignal) =>
    tell('read', ebs.send(new ListChangedBlocksCommand(input), until(signal))),
  /** The body too is read within the call: a connection that breaks in mid-block is a failure of the call. */
  getSnapshotBlock: (input: Ebs.GetSnapshotBlockCommandInput, signal?: AbortSignal) => tell('read', wholeBlock(ebs, input, signal)),
})

async function wholeBlock(ebs: EBSClient, input: Ebs.GetSnapshotBlockCommandInput, signal?: AbortSignal) {
  const answer = await ebs.send(new GetSnapshotBlockCommand(input), until(signal))
  const { BlockData: data, Checksum: checksum, ChecksumAlgorithm: algorithm, DataLength: length } = answer
  return { bytes: (await data?.transformToByteArray()) ?? new Uint8Array(), checksum, algorithm, length }
}

/** Route 53 refuses a change of what is not there as it was read: repeating one does not do it twice. */
const nameCalls = ({ namesRead, namesRepeat }: Clients, tell: Tell) => ({
  listResourceRecordSets: (input: Names.ListResourceRecordSetsCommandInput) => tell('read', namesRead.send(new ListResourceRecordSetsCommand(input))),
  getChange: (input: Names.GetChangeCommandInput, signal?: AbortSignal) => tell('read', namesRead.send(new GetChangeCommand(input), until(signal))),
  changeResourceRecordSets: (input: Names.ChangeResourceRecordSetsCommandInput, signal?: AbortSignal) =>
    tell('repeatable', namesRepeat.send(new ChangeResourceRecordSetsCommand(input), until(signal))),
})

const commandCalls = ({ ssmRead, ssmOnce }: Clients, tell: Tell) => ({
  sendCommand: (input: Ssm.SendCommandCommandInput, signal?: AbortSignal) => tell('once', ssmOnce.send(new SendCommandCommand(input), until(signal))),
  listCommands: (input: Ssm.ListCommandsCommandInput, signal?: AbortSignal) =>
    tell('read', ssmRead.send(new ListCommandsCommand(input), until(signal))),
  getCommandInvocation: (input: Ssm.GetCommandInvocationCommandInput, signal?: AbortSignal) =>
    tell('read', ssmRead.send(new GetCommandInvocationCommand(input), until(signal))),
})

const otherCalls = ({ sqs, sts }: Clients, tell: Tell) => ({
  receiveMessage: (input: Sqs.ReceiveMessageCommandInput, signal: AbortSignal) =>
    tell('read', sqs.send(new ReceiveMessageCommand(input), until(signal))),
  deleteMessageBatch: (input: Sqs.DeleteMessageBatchCommandInput) => tell('repeatable', sqs.send(new DeleteMessageBatchCommand(input))),
  getCallerIdentity: (signal?: AbortSignal) => tell('read', sts.send(new GetCallerIdentityCommand({}), until(signal))),
})

const until = (signal: AbortSignal | undefined): { abortSignal?: AbortSignal } => (signal === undefined ? {} : { abortSignal: signal })
