import type { InstanceStatus, InstanceStatusEvent, SpotInstanceRequest } from '@aws-sdk/client-ec2'
import type { Message } from '@aws-sdk/client-sqs'
import { now } from '@understudy/core'
import type { Json } from '@understudy/core'
import { isProviderError, providerError } from '@understudy/provider'
import type { NeutralSignal, ReceivedDocument, Signals } from '@understudy/provider'
import type { Adapter } from './adapter.ts'
import { plusSeconds } from './cloud-time.ts'
import { batchWindowMs, chunksOf, coalesce } from './coalesce.ts'
import { causeOfStateReason, isBadMember } from './errors.ts'
import { parseAwsDocument, phaseOfDescription, scheduledSignal } from './event-parser.ts'

/** SQS's own maxima. */
const maxMessages = 10
const longestPollSeconds = 20
const visibilitySeconds = 60
const maxIdsPerCall = 100
const maxFilterValues = 200
const spotNoticeSeconds = 120

/** Events of EC2: pushed through a queue, read from documents, and looked up in EC2's own books. */
export function awsSignals(adapter: Adapter, eventsQueueUrl: string | undefined): Signals {
  const { instances, ownActions } = adapter
  const statuses = statusReader(adapter)
  return {
    parse: parseAwsDocument,
    ...(eventsQueueUrl === undefined ? {} : { receive: receiver(adapter, eventsQueueUrl) }),
    async scheduled(nativeIds) {
      const [events, notices] = await Promise.all([scheduledEvents(adapter, statuses, nativeIds), spotNotices(adapter, nativeIds)])
      // No list: what is over stays in it for a week, and says so.
      return { signals: [...notices, ...events], lists: [] }
    },
    async postpone({ nativeId, eventId, notBefore }, context) {
      const input = { InstanceId: nativeId, InstanceEventId: eventId, NotBefore: new Date(notBefore) }
      await adapter.calls.modifyInstanceEventStartTime(input, context.signal)
    },
    async attribute(signal) {
      if (signal.kind !== 'failure' || signal.cause !== 'unknown') return signal
      if (ownActions.isOurs(signal.nativeId)) return { ...signal, cause: 'us' }
      const instance = await instances.one(signal.nativeId)
      return { ...signal, cause: causeOfStateReason(instance?.StateReason?.Code) }
    },
  }
}

function receiver({ calls, clock }: Adapter, queueUrl: string): NonNullable<Signals['receive']> {
  const acknowledge = coalesce<string, void>({
    clock,
    windowMs: batchWindowMs,
    maxItems: maxMessages,
    async run(handles) {
      const answer = await calls.deleteMessageBatch({
        QueueUrl: queueUrl,
        Entries: handles.map((ReceiptHandle, index) => ({ Id: String(index), ReceiptHandle })),
      })
      const [refused] = answer.Failed ?? []
      // The document comes back and is handled as a duplicate: better than a message lost.
      if (refused !== undefined)
        throw providerError('unavailable', refused.Code ?? 'DeleteFailed', refused.Message ?? 'SQS did not delete a message.')
      return handles.map(() => undefined)
    },
  })
  return async ({ waitSeconds, signal }) => {
    const answer = await calls.receiveMessage(
      {
        QueueUrl: queueUrl,
        MaxNumberOfMessages: maxMessages,
        WaitTimeSeconds: Math.max(0, Math.min(longestPollSeconds, Math.floor(waitSeconds))),
        VisibilityTimeout: visibilitySeconds,
        MessageSystemAttributeNames: ['SentTimestamp', 'ApproximateReceiveCount'],
      },
      signal,
    )
    return (answer.Messages ?? []).map((message) => receivedDocument(message, (handle) => acknowledge(handle, { urgent: true })))
  }
}

function receivedDocument(message: Message, acknowledge: (receiptHandle: string) => Promise<void>): ReceivedDocument {
  const body = message.Body ?? ''
  return {
    document: parseJson(body),
    raw: { messageId: message.MessageId ?? '', body, attributes: { ...message.Attributes } },
    acknowledge: () => acknowledge(message.ReceiptHandle ?? ''),
  }
}

/** What is not JSON stays text, which `parse` then calls malformed. */
function parseJson(text: string): Json {
  try {
    return JSON.parse(text) as Json // JSON.parse makes nothing else
  } catch {
    return text
  }
}

/** By ids, which excludes paging; an id that EC2 does not know is answered with nothing, alone. */
function statusReader({ calls, clock }: Adapter) {
  return coalesce<string, InstanceStatus | undefined>({
    clock,
    windowMs: batchWindowMs,
    maxItems: maxIdsPerCall,
    isolates: isBadMember,
    async run(nativeIds) {
      const answer = await calls.describeInstanceStatus({ InstanceIds: [...new Set(nativeIds)], IncludeAllInstances: true })
      return nativeIds.map((nativeId) => answer.InstanceStatuses?.find(({ InstanceId }) => InstanceId === nativeId))
    },
  })
}

async function scheduledEvents(adapter: Adapter, statuses: ReturnType<typeof statusReader>, nativeIds: readonly string[]): Promise<NeutralSignal[]> {
  const observedAt = now(adapter.clock).toISOString()
  const found = await Promise.all(
    [...new Set(nativeIds)].map(async (nativeId) => {
      try {
        const status = await statuses(nativeId, { urgent: true })
        return (status?.Events ?? []).flatMap((event) => fromStatusEvent(nativeId, event, observedAt))
      } catch (error) {
        if (isProviderError(error, 'not_found', 'invalid')) return []
        throw error
      }
    }),
  )
  return found.flat()
}

function fromStatusEvent(nativeId: string, event: InstanceStatusEvent, observedAt: string): NeutralSignal[] {
  if (event.NotBefore === undefined) return []
  const eventId = event.InstanceEventId ?? `${nativeId} ${event.Code} ${event.NotBefore.toISOString()}`
  const latest = event.NotBeforeDeadline?.toISOString()
  const phase = phaseOfDescription(event.Description)
  const about = { nativeId, eventId, list: 'instance-status', observedAt, phase }
  return [scheduledSignal({ ...about, code: event.Code, deadline: event.NotBefore.toISOString(), latest })]
}

/** A warning whose push was lost still shows in the status of the spot request. */
async function spotNotices({ calls }: Adapter, nativeIds: readonly string[]): Promise<NeutralSignal[]> {
  const chunks = chunksOf([...new Set(nativeIds)], maxFilterValues)
  const requests = await Promise.all(
    chunks.map(async (ids) => {
      try {
        const filters = [
          { Name: 'instance-id', Values: ids },
          { Name: 'status-code', Values: Object.keys(effectsOfStatus) },
        ]
        return (await calls.describeSpotInstanceRequests({ Filters: filters, MaxResults: 1000 })).SpotInstanceRequests ?? []
      } catch (error) {
        // Endpoints that only resemble EC2 may not have spot requests.
        if (isProviderError(error, 'unsupported')) return []
        throw error
      }
    }),
  )
  return requests.flat().flatMap(fromSpotRequest)
}

const effectsOfStatus: Readonly<Record<string, 'terminate' | 'stop'>> = {
  'marked-for-termination': 'terminate',
  'marked-for-stop': 'stop',
}

function fromSpotRequest(request: SpotInstanceRequest): NeutralSignal[] {
  const marked = effectsOfStatus[request.Status?.Code ?? '']
  const effect = marked === 'stop' && request.InstanceInterruptionBehavior === 'hibernate' ? 'hibernate' : marked
  const observedAt = request.Status?.UpdateTime?.toISOString()
  if (effect === undefined || observedAt === undefined || request.InstanceId === undefined) return []
  const deadline = effect === 'hibernate' ? observedAt : plusSeconds(observedAt, spotNoticeSeconds)
  return [
    {
      kind: 'interruption',
      effect,
      nativeId: request.InstanceId,
      deadline,
      observedAt,
      confidence: 'certain',
      cause: 'platform',
      canExpedite: false,
    },
  ]
}
