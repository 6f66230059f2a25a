import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What the endpoint does with one request: an answer, or a failure of the network. */
export type Scripted =
  | { readonly status?: number; readonly body?: string; readonly headers?: Readonly<Record<string, string>> }
  /** The connection breaks: before anything is answered. The caller cannot know whether it took effect. */
  | 'reset'
  /** No answer, ever. */
  | 'silence'

export interface ReceivedCall {
  readonly action: string
  readonly params: URLSearchParams
  readonly headers: IncomingMessage['headers']
}

/** An HTTP server on loopback that speaks just enough of the Query protocol to show what the real SDK sends and how it takes answers. */
export async function scriptedEndpoint(script: (call: ReceivedCall, count: number) => Scripted) {
  const calls: ReceivedCall[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8')
    request.on('data', (chunk: string) => (body += chunk))
    request.on('end', () => {
      const params = new URLSearchParams(body)
      const call = { action: params.get('Action') ?? '', params, headers: request.headers }
      calls.push(call)
      respond(script(call, calls.filter(({ action }) => action === call.action).length), request, response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // a TCP server has one
  return {
    url: `http://127.0.0.1:${port}`,
    calls,
    of: (action: string) => calls.filter((call) => call.action === action),
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function respond(scripted: Scripted, request: IncomingMessage, response: ServerResponse): void {
  if (scripted === 'silence') return
  if (scripted === 'reset') {
    request.socket.resetAndDestroy()
    return
  }
  response.writeHead(scripted.status ?? 200, { 'content-type': 'text/xml', ...scripted.headers })
  response.end(scripted.body ?? '')
}

export const ec2Error = (code: string, status = 400, message = `scripted ${code}`): Scripted => ({
  status,
  body: `<?xml version="1.0"?><Response><Errors><Error><Code>${code}</Code><Message>${message}</Message></Error></Errors><RequestID>req-1</RequestID></Response>`,
})

export const ec2Answer = (action: string, inner = ''): Scripted => ({
  body: `<?xml version="1.0"?><${action}Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>req-1</requestId>${inner}</${action}Response>`,
})

export const elbAnswer = (action: string, inner = ''): Scripted => ({
  body: `<?xml version="1.0"?><${action}Response xmlns="http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/"><${action}Result>${inner}</${action}Result><ResponseMetadata><RequestId>req-1</RequestId></ResponseMetadata></${action}Response>`,
})
