import type { IncomingMessage } from 'node:http'
import type { Exchange } from '../google/google-server.ts'
import type { ArmReply } from './call.ts'

export interface ArmExchange extends Exchange {
  readonly headers: IncomingMessage['headers']
}
type Reply = (request: IncomingMessage, text: string) => Promise<ArmReply>

/** Shows each request and its answer to whoever watches. */
export function observed(reply: Reply, origin: string, onExchange: ((exchange: ArmExchange) => void) | undefined): Reply {
  if (onExchange === undefined) return reply
  return async (request, text) => {
    const answer = await reply(request, text)
    const url = new URL(request.url ?? '/', origin)
    const { status, body } = answer
    onExchange({
      ...{ method: request.method ?? 'GET', url, headers: request.headers, status },
      requestBody: parsed(text),
      responseBody: parsed(body === undefined ? '' : JSON.stringify(body)),
    })
    return answer
  }
}

function parsed(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text)
  } catch {
    return text // of a form, or what is no JSON
  }
}
