import { DescribeInstancesCommand, EC2Client, RunInstancesCommand, TerminateInstancesCommand } from '@aws-sdk/client-ec2'
import { DescribeLoadBalancersCommand, ElasticLoadBalancingV2Client, ModifyListenerCommand } from '@aws-sdk/client-elastic-load-balancing-v2'
import { ListQueuesCommand, SQSClient } from '@aws-sdk/client-sqs'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { seededImages } from '../datacentre/fixtures.ts'
import { type SimServer, startSimServer } from '../server.ts'

let server: SimServer
const clients: { destroy(): void }[] = []

beforeAll(async () => {
  server = await startSimServer({ listeners: false })
})
afterAll(async () => {
  for (const client of clients) client.destroy()
  await server.close()
})

interface Overrides {
  region?: string
  credentials?: { accessKeyId: string; secretAccessKey: string }
  systemClockOffset?: number
}
function clientsWith(overrides: Overrides = {}) {
  const common = { endpoint: server.url, region: server.region, credentials: server.credentials, maxAttempts: 1, ...overrides }
  const made = { ec2: new EC2Client(common), elb: new ElasticLoadBalancingV2Client(common), sqs: new SQSClient(common), sts: new STSClient(common) }
  clients.push(...Object.values(made))
  return made
}
const refused = (name: string, httpStatusCode: number) => expect.objectContaining({ name, $metadata: expect.objectContaining({ httpStatusCode }) })

describe('who signs', () => {
  it('is told who they are', async () => {
    const identity = await clientsWith().sts.send(new GetCallerIdentityCommand({}))
    expect(identity).toMatchObject({ Account: '123456789012', Arn: 'arn:aws:iam::123456789012:user/understudy' })
  })

  it('is refused with a key nobody issued', async () => {
    const { ec2, elb, sqs, sts } = clientsWith({
      credentials: { accessKeyId: 'AKIANOBODYKNOWSTHIS0', secretAccessKey: server.credentials.secretAccessKey },
    })
    await expect(ec2.send(new DescribeInstancesCommand({}))).rejects.toEqual(refused('AuthFailure', 401))
    await expect(elb.send(new DescribeLoadBalancersCommand({}))).rejects.toEqual(refused('InvalidClientTokenId', 403))
    await expect(sqs.send(new ListQueuesCommand({}))).rejects.toEqual(refused('InvalidClientTokenId', 403))
    await expect(sts.send(new GetCallerIdentityCommand({}))).rejects.toEqual(refused('InvalidClientTokenId', 403))
  })

  it('is refused with a wrong secret', async () => {
    const { ec2, elb, sqs, sts } = clientsWith({ credentials: { ...server.credentials, secretAccessKey: 'not the secret' } })
    await expect(ec2.send(new DescribeInstancesCommand({}))).rejects.toEqual(refused('SignatureDoesNotMatch', 403))
    await expect(elb.send(new DescribeLoadBalancersCommand({}))).rejects.toEqual(refused('SignatureDoesNotMatch', 403))
    await expect(sqs.send(new ListQueuesCommand({}))).rejects.toEqual(refused('SignatureDoesNotMatch', 403))
    await expect(sts.send(new GetCallerIdentityCommand({}))).rejects.toEqual(refused('SignatureDoesNotMatch', 403))
  })

  it('is refused when their clock is off by more than five minutes, either way', async () => {
    for (const systemClockOffset of [-6 * 60_000, 6 * 60_000]) {
      const { ec2, sts } = clientsWith({ systemClockOffset })
      await expect(ec2.send(new DescribeInstancesCommand({}))).rejects.toEqual(refused('RequestExpired', 400))
      await expect(sts.send(new GetCallerIdentityCommand({}))).rejects.toEqual(refused('SignatureDoesNotMatch', 403))
    }
    await expect(clientsWith({ systemClockOffset: 4 * 60_000 }).ec2.send(new DescribeInstancesCommand({}))).resolves.toBeDefined()
  })

  it('is refused in a region that is not here, except by STS, which is global', async () => {
    const { ec2, sts } = clientsWith({ region: 'eu-north-1' })
    await expect(ec2.send(new DescribeInstancesCommand({}))).rejects.toEqual(refused('SignatureDoesNotMatch', 403))
    await expect(sts.send(new GetCallerIdentityCommand({}))).resolves.toMatchObject({ Account: '123456789012' })
  })

  it('may be forbidden some actions', async () => {
    const key = { accessKeyId: 'AKIAMAYNOTTERMINATE0', secretAccessKey: 'a-secret-of-some-length' }
    server.keys.add({ ...key, deny: ['ec2:TerminateInstances', 'elasticloadbalancing:*'] })
    const { ec2, elb, sts } = clientsWith({ credentials: key })
    const { Instances } = await ec2.send(
      new RunInstancesCommand({ ImageId: seededImages.ubuntu, InstanceType: 't3.micro', MinCount: 1, MaxCount: 1 }),
    )
    const id = Instances?.[0]?.InstanceId ?? ''
    await expect(ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }))).rejects.toEqual(refused('UnauthorizedOperation', 403))
    await expect(ec2.send(new TerminateInstancesCommand({ InstanceIds: [id], DryRun: true }))).rejects.toEqual(refused('UnauthorizedOperation', 403))
    await expect(elb.send(new ModifyListenerCommand({ ListenerArn: 'arn:x' }))).rejects.toEqual(refused('AccessDenied', 403))
    expect(server.dataCentre.instances.get(id)?.state).not.toBe('shutting-down')
    await expect(sts.send(new GetCallerIdentityCommand({}))).resolves.toBeDefined()
  })
})

describe('requests nobody signed properly', () => {
  const post = async (body: string, headers: Record<string, string> = {}) => {
    const response = await fetch(server.url, { method: 'POST', body, headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers } })
    return [response.status, await response.text()] as const
  }

  it('get the refusal in the protocol they came in', async () => {
    const [ec2Status, ec2Body] = await post('Action=DescribeInstances&Version=2016-11-15')
    expect([ec2Status, ec2Body]).toEqual([403, expect.stringContaining('<Response><Errors><Error><Code>MissingAuthenticationToken</Code>')])
    const [elbStatus, elbBody] = await post('Action=DescribeLoadBalancers&Version=2015-12-01')
    expect([elbStatus, elbBody]).toEqual([
      403,
      expect.stringContaining('<ErrorResponse xmlns="http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/"><Error><Type>Sender</Type>'),
    ])
    const [sqsStatus, sqsBody] = await post('{}', { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': 'AmazonSQS.ListQueues' })
    expect([sqsStatus, JSON.parse(sqsBody)]).toEqual([403, { __type: 'com.amazonaws.sqs#MissingAuthenticationToken', message: expect.any(String) }])
  })

  it('are refused when the header is not a signature', async () => {
    const [status, body] = await post('Action=DescribeInstances&Version=2016-11-15', { authorization: 'AWS4-HMAC-SHA256 nonsense' })
    expect([status, body]).toEqual([400, expect.stringContaining('IncompleteSignature')])
  })

  it('are cut off when they are too large', async () => {
    const [status] = await post('x'.repeat(1_100_000))
    expect(status).toBe(413)
  })
})
