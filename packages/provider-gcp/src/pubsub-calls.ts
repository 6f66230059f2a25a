import type { Ask } from './call-kit.ts'

/** `ReceivedMessage` of Pub/Sub's REST reference (v1). */
export interface ReceivedMessage {
  readonly ackId: string
  readonly deliveryAttempt?: number
  readonly message?: {
    /** Base64. */
    readonly data?: string
    readonly messageId?: string
    readonly publishTime?: string
    readonly attributes?: Readonly<Record<string, string>>
  }
}

/** Beyond what a pull is asked to wait, until its answer has to be here. */
const answerMs = 10_000

/** `subscription` is `projects/…/subscriptions/…`: it may be of another project than the instances. */
export const pubsubCalls = (ask: Ask) => ({
  pull: async (
    subscription: string,
    { maxMessages, waitMs, signal }: { readonly maxMessages: number; readonly waitMs: number; readonly signal?: AbortSignal },
  ): Promise<readonly ReceivedMessage[]> => {
    const answer = (await ask('read', 'pubsub', {
      method: 'POST',
      path: `/v1/${subscription}:pull`,
      body: { maxMessages, ...(waitMs === 0 ? { returnImmediately: true } : {}) },
      timeoutMs: waitMs + answerMs,
      signal,
    })) as { receivedMessages?: ReceivedMessage[] } // Google's answer
    return answer.receivedMessages ?? []
  },
  acknowledge: async (subscription: string, ackIds: readonly string[]): Promise<void> => {
    await ask('repeatable', 'pubsub', { method: 'POST', path: `/v1/${subscription}:acknowledge`, body: { ackIds }, timeoutMs: answerMs })
  },
})
