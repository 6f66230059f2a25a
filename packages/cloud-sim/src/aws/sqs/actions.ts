import { SimError } from '../../datacentre/sim-error.ts'
import { invalidValue, missingParameter } from '../fault.ts'
import { md5, md5OfAttributes, type MessageAttribute, type Queue, type QueueSettings, type StoredMessage } from './queue.ts'
import type { QueueService } from './service.ts'

/** A request as the JSON protocol has it; the older Query protocol is turned into the same. */
export type SqsInput = Readonly<Record<string, unknown>>
export type SqsOutput = Record<string, unknown>
export interface SqsCall {
  readonly queues: QueueService
  readonly input: SqsInput
  readonly region: string
  readonly baseUrl: string
  readonly signal: AbortSignal
}

export const sqsActions: Readonly<Record<string, (call: SqsCall) => SqsOutput | Promise<SqsOutput>>> = {
  CreateQueue: (call) => {
    const name = text(call.input, 'QueueName')
    if (name.endsWith('.fifo')) throw invalidValue(name, 'QueueName', 'The simulated service has standard queues only.')
    return { QueueUrl: queueUrl(call, call.queues.create(name, settingsOf(call.input.Attributes)).name) }
  },
  DeleteQueue: (call) => {
    call.queues.remove(queueOf(call).name)
    return {}
  },
  GetQueueUrl: (call) => ({ QueueUrl: queueUrl(call, call.queues.get(text(call.input, 'QueueName')).name) }),
  ListQueues: (call) => {
    const names = call.queues.names(optionalText(call.input, 'QueueNamePrefix'))
    return names.length === 0 ? {} : { QueueUrls: names.map((name) => queueUrl(call, name)) }
  },
  GetQueueAttributes: (call) => ({ Attributes: chosen(attributesOf(call), list(call.input.AttributeNames)) }),
  SetQueueAttributes: (call) => {
    Object.assign(queueOf(call).settings, settingsOf(call.input.Attributes))
    return {}
  },
  SendMessage: (call) => sent(send(queueOf(call), call.input)),
  SendMessageBatch: (call) => eachEntry(call, (queue, entry) => sent(send(queue, entry))),
  ReceiveMessage: receive,
  DeleteMessage: (call) => {
    queueOf(call).delete(text(call.input, 'ReceiptHandle'))
    return {}
  },
  DeleteMessageBatch: (call) =>
    eachEntry(call, (queue, entry) => {
      queue.delete(text(entry, 'ReceiptHandle'))
      return {}
    }),
  ChangeMessageVisibility: (call) => {
    changeVisibility(queueOf(call), call.input)
    return {}
  },
  ChangeMessageVisibilityBatch: (call) =>
    eachEntry(call, (queue, entry) => {
      changeVisibility(queue, entry)
      return {}
    }),
  PurgeQueue: (call) => {
    queueOf(call).purge()
    return {}
  },
}

const maxMessageBytes = 262_144

function send(queue: Queue, input: SqsInput): StoredMessage {
  const body = text(input, 'MessageBody')
  if (Buffer.byteLength(body) > maxMessageBytes)
    throw new SimError('InvalidParameterValue', `One or more parameters are invalid. Reason: Message must be shorter than ${maxMessageBytes} bytes.`)
  return queue.send(body, (input.MessageAttributes ?? {}) as Record<string, MessageAttribute>, integer(input, 'DelaySeconds', 0, 900))
}

function sent(message: StoredMessage): SqsOutput {
  const MD5OfMessageAttributes = md5OfAttributes(message.attributes)
  return { MessageId: message.id, MD5OfMessageBody: md5(message.body), ...(MD5OfMessageAttributes === undefined ? {} : { MD5OfMessageAttributes }) }
}

async function receive(call: SqsCall): Promise<SqsOutput> {
  const queue = queueOf(call)
  const { input } = call
  const messages = await queue.receive({
    max: integer(input, 'MaxNumberOfMessages', 1, 10) ?? 1,
    visibilitySeconds: integer(input, 'VisibilityTimeout', 0, 43_200) ?? queue.settings.visibilityTimeoutSeconds,
    waitSeconds: integer(input, 'WaitTimeSeconds', 0, 20) ?? queue.settings.waitTimeSeconds,
    signal: call.signal,
  })
  if (messages.length === 0) return {}
  const system = [...list(input.AttributeNames), ...list(input.MessageSystemAttributeNames)]
  const custom = list(input.MessageAttributeNames)
  return { Messages: messages.map((message) => messageView(call, message, system, custom)) }
}

function messageView(call: SqsCall, message: StoredMessage, systemNames: readonly string[], customNames: readonly string[]): SqsOutput {
  const Attributes = chosen(
    {
      SenderId: call.queues.account,
      SentTimestamp: String(Math.floor(message.sentMs)),
      ApproximateReceiveCount: String(message.receiveCount),
      ApproximateFirstReceiveTimestamp: String(Math.floor(message.firstReceivedMs ?? message.sentMs)),
    },
    systemNames,
  )
  const wanted = (name: string): boolean =>
    customNames.some((asked) => asked === name || asked === 'All' || asked === '.*' || (asked.endsWith('.*') && name.startsWith(asked.slice(0, -1))))
  const MessageAttributes = Object.fromEntries(Object.entries(message.attributes).filter(([name]) => wanted(name)))
  return {
    MessageId: message.id,
    ReceiptHandle: message.receiptHandle,
    MD5OfBody: md5(message.body),
    Body: message.body,
    ...(Object.keys(Attributes).length > 0 ? { Attributes } : {}),
    ...(Object.keys(MessageAttributes).length > 0 ? { MessageAttributes, MD5OfMessageAttributes: md5OfAttributes(MessageAttributes) } : {}),
  }
}

function changeVisibility(queue: Queue, input: SqsInput): void {
  const seconds = integer(input, 'VisibilityTimeout', 0, 43_200)
  if (seconds === undefined) throw missingParameter('VisibilityTimeout')
  queue.changeVisibility(text(input, 'ReceiptHandle'), seconds)
}

/** A batch answers per entry: one that fails does not fail the others. */
function eachEntry(call: SqsCall, work: (queue: Queue, entry: SqsInput) => SqsOutput): SqsOutput {
  const queue = queueOf(call)
  const entries = Array.isArray(call.input.Entries) ? (call.input.Entries as SqsInput[]) : []
  if (entries.length === 0) throw new SimError('EmptyBatchRequest', 'There should be at least one entry in the request.')
  if (entries.length > 10)
    throw new SimError('TooManyEntriesInBatchRequest', `Maximum number of entries per request are 10. You have sent ${entries.length}.`)
  if (new Set(entries.map((entry) => entry.Id)).size < entries.length)
    throw new SimError('BatchEntryIdsNotDistinct', 'Two or more batch entries in the request have the same Id.')
  const Successful: SqsOutput[] = []
  const Failed: SqsOutput[] = []
  for (const entry of entries) {
    try {
      Successful.push({ Id: entry.Id, ...work(queue, entry) })
    } catch (error) {
      if (!(error instanceof SimError)) throw error
      Failed.push({ Id: entry.Id, SenderFault: error.status < 500, Code: error.code, Message: error.message })
    }
  }
  return { Successful, Failed }
}

function attributesOf(call: SqsCall): Record<string, string> {
  const queue = queueOf(call)
  const counts = queue.counts()
  return {
    QueueArn: `arn:aws:sqs:${call.region}:${call.queues.account}:${queue.name}`,
    ApproximateNumberOfMessages: String(counts.visible),
    ApproximateNumberOfMessagesNotVisible: String(counts.inFlight),
    ApproximateNumberOfMessagesDelayed: String(counts.delayed),
    CreatedTimestamp: String(Math.floor(queue.createdMs / 1000)),
    LastModifiedTimestamp: String(Math.floor(queue.modifiedMs / 1000)),
    VisibilityTimeout: String(queue.settings.visibilityTimeoutSeconds),
    MaximumMessageSize: String(maxMessageBytes),
    MessageRetentionPeriod: String(queue.settings.retentionSeconds),
    DelaySeconds: String(queue.settings.delaySeconds),
    ReceiveMessageWaitTimeSeconds: String(queue.settings.waitTimeSeconds),
    SqsManagedSseEnabled: 'true',
    ...(queue.settings.policy === undefined ? {} : { Policy: queue.settings.policy }),
  }
}

function settingsOf(attributes: unknown): Partial<QueueSettings> {
  if (typeof attributes !== 'object' || attributes === null) return {}
  const settings: Partial<QueueSettings> = {}
  const seconds = (name: string, max: number): number | undefined => integer(attributes as SqsInput, name, 0, max)
  const visibilityTimeoutSeconds = seconds('VisibilityTimeout', 43_200)
  if (visibilityTimeoutSeconds !== undefined) settings.visibilityTimeoutSeconds = visibilityTimeoutSeconds
  const waitTimeSeconds = seconds('ReceiveMessageWaitTimeSeconds', 20)
  if (waitTimeSeconds !== undefined) settings.waitTimeSeconds = waitTimeSeconds
  const delaySeconds = seconds('DelaySeconds', 900)
  if (delaySeconds !== undefined) settings.delaySeconds = delaySeconds
  const retentionSeconds = seconds('MessageRetentionPeriod', 1_209_600)
  if (retentionSeconds !== undefined) settings.retentionSeconds = retentionSeconds
  const policy = optionalText(attributes as SqsInput, 'Policy')
  if (policy !== undefined) settings.policy = policy
  return settings
}

const queueOf = (call: SqsCall): Queue => call.queues.byUrl(text(call.input, 'QueueUrl'))
export const queueUrl = (call: { readonly baseUrl: string; readonly queues: QueueService }, name: string): string =>
  `${call.baseUrl}/${call.queues.account}/${name}`

function chosen(all: Record<string, string>, names: readonly string[]): Record<string, string> {
  return names.includes('All') ? all : Object.fromEntries(Object.entries(all).filter(([name]) => names.includes(name)))
}

const list = (value: unknown): string[] => (Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [])

function optionalText(input: SqsInput, name: string): string | undefined {
  const value = input[name]
  return typeof value === 'string' ? value : undefined
}

function text(input: SqsInput, name: string): string {
  const value = optionalText(input, name)
  if (value === undefined || value === '') throw missingParameter(name)
  return value
}

/** A number, or digits as the Query protocol and queue attributes carry them. */
function integer(input: SqsInput, name: string, min: number, max: number): number | undefined {
  const value = input[name]
  if (value === undefined || value === null) return undefined
  const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value
  if (typeof number !== 'number' || !Number.isInteger(number) || number < min || number > max)
    throw new SimError(
      'InvalidParameterValue',
      `Value ${JSON.stringify(value)} for parameter ${name} is invalid. Reason: Must be between ${min} and ${max}, if provided.`,
    )
  return number
}
