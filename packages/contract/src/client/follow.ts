import { sleep, systemClock } from '@understudy/core'
import type { Clock } from '@understudy/core'
import type { UnderstudyClient } from './client.ts'
import type { components } from './generated/openapi.ts'
import { ProblemError } from './problem-error.ts'
import { readServerSentEvents } from './sse.ts'
import type { ServerSentEvent } from './sse.ts'

type Schemas = components['schemas']

/** A line of the timeline, or the operation as it is now; `done` is the last one. */
export type OperationUpdate =
  | { readonly type: 'timeline'; readonly entry: Schemas['TimelineEntry'] }
  | { readonly type: 'operation' | 'done'; readonly operation: Schemas['Operation'] }

export type FollowedEvent = Schemas['CloudEvent']

export interface FollowOptions {
  readonly signal?: AbortSignal
  readonly clock?: Clock
}

/** Follows an operation until it has ended. A broken stream is continued where it stopped; what the API refuses is thrown. */
export async function* followOperation(client: UnderstudyClient, id: string, options: FollowOptions = {}): AsyncGenerator<OperationUpdate> {
  for await (const { event, data } of follow(client, `/v1/operations/${id}/events`, undefined, options)) {
    const update = JSON.parse(data) as Schemas['OperationStreamEvent']
    if (update.entry !== undefined) yield { type: 'timeline', entry: update.entry }
    if (update.operation === undefined) continue
    yield { type: event === 'done' ? 'done' : 'operation', operation: update.operation }
    if (event === 'done') return
  }
}

/** Follows the events of the project, from now or after a sequence, until the signal aborts. */
export async function* followEvents(
  client: UnderstudyClient,
  options: FollowOptions & { readonly afterSequence?: string; readonly types?: readonly string[] } = {},
): AsyncGenerator<FollowedEvent> {
  const query = options.types === undefined ? '' : `?types=${encodeURIComponent(options.types.join(','))}`
  for await (const { data } of follow(client, `/v1/events${query}`, options.afterSequence, options)) yield JSON.parse(data) as FollowedEvent
}

const reconnectMs = 1000

async function* follow(client: UnderstudyClient, path: string, from: string | undefined, options: FollowOptions): AsyncGenerator<ServerSentEvent> {
  const clock = options.clock ?? systemClock({ keepAlive: true })
  let lastId = from
  for (;;) {
    try {
      const headers = { accept: 'text/event-stream', ...(lastId === undefined ? {} : { 'last-event-id': lastId }) }
      const { body } = await client.open(path, headers, options.signal)
      if (body === null) throw new Error('the stream has no body')
      for await (const event of readServerSentEvents(body)) {
        lastId = event.id ?? lastId
        yield event
      }
    } catch (error) {
      if (options.signal?.aborted) return
      if (error instanceof ProblemError && !error.retryable) throw error
    }
    if (options.signal?.aborted) return
    await sleep(clock, reconnectMs, options.signal).catch(() => undefined)
    if (options.signal?.aborted) return
  }
}
