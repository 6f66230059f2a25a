import { createServer, request as httpRequest } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'

/** A call that changes something in the cloud. */
export interface Mutation {
  /** As AWS names it: `ModifyListener`. */
  readonly action: string
  /** From 1, since the watching began. */
  readonly number: number
}

/** Stands where an account's endpoint points to and passes everything on, but lets a test stop the world at any change. */
export interface MutationProxy {
  readonly url: string
  /**
   * Calls `around` for every change from now on that names one of `names` (ids, ARNs), or something that such a change has made.
   * `forward` carries it out in the cloud; the caller is answered only when `around` says `answer`, and otherwise never.
   */
  watch(names: readonly string[], around: (mutation: Mutation, forward: () => Promise<void>) => Promise<'answer' | 'silence'>): void
  unwatch(): void
  close(): Promise<void>
}

const changes = /^(Run|Start|Stop|Terminate|Create|Delete|Modify|Register|Deregister|Associate|Disassociate|Cancel|Attach|Detach|Set|Add|Remove)/

interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

export async function startMutationProxy(target: string): Promise<MutationProxy> {
  const { hostname, port } = new URL(target)
  let watching: { readonly names: Set<string>; readonly around: Parameters<MutationProxy['watch']>[1]; count: number } | undefined

  const carryOut = (incoming: IncomingMessage, body: Buffer): Promise<Answer> =>
    new Promise((resolve, reject) => {
      // The headers go on as they came: the signature covers the host they name.
      const outgoing = httpRequest({ hostname, port, method: incoming.method, path: incoming.url, headers: incoming.headers }, (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () => resolve({ status: response.statusCode ?? 502, headers: response.headers, body: Buffer.concat(chunks) }))
        response.on('error', reject)
      })
      outgoing.on('error', reject)
      const abandon = (): void => void outgoing.destroy()
      // A long poll whose caller has died would otherwise swallow a message.
      outgoing.once('close', () => incoming.socket.off('close', abandon))
      incoming.socket.once('close', abandon)
      outgoing.end(body)
    })

  const receive = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks)
    const form = new URLSearchParams(body.toString())
    const action = form.get('Action') ?? ''
    const seen = watching
    const values = [...form.values()]
    // What is made for a new shadow belongs to another operation.
    const isForShadow = changes.test(action) && values.includes('shadow')
    const isNamed = changes.test(action) && !isForShadow && seen !== undefined && values.some((value) => seen.names.has(value))
    if (!isNamed) return send(outgoing, await carryOut(incoming, body))
    seen.count += 1
    let answer: Answer | undefined
    const said = await seen.around({ action, number: seen.count }, async () => {
      answer = await carryOut(incoming, body)
      for (const [, made] of answer.body.toString().matchAll(/<instanceId>(i-[0-9a-f]+)<\/instanceId>/g)) if (made !== undefined) seen.names.add(made)
    })
    if (said === 'silence') incoming.socket.destroy()
    else if (answer) send(outgoing, answer)
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
    watch(names, around) {
      watching = { names: new Set(names), around, count: 0 }
    },
    unwatch() {
      watching = undefined
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
