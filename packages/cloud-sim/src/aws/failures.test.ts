import {
  CreateTagsCommand,
  DescribeInstancesCommand,
  DescribeVpnGatewaysCommand,
  EC2Client,
  RunInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2'
import { DescribeListenersCommand, DescribeLoadBalancersCommand, ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2'
import { ListQueuesCommand, SQSClient } from '@aws-sdk/client-sqs'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { seededImages } from '../datacentre/fixtures.ts'
import { type SimServer, startSimServer } from '../server.ts'

let server: SimServer
let ec2: EC2Client
let elb: ElasticLoadBalancingV2Client
let sqs: SQSClient
const internalErrors: unknown[] = []

beforeAll(async () => {
  server = await startSimServer({ speed: 100, listeners: false, onInternalError: (error) => internalErrors.push(error) })
  const common = { endpoint: server.url, region: server.region, credentials: server.credentials, maxAttempts: 1 }
  ec2 = new EC2Client(common)
  elb = new ElasticLoadBalancingV2Client(common)
  sqs = new SQSClient(common)
})
afterEach(() => {
  server.dataCentre.faults.clear()
  expect(internalErrors.splice(0)).toEqual([])
})
afterAll(async () => {
  for (const client of [ec2, elb, sqs]) client.destroy()
  await server.close()
})
const refused = (name: string, httpStatusCode: number) => expect.objectContaining({ name, $metadata: expect.objectContaining({ httpStatusCode }) })
const run = (ClientToken: string) =>
  new RunInstancesCommand({
    ImageId: seededImages.ubuntu,
    InstanceType: 't3.micro',
    MinCount: 1,
    MaxCount: 1,
    ClientToken,
    TagSpecifications: [{ ResourceType: 'instance', Tags: [{ Key: 'op', Value: ClientToken }] }],
  })

describe('injected failures', () => {
  it('throttle in the words of each service', async () => {
    for (const operation of ['DescribeInstances', 'DescribeLoadBalancers', 'ListQueues'])
      server.dataCentre.faults.failNext(operation, { kind: 'throttle' })
    await expect(ec2.send(new DescribeInstancesCommand({}))).rejects.toEqual(refused('RequestLimitExceeded', 503))
    await expect(elb.send(new DescribeLoadBalancersCommand({}))).rejects.toEqual(refused('Throttling', 400))
    await expect(sqs.send(new ListQueuesCommand({}))).rejects.toEqual(refused('RequestThrottled', 403))
  })

  it('are server errors when the service is in trouble', async () => {
    server.dataCentre.faults.failNext('DescribeInstances', { kind: 'internal_error' })
    await expect(ec2.send(new DescribeInstancesCommand({}))).rejects.toEqual(expect.objectContaining({ name: 'InternalError', $fault: 'server' }))
    server.dataCentre.faults.failNext('DescribeInstances', { kind: 'unavailable' })
    await expect(ec2.send(new DescribeInstancesCommand({}))).rejects.toEqual(refused('Unavailable', 503))
  })

  it('cut the connection after the effect: the instance is there although nobody was told', async () => {
    server.dataCentre.faults.failNext('RunInstances', { kind: 'reset_after' })
    await expect(ec2.send(run('lost-answer'))).rejects.toEqual(expect.objectContaining({ code: 'ECONNRESET' }))
    const found = await ec2.send(new DescribeInstancesCommand({ Filters: [{ Name: 'tag:op', Values: ['lost-answer'] }] }))
    expect(found.Reservations).toHaveLength(1)
    // The same token finds it again.
    const again = await ec2.send(run('lost-answer'))
    expect(again.Instances?.[0]?.InstanceId).toBe(found.Reservations?.[0]?.Instances?.[0]?.InstanceId)
  })

  it('cut the connection before the effect: nothing is there', async () => {
    server.dataCentre.faults.failNext('RunInstances', { kind: 'reset_before' })
    await expect(ec2.send(run('never-arrived'))).rejects.toEqual(expect.objectContaining({ code: 'ECONNRESET' }))
    const found = await ec2.send(new DescribeInstancesCommand({ Filters: [{ Name: 'tag:op', Values: ['never-arrived'] }] }))
    expect(found.Reservations).toEqual([])
  })

  it('throttle by token buckets like the real ones when asked to', async () => {
    const limited = await startSimServer({ listeners: false, rateLimits: true })
    const client = new EC2Client({ endpoint: limited.url, region: limited.region, credentials: limited.credentials, maxAttempts: 1 })
    try {
      const results = await Promise.allSettled(
        Array.from({ length: 40 }, () =>
          client.send(new RunInstancesCommand({ ImageId: seededImages.ubuntu, InstanceType: 't3.micro', MinCount: 1, MaxCount: 1 })),
        ),
      )
      const throttled = results.filter((result) => result.status === 'rejected' && (result.reason as Error).name === 'RequestLimitExceeded')
      expect(results.length - throttled.length).toBe(limited.dataCentre.instances.count())
      expect(throttled.length).toBeGreaterThanOrEqual(2)
    } finally {
      client.destroy()
      await limited.close()
    }
  })
})

describe('requests that make no sense', () => {
  it('name an action that is not simulated', async () => {
    await expect(ec2.send(new DescribeVpnGatewaysCommand({}))).rejects.toEqual(refused('InvalidAction', 400))
  })

  it('leave out what an action needs', async () => {
    await expect(ec2.send(new TerminateInstancesCommand({ InstanceIds: [] }))).rejects.toEqual(refused('MissingParameter', 400))
    await expect(ec2.send(new CreateTagsCommand({ Resources: ['i-0123456789abcdef0'], Tags: [] }))).rejects.toEqual(refused('MissingParameter', 400))
    await expect(elb.send(new DescribeListenersCommand({}))).rejects.toEqual(refused('ValidationError', 400))
  })

  it('name load balancers that are not there', async () => {
    await expect(elb.send(new DescribeLoadBalancersCommand({ Names: ['nobody'] }))).rejects.toEqual(refused('LoadBalancerNotFoundException', 400))
  })
})
