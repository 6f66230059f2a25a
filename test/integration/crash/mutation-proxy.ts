import { createServer, request as httpRequest } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer as createTlsServer, request as httpsRequest } from 'node:https'

/** A request that changes something in the cloud, as its protocol says it. */
export interface Call {
  /** As the cloud names it: `ModifyListener`, `instances.delete`. */
  readonly action: string
  /** Whether it is about what is called so. */
  names(name: string): boolean
}
interface Request {
  readonly method: string
  /** Path and query. */
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}
/** What a proxy has to know of a protocol. */
export interface Protocol {
  /** Undefined for a request that changes nothing, or that is none of a failover's. */
  readCall(request: Request): Call | undefined
  /** Ids and names of what an answer says has been made, as far as later changes may name it. */
  made(answer: string): readonly string[]
  /** What the path ends in by which is asked how a change goes on that an answer has only accepted. */
  operation?(answer: Answer): string | undefined
}

/** A change that a test has been told of. */
export interface Mutation {
  readonly action: string
  /** From 1, since the watching began. */
  readonly number: number
  /** The change itself, or the question how it goes on. */
  readonly phase: 'change' | 'question'
}

/** Stands where an account's endpoint points to and passes everything on, but lets a test stop the world at any change. */
export interface MutationProxy {
  readonly url: string
  /**
   * Calls `around` for every change from now on that names one of `names` (ids, ARNs), or something that such a change has made, or
   * whatever it is about, and for every question what has become of it.
   * `forward` carries it out in the cloud; the caller is answered only when `around` says `answer`, and otherwise never.
   */
  watch(names: readonly string[] | 'whatever', around: (mutation: Mutation, forward: () => Promise<void>) => Promise<'answer' | 'silence'>): void
  unwatch(): void
  close(): Promise<void>
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

interface Watch {
  readonly names: Set<string> | undefined
  readonly around: Parameters<MutationProxy['watch']>[1]
  /** Changes that were accepted, by what is asked for. */
  readonly accepted: Map<string, Mutation>
  count: number
}

/** `tls`: of a target that speaks it. The proxy shows the target's own certificate, which is the one that its callers trust. */
export async function startMutationProxy(
  target: string,
  protocol: Protocol,
  tls?: { readonly key: string; readonly cert: string },
): Promise<MutationProxy> {
  const { hostname, port } = new URL(target)
  const ask = tls === undefined ? httpRequest : httpsRequest
  const trust = tls === undefined ? {} : { ca: tls.cert }
  let watching: Watch | undefined

  const carryOut = (incoming: IncomingMessage, body: Buffer): Promise<Answer> =>
    new Promise((resolve, reject) => {
      // The headers go on as they came: the signature covers the host they name.
      const outgoing = ask({ ...trust, hostname, port, method: incoming.method, path: incoming.url, headers: incoming.headers }, (response) => {
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
    const seen = watching
    const path = incoming.url ?? '/'
    const call = seen && protocol.readCall({ method: incoming.method ?? 'GET', path, headers: incoming.headers, body: body.toString() })
    const isChange = seen !== undefined && call !== undefined && (seen.names === undefined || [...seen.names].some((name) => call.names(name)))
    const asked = isChange ? undefined : [...(seen?.accepted ?? [])].find(([operation]) => path.includes(operation))?.[1]
    if (!seen || (!isChange && !asked)) return send(outgoing, await carryOut(incoming, body))
    const mutation: Mutation = asked ?? { action: call?.action ?? '', number: (seen.count += 1), phase: 'change' }
    let answer: Answer | undefined
    const said = await seen.around(mutation, async () => {
      answer = await carryOut(incoming, body)
      if (!isChange) return
      for (const name of protocol.made(answer.body.toString())) seen.names?.add(name)
      const operation = protocol.operation?.(answer)
      if (operation !== undefined) seen.accepted.set(operation, { ...mutation, phase: 'question' })
    })
    if (said === 'silence') incoming.socket.destroy()
    else if (answer) send(outgoing, answer)
  }

  const listen = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    // A caller that was killed leaves a broken connection, which is what is tested.
    receive(incoming, outgoing).catch(() => incoming.socket.destroy())
  }
  const patient = { keepAliveTimeout: 60_000 }
  const server = tls === undefined ? createServer(patient, listen) : createTlsServer({ ...patient, ...tls }, listen)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port')
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${address.port}`,
    watch(names, around) {
      watching = { names: names === 'whatever' ? undefined : new Set(names), around, accepted: new Map(), count: 0 }
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
