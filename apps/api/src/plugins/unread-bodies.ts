import type { FastifyInstance } from 'fastify'
import type { IncomingMessage } from 'node:http'

/** Of a body that nobody wants; who sends more than this may lose the answer. */
const readOnMaxBytes = 16 * 1024 * 1024

/**
 * A request that is refused before its body has been read (too large, without a key) is answered only when the body has come in.
 * A socket that is closed with data unread is reset, and the reset overtakes the answer: the caller would see a broken pipe
 * instead of what is wrong. What is read on is thrown away, and the time for it is the request's own.
 */
export function unreadBodies(app: FastifyInstance): void {
  app.addHook('onSend', async ({ raw }) => {
    if (!raw.complete && !raw.readableEnded && !raw.destroyed) await readOn(raw)
  })
}

function readOn(raw: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    let bytes = 0
    const count = (chunk: Buffer): void => {
      bytes += chunk.length
      if (bytes > readOnMaxBytes) end()
    }
    const end = (): void => {
      raw.off('data', count)
      for (const event of ['end', 'close', 'error']) raw.off(event, end)
      resolve()
    }
    raw.on('data', count)
    for (const event of ['end', 'close', 'error']) raw.on(event, end)
  })
}
