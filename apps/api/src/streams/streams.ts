import { AppError } from '@understudy/core'
import type { Control } from '@understudy/control'
import type { Logger } from '@understudy/telemetry'
import type { ApiSettings } from '../deps.ts'
import { EventFeed } from './event-feed.ts'
import { sseStream } from './sse.ts'
import type { SseStream } from './sse.ts'

export interface Streams {
  readonly feed: EventFeed
  /** Opens a stream for a key. `onEnd` runs once. Throws `rate_limited` when the key has too many, `unavailable` during shutdown. */
  open(options: { readonly keyId: string; readonly stillAllowed: () => Promise<boolean>; readonly onEnd: () => void }): SseStream
  readonly pollMs: number
  /** Ends all of them, so that the server can close. */
  close(): void
}

export function createStreams(control: Control, logger: Logger, settings: ApiSettings): Streams {
  const open = new Map<SseStream, string>()
  let closed = false
  return {
    feed: new EventFeed(control, logger, settings.streamPollMs),
    pollMs: settings.streamPollMs,
    open({ keyId, stillAllowed, onEnd }) {
      if (closed) throw new AppError('unavailable', 'This process is shutting down. Connect again.')
      const held = [...open.values()].filter((owner) => owner === keyId).length
      if (held >= settings.streamsPerKeyMax) {
        throw new AppError('rate_limited', `A key may hold ${settings.streamsPerKeyMax} streams at once. Close one first.`, {
          details: { retryAfterSeconds: 5 },
        })
      }
      const stream = sseStream(control.clock, {
        heartbeatMs: settings.streamHeartbeatMs,
        stillAllowed,
        onEnd: () => {
          open.delete(stream)
          onEnd()
        },
      })
      open.set(stream, keyId)
      return stream
    },
    close() {
      closed = true
      for (const stream of [...open.keys()]) stream.end()
    },
  }
}
