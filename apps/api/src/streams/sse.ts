import type { Clock } from '@understudy/core'
import type { FastifyRequest } from 'fastify'
import { Readable } from 'node:stream'

/** A client that does not read is cut off at this backlog; it continues with `Last-Event-ID`. */
const bufferedMax = 1024 * 1024

export interface SseStream {
  readonly readable: Readable
  send(message: { readonly id?: string; readonly event?: string; readonly data: unknown }): void
  end(): void
  readonly ended: boolean
}

/** A stream of server-sent events with heartbeats. `onEnd` runs once, whoever ends it. */
export function sseStream(
  clock: Clock,
  options: { readonly heartbeatMs: number; readonly onEnd: () => void; readonly stillAllowed: () => Promise<boolean> },
): SseStream {
  let ended = false
  let cancelHeartbeat = (): void => {}
  const readable = new Readable({
    read() {},
    destroy(error, callback) {
      finish()
      callback(error)
    },
  })
  const finish = (): void => {
    if (ended) return
    ended = true
    cancelHeartbeat()
    options.onEnd()
  }
  const end = (): void => {
    if (ended) return
    finish()
    readable.push(null)
  }
  const write = (text: string): void => {
    if (ended) return
    if (readable.readableLength > bufferedMax) end()
    else readable.push(text)
  }
  const beat = (): void => {
    cancelHeartbeat = clock.schedule(options.heartbeatMs, () => {
      write(': heartbeat\n\n')
      void options.stillAllowed().then((allowed) => (allowed ? undefined : end()))
      if (!ended) beat()
    })
  }
  // Says how soon to come back, and lets the client see that the stream is open.
  write('retry: 2000\n\n')
  beat()
  return {
    readable,
    end,
    send({ id, event, data }) {
      write(`${id === undefined ? '' : `id: ${id}\n`}${event === undefined ? '' : `event: ${event}\n`}data: ${JSON.stringify(data)}\n\n`)
    },
    get ended() {
      return ended
    },
  }
}

/** Where a returning client stopped. */
export function lastEventId(request: Pick<FastifyRequest, 'headers'>): string | undefined {
  const header = request.headers['last-event-id']
  return typeof header === 'string' ? header : undefined
}
