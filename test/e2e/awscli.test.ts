import { execFile } from 'node:child_process'
import { accessSync, constants, realpathSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { seededImages, type SimServer, startSimServer } from '@understudy/cloud-sim'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'

/** Debian's package before any other `aws` on the PATH: it is the older client, and the one that speaks the Query protocol to SQS. */
const [client = ''] = ['/usr/bin', ...(process.env['PATH'] ?? '').split(delimiter)].flatMap((directory) => executable(join(directory, 'aws')))

function executable(path: string): string[] {
  try {
    accessSync(path, constants.X_OK)
    return [realpathSync(path)]
  } catch {
    return []
  }
}

const run = promisify(execFile)

describe.skipIf(client === '')(`a client nobody here wrote: ${client === '' ? 'no aws on the PATH' : client}`, () => {
  let server: SimServer
  beforeAll(async () => {
    server = await startSimServer({ speed: 100, listeners: false })
  })
  afterAll(() => server.close())

  const aws = async <T>(...args: string[]): Promise<T> => {
    const { stdout } = await run(client, [...args, '--endpoint-url', server.url, '--region', server.region, '--output', 'json'], {
      env: {
        PATH: process.env['PATH'] ?? '',
        AWS_ACCESS_KEY_ID: server.credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: server.credentials.secretAccessKey,
        AWS_EC2_METADATA_DISABLED: 'true',
        AWS_CONFIG_FILE: '/dev/null',
        AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
        AWS_PAGER: '',
      },
    })
    return JSON.parse(stdout === '' ? 'null' : stdout) as T
  }
  /** What the client says on its standard error when the service refuses. */
  const refusal = (...args: string[]): Promise<string> =>
    aws(...args).then(
      () => 'no refusal',
      (error: { stderr?: string }) => error.stderr ?? String(error),
    )
  const launch = async (name: string): Promise<string> => {
    const { Instances } = await aws<{ Instances: { InstanceId: string; State: { Name: string } }[] }>(
      ...['ec2', 'run-instances', '--image-id', seededImages.ubuntu, '--instance-type', 'm7i.large', '--count', '1'],
      ...['--tag-specifications', `ResourceType=instance,Tags=[{Key=Name,Value=${name}}]`],
    )
    expect(Instances[0]?.State.Name).toBe('pending')
    return Instances[0]?.InstanceId ?? ''
  }
  const running = (id: string) => vi.waitFor(() => expect(server.dataCentre.instances.get(id)?.state).toBe('running'), { timeout: 120_000 })

  it('launches, lists, tags, snapshots and terminates an instance', async () => {
    const identity = await aws<{ Account: string }>('sts', 'get-caller-identity')
    expect(identity.Account).toBe(server.dataCentre.accountId)

    const id = await launch('cli & co')
    await running(id)
    const listed = await aws<{
      Reservations: { Instances: { InstanceId: string; Tags: object[]; BlockDeviceMappings: { Ebs: { VolumeId: string } }[] }[] }[]
    }>(...['ec2', 'describe-instances', '--filters', 'Name=tag:Name,Values=cli*', 'Name=instance-state-name,Values=running'])
    const instance = listed.Reservations.flatMap((reservation) => reservation.Instances).find((candidate) => candidate.InstanceId === id)
    expect(instance?.Tags).toContainEqual({ Key: 'Name', Value: 'cli & co' })

    await aws('ec2', 'create-tags', '--resources', id, '--tags', 'Key=team,Value=blue')
    const { Tags } = await aws<{ Tags: object[] }>('ec2', 'describe-tags', '--filters', `Name=resource-id,Values=${id}`)
    expect(Tags).toContainEqual({ Key: 'team', ResourceId: id, ResourceType: 'instance', Value: 'blue' })

    const snapshot = await aws<{ SnapshotId: string; State: string }>(
      'ec2',
      'create-snapshot',
      '--volume-id',
      instance?.BlockDeviceMappings[0]?.Ebs.VolumeId ?? '',
      '--description',
      'by hand',
    )
    expect(snapshot.State).toBe('pending')
    await vi.waitFor(() => expect(server.dataCentre.storage.getSnapshot(snapshot.SnapshotId)?.state).toBe('completed'), { timeout: 120_000 })
    const { Snapshots } = await aws<{ Snapshots: { State: string; Progress: string; Description: string }[] }>(
      'ec2',
      'describe-snapshots',
      '--snapshot-ids',
      snapshot.SnapshotId,
    )
    expect(Snapshots[0]).toMatchObject({ State: 'completed', Progress: '100%', Description: 'by hand' })

    const { TerminatingInstances } = await aws<{ TerminatingInstances: { CurrentState: { Name: string } }[] }>(
      'ec2',
      'terminate-instances',
      '--instance-ids',
      id,
    )
    expect(TerminatingInstances[0]?.CurrentState.Name).toBe('shutting-down')
    expect(await refusal('ec2', 'describe-instances', '--instance-ids', 'i-0123456789abcdef0')).toContain('(InvalidInstanceID.NotFound)')
  })

  it('moves a target from one group to another', async () => {
    const id = await launch('moved')
    await running(id)
    const group = async (name: string): Promise<string> => {
      const { TargetGroups } = await aws<{ TargetGroups: { TargetGroupArn: string }[] }>(
        ...[
          'elbv2',
          'create-target-group',
          '--name',
          name,
          '--protocol',
          'HTTP',
          '--port',
          '8080',
          '--vpc-id',
          server.dataCentre.network.describeVpcs().items[0]?.vpcId ?? '',
        ],
        ...['--health-check-interval-seconds', '5', '--healthy-threshold-count', '2'],
      )
      return TargetGroups[0]?.TargetGroupArn ?? ''
    }
    const [from, to] = [await group('from'), await group('to')]
    const { LoadBalancers } = await aws<{ LoadBalancers: { LoadBalancerArn: string }[] }>(
      ...[
        'elbv2',
        'create-load-balancer',
        '--name',
        'web',
        '--subnets',
        ...server.dataCentre.network
          .describeSubnets()
          .items.slice(0, 2)
          .map((subnet) => subnet.subnetId),
      ],
    )
    const { Listeners } = await aws<{ Listeners: { ListenerArn: string }[] }>(
      ...['elbv2', 'create-listener', '--load-balancer-arn', LoadBalancers[0]?.LoadBalancerArn ?? '', '--protocol', 'HTTP', '--port', '80'],
      ...['--default-actions', forward({ [from]: 1, [to]: 0 })],
    )
    // Watched from inside; each look through the client costs a process.
    const settled = (arn: string, states: string[]) =>
      vi.waitFor(() => expect(server.dataCentre.balancers.targetHealth(arn).map((target) => target.health)).toEqual(states), { timeout: 120_000 })
    const health = async (arn: string): Promise<string[]> => {
      const { TargetHealthDescriptions } = await aws<{ TargetHealthDescriptions: { Target: { Id: string }; TargetHealth: { State: string } }[] }>(
        'elbv2',
        'describe-target-health',
        '--target-group-arn',
        arn,
      )
      return TargetHealthDescriptions.map(({ Target, TargetHealth }) => `${Target.Id} ${TargetHealth.State}`)
    }
    await aws('elbv2', 'register-targets', '--target-group-arn', from, '--targets', `Id=${id}`)
    await settled(from, ['healthy'])
    expect(await health(from)).toEqual([`${id} healthy`])

    await aws('elbv2', 'register-targets', '--target-group-arn', to, '--targets', `Id=${id}`)
    await settled(to, ['healthy'])
    const flipped = await aws<{ Listeners: { DefaultActions: { ForwardConfig: { TargetGroups: object[] } }[] }[] }>(
      ...['elbv2', 'modify-listener', '--listener-arn', Listeners[0]?.ListenerArn ?? '', '--default-actions', forward({ [from]: 0, [to]: 1 })],
    )
    expect(flipped.Listeners[0]?.DefaultActions[0]?.ForwardConfig.TargetGroups).toEqual([
      { TargetGroupArn: from, Weight: 0 },
      { TargetGroupArn: to, Weight: 1 },
    ])
    await aws('elbv2', 'deregister-targets', '--target-group-arn', from, '--targets', `Id=${id}`)
    await settled(from, [])
    expect(await health(from)).toEqual([])
    expect(await health(to)).toEqual([`${id} healthy`])
  })

  it('sends, receives and removes messages, and finds the queue of events', async () => {
    // What the others were told of may have been dropped since: an hour of this region is 36 seconds here.
    await running(await launch('heard'))
    const { QueueUrl: events } = await aws<{ QueueUrl: string }>('sqs', 'get-queue-url', '--queue-name', 'understudy-events')
    const { Attributes: filled } = await aws<{ Attributes: Record<string, string> }>(
      'sqs',
      'get-queue-attributes',
      '--queue-url',
      events,
      '--attribute-names',
      'All',
    )
    expect(Number(filled['ApproximateNumberOfMessages'])).toBeGreaterThan(0)

    const name = 'cli'
    const { QueueUrl } = await aws<{ QueueUrl: string }>('sqs', 'create-queue', '--queue-name', name, '--attributes', 'VisibilityTimeout=43200')
    await aws('sqs', 'send-message', '--queue-url', QueueUrl, '--message-body', '{"a":"<b> & c"}')
    const { Messages } = await aws<{ Messages: { Body: string; ReceiptHandle: string; Attributes: Record<string, string> }[] }>(
      ...[
        'sqs',
        'receive-message',
        '--queue-url',
        QueueUrl,
        '--max-number-of-messages',
        '10',
        '--attribute-names',
        'All',
        '--wait-time-seconds',
        '5',
      ],
    )
    expect(Messages.map(({ Body, Attributes }) => [Body, Attributes['ApproximateReceiveCount']])).toEqual([['{"a":"<b> & c"}', '1']])
    await aws('sqs', 'delete-message', '--queue-url', QueueUrl, '--receipt-handle', Messages[0]?.ReceiptHandle ?? '')
    expect(server.queues.get(name).counts()).toEqual({ visible: 0, inFlight: 0, delayed: 0 })
    expect(await refusal('sqs', 'get-queue-url', '--queue-name', 'nobody')).toContain('NonExistentQueue')
  })
})

const forward = (weights: Record<string, number>): string =>
  JSON.stringify([
    { Type: 'forward', ForwardConfig: { TargetGroups: Object.entries(weights).map(([TargetGroupArn, Weight]) => ({ TargetGroupArn, Weight })) } },
  ])
