import type { Call, Route } from './call.ts'
import { partOf } from './call.ts'
import { GoogleError } from './fault.ts'
import type { Project } from './project.ts'

/** One message of a subscription: hidden from its delivery until its acknowledgement is overdue, and gone with it. */
export interface PubsubMessage {
  readonly messageId: string
  readonly publishTime: string
  readonly data: string
  ackId?: string
  hiddenUntilMs: number
  deliveries: number
}

const ackDeadlineMs = 60_000

/** Pub/Sub (`v1`), as far as a subscriber needs it. */
export const pubsubRoutes: readonly Route[] = [
  { operation: 'pubsub.pull', run: pull },
  { operation: 'pubsub.acknowledge', run: acknowledge },
]

function messagesIn(call: Call): PubsubMessage[] {
  const name = partOf(call, 'subscription')
  const found = call.project.subscriptions.get(name)
  if (found === undefined) throw new GoogleError(404, 'notFound', `Resource not found (resource=${name}).`)
  return found
}

export const hasMessages = (project: Project, subscription: string): boolean =>
  (project.subscriptions.get(subscription) ?? []).some(({ hiddenUntilMs }) => hiddenUntilMs <= project.dataCentre.now())

function pull(call: Call): object {
  const { project, body } = call
  const { maxMessages } = body
  if (typeof maxMessages !== 'number' || maxMessages < 1) throw new GoogleError(400, 'invalid', 'max_messages must be positive.')
  const nowMs = project.dataCentre.now()
  const given = messagesIn(call)
    .filter(({ hiddenUntilMs }) => hiddenUntilMs <= nowMs)
    .slice(0, maxMessages)
  const receivedMessages = given.map((message) => {
    message.hiddenUntilMs = nowMs + ackDeadlineMs
    message.deliveries += 1
    message.ackId = `${message.messageId}:${message.deliveries}`
    const { messageId, publishTime, data, ackId } = message
    return { ackId, message: { data, messageId, publishTime } }
  })
  return receivedMessages.length === 0 ? {} : { receivedMessages }
}

/** An id of a delivery that is overdue means nothing any more, and is no error. */
function acknowledge(call: Call): object {
  const messages = messagesIn(call)
  const { ackIds } = call.body
  if (!Array.isArray(ackIds) || ackIds.length === 0) throw new GoogleError(400, 'invalid', 'No ack ids specified.')
  for (const ackId of ackIds) {
    const index = messages.findIndex((message) => message.ackId === ackId)
    if (index >= 0) messages.splice(index, 1)
  }
  return {}
}
