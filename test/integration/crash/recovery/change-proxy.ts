import { createServer, request as httpRequest } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'

/** `forward` carries the change out in the cloud; the caller is answered only on `answer`, and otherwise never. */
export type Around = (change: { readonly action: string; readonly number: number }, forward: () => Promise<void>) => Promise<'answer' | 'silence'>

/** Stands where an account's endpoint points to, and tells every change that anybody makes in the region. */
export interface ChangeProxy {
  readonly url: string
  /** For every change from now on, counted from 1; `undefined`: for none. */
  watch(around: Around | undefined): void
  close(): Promise<void>
}

/** EC2's and the load balancer's stands in a form, that of Systems Manager in a header. Queues are read all the time. */
function actionOf({ headers }: IncomingMessage, body: Buffer): string {
  const [service, action = ''] = String(headers['x-amz-target'] ?? '').split('.')
  return service === 'AmazonSSM' ? action : (new URLSearchParams(body.toString()).get('Action') ?? '')
}

const changes = /^(Run|Start|Stop|Terminate|Create|Delete|Modify|Register|Deregister|Attach|Detach|Authorize|Revoke|Set|Add|Remove|SendCommand)/

interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

export async function startChangeProxy(target: string): Promise<ChangeProxy> {
  const { hostname, port } = new URL(target)
  let watching: { readonly around: Around; count: number } | undefined
  const carryOut = ({ method, url, headers }: IncomingMessage, body: Buffer): Promise<Answer> =>
    new Promise((resolve, reject) => {
      // The headers go on as they came: the signature covers the host they name.
      const outgoing = httpRequest({ hostname, port, method, path: url, headers }, (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () => resolve({ status: response.statusCode ?? 502, headers: response.headers, body: Buffer.concat(chunks) }))
        response.on('error', reject)
      })
      outgoing.on('error', reject)
      outgoing.end(body)
    })
  const receive = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks)
    const action = actionOf(incoming, body)
    const seen = watching
    if (seen === undefined || !changes.test(action)) return send(outgoing, await carryOut(incoming, body))
    seen.count += 1
    let answer: Answer | undefined
    const said = await seen.around({ action, number: seen.count }, async () => {
      answer = await carryOut(incoming, body)
    })
    if (said === 'answer' && answer !== undefined) send(outgoing, answer)
    else incoming.socket.destroy()
  }
  const server = createServer({ keepAliveTimeout: 60_000 }, (incoming, outgoing) => {
    // A caller that was killed leaves a broken connection, which is what is tested.
    receive(incoming, outgoing).catch(() => incoming.socket.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    watch(around) {
      watching = around === undefined ? undefined : { around, count: 0 }
    },
    async close() {
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

function send(outgoing: ServerResponse, answer: Answer): void {
  if (outgoing.destroyed) return
  outgoing.writeHead(answer.status, answer.headers)
  outgoing.end(answer.body)
}
