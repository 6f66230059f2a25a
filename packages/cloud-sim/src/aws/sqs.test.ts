import {
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListQueuesCommand,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  type ReceiveMessageCommandInput,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { seededImages } from '../datacentre/fixtures.ts'
import { type SimServer, startSimServer } from '../server.ts'

let server: SimServer
let sqs: SQSClient

beforeAll(async () => {
  // Twenty seconds of waiting are two here.
  server = await startSimServer({ speed: 10, listeners: false, stateChangeEvents: false })
  sqs = new SQSClient({ endpoint: server.url, region: server.region, credentials: server.credentials, maxAttempts: 1 })
})
afterAll(async () => {
  sqs.destroy()
  await server.close()
})

const refused = (name: string) => expect.objectContaining({ name, $metadata: expect.objectContaining({ httpStatusCode: expect.any(Number) }) })
const newQueue = async (QueueName: string, Attributes: Record<string, string> = {}): Promise<string> => {
  const { QueueUrl = '' } = await sqs.send(new CreateQueueCommand({ QueueName, Attributes: { ReceiveMessageWaitTimeSeconds: '0', ...Attributes } }))
  return QueueUrl
}
const receive = async (QueueUrl: string, more: Partial<ReceiveMessageCommandInput> = {}) =>
  (await sqs.send(new ReceiveMessageCommand({ QueueUrl, MessageSystemAttributeNames: ['All'], ...more }))).Messages ?? []

describe('a queue', () => {
  it('hides a message while it is in flight and shows it again when nobody deletes it', async () => {
    const queue = await newQueue('flight')
    await sqs.send(new SendMessageCommand({ QueueUrl: queue, MessageBody: 'hello' }))
    const [first] = await receive(queue, { VisibilityTimeout: 2 })
    expect(first).toMatchObject({ Body: 'hello', Attributes: { ApproximateReceiveCount: '1' } })
    expect(await receive(queue)).toEqual([])
    const [second] = await receive(queue, { WaitTimeSeconds: 20 })
    expect(second).toMatchObject({ MessageId: first?.MessageId, Attributes: { ApproximateReceiveCount: '2' } })
    await sqs.send(new DeleteMessageCommand({ QueueUrl: queue, ReceiptHandle: second?.ReceiptHandle }))
    const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl: queue, AttributeNames: ['All'] }))
    expect(Attributes).toMatchObject({ ApproximateNumberOfMessages: '0', ApproximateNumberOfMessagesNotVisible: '0' })
  })

  it('really waits for a message, and ends the wait when one comes', async () => {
    const queue = await newQueue('waiting')
    let settled = false
    const waiting = receive(queue, { WaitTimeSeconds: 20, MaxNumberOfMessages: 10 }).finally(() => {
      settled = true
    })
    await vi.waitFor(() => expect(server.dataCentre.calls.recent.some((call) => call.operation === 'ReceiveMessage')).toBe(true), { timeout: 60_000 })
    expect(settled).toBe(false)
    const startedMs = server.clock.nowMs()
    await sqs.send(
      new SendMessageBatchCommand({
        QueueUrl: queue,
        Entries: ['a', 'b', 'c'].map((MessageBody) => ({ Id: MessageBody, MessageBody })),
      }),
    )
    // A batch is received as a batch: the waiter is woken after the whole of it.
    expect((await waiting).map((message) => message.Body)).toEqual(['a', 'b', 'c'])
    expect(server.clock.nowMs() - startedMs).toBeLessThan(19_000)
  })

  it('answers empty when the wait is over, and not before', async () => {
    const queue = await newQueue('empty')
    const startedMs = server.clock.nowMs()
    expect(await receive(queue, { WaitTimeSeconds: 1 })).toEqual([])
    // The region's time is ten times as fast, and the wait is of the caller's.
    expect(server.clock.nowMs() - startedMs).toBeGreaterThanOrEqual(9000)
  })

  it('gives a message back at once when its visibility is set to zero', async () => {
    const queue = await newQueue('back')
    await sqs.send(new SendMessageCommand({ QueueUrl: queue, MessageBody: 'x' }))
    const [message] = await receive(queue)
    await sqs.send(new ChangeMessageVisibilityCommand({ QueueUrl: queue, ReceiptHandle: message?.ReceiptHandle, VisibilityTimeout: 0 }))
    expect(await receive(queue)).toHaveLength(1)
    await expect(
      sqs.send(new ChangeMessageVisibilityCommand({ QueueUrl: queue, ReceiptHandle: message?.ReceiptHandle, VisibilityTimeout: 5 })),
    ).rejects.toEqual(refused('MessageNotInflight'))
  })

  it('answers a batch entry by entry', async () => {
    const queue = await newQueue('batch')
    await sqs.send(
      new SendMessageCommand({ QueueUrl: queue, MessageBody: 'x', MessageAttributes: { kind: { DataType: 'String', StringValue: 'test' } } }),
    )
    const [message] = await receive(queue, { MessageAttributeNames: ['All'] })
    expect(message?.MessageAttributes?.['kind']).toMatchObject({ DataType: 'String', StringValue: 'test' })
    const result = await sqs.send(
      new DeleteMessageBatchCommand({
        QueueUrl: queue,
        Entries: [
          { Id: 'good', ReceiptHandle: message?.ReceiptHandle },
          { Id: 'bad', ReceiptHandle: 'nonsense' },
        ],
      }),
    )
    expect(result.Successful).toEqual([{ Id: 'good' }])
    expect(result.Failed).toMatchObject([{ Id: 'bad', Code: 'ReceiptHandleIsInvalid', SenderFault: true }])
  })

  it('may deliver twice and out of order when told to', async () => {
    const queue = await newQueue('disorder')
    Object.assign(server.queues.get('disorder').disorder, { duplicate: 1, reorder: 1 })
    for (const MessageBody of ['1', '2', '3']) await sqs.send(new SendMessageCommand({ QueueUrl: queue, MessageBody }))
    const bodies = (await receive(queue, { MaxNumberOfMessages: 10 })).map((message) => message.Body)
    expect(bodies).toEqual(['3', '2', '1'])
    expect(await receive(queue, { MaxNumberOfMessages: 10 })).toHaveLength(3)
    await sqs.send(new PurgeQueueCommand({ QueueUrl: queue }))
    expect(await receive(queue)).toEqual([])
    await expect(sqs.send(new PurgeQueueCommand({ QueueUrl: queue }))).rejects.toEqual(refused('PurgeQueueInProgress'))
  })

  it('is found by name or not at all', async () => {
    await newQueue('findable')
    expect((await sqs.send(new ListQueuesCommand({ QueueNamePrefix: 'find' }))).QueueUrls).toEqual([`${server.url}/123456789012/findable`])
    await expect(sqs.send(new GetQueueUrlCommand({ QueueName: 'nobody' }))).rejects.toEqual(refused('QueueDoesNotExist'))
    await expect(receive(`${server.url}/999999999999/findable`)).rejects.toEqual(refused('QueueDoesNotExist'))
  })
})

describe('the queue of events', () => {
  it('receives what the region says, exactly as EventBridge writes it', async () => {
    const { QueueUrl = '' } = await sqs.send(new GetQueueUrlCommand({ QueueName: 'understudy-events' }))
    const { instances } = server.dataCentre.instances.run({
      imageId: seededImages.ubuntu,
      instanceType: 'm7i.large',
      minCount: 1,
      maxCount: 1,
      spot: {},
    })
    const id = instances[0]?.instanceId ?? ''
    await vi.waitFor(() => expect(server.dataCentre.instances.get(id)?.state).toBe('running'), { timeout: 60_000 })
    server.dataCentre.market.interrupt(id, { copies: 2 })
    const messages = await receive(QueueUrl, { MaxNumberOfMessages: 10 })
    expect(messages.map((message) => JSON.parse(message.Body ?? ''))).toEqual([
      expect.objectContaining({
        source: 'aws.ec2',
        'detail-type': 'EC2 Spot Instance Interruption Warning',
        region: server.region,
        detail: { 'instance-id': id, 'instance-action': 'terminate' },
      }),
      expect.objectContaining({ detail: { 'instance-id': id, 'instance-action': 'terminate' } }),
    ])
    // The same event delivered twice has one id, in two messages.
    expect(new Set(messages.map((message) => (JSON.parse(message.Body ?? '') as { id: string }).id)).size).toBe(1)
    expect(new Set(messages.map((message) => message.MessageId)).size).toBe(2)
  })
})
