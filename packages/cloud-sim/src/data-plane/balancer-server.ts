import { type Agent, createServer, type IncomingHttpHeaders, type IncomingMessage, request as httpRequest, type ServerResponse } from 'node:http'
import type { FixedResponseAction } from '../datacentre/types.ts'
import { Door, loopback } from './sockets.ts'

/** Where one request goes. */
export type Route =
  | { readonly kind: 'forward'; readonly port: number }
  | { readonly kind: 'fixed'; readonly response: FixedResponseAction }
  /** The action's groups hold no target. */
  | { readonly kind: 'nobody' }
  /** The chosen target does not listen. */
  | { readonly kind: 'unreachable' }
export type RouteRequest = (request: { readonly path: string; readonly host: string }) => Route

/** How long a target may be silent before the load balancer gives up: the idle timeout of an ALB. */
const idleTimeoutMs = 60_000

/**
 * One listener of a load balancer, forwarding HTTP over kept-alive connections to its targets.
 * It never repeats a request: what fails at a target fails for the client, as behind the real thing. A request under way
 * when its target is taken out is finished by that target.
 */
export class BalancerServer {
  readonly listenerArn: string
  readonly #route: RouteRequest
  readonly #agent: Agent
  readonly #door: Door

  constructor(options: { listenerArn: string; route: RouteRequest; agent: Agent }) {
    this.listenerArn = options.listenerArn
    this.#route = options.route
    this.#agent = options.agent
    const server = createServer({ keepAliveTimeout: 75_000, requestTimeout: 0 }, (request, response) => this.#forward(request, response))
    // A client that breaks the connection in the middle of a request is no concern of the listener.
    server.on('clientError', (_error, socket) => {
      if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
    })
    this.#door = new Door(server)
  }

  get port(): number | undefined {
    return this.#door.port
  }

  open(preferredPort?: number): Promise<void> {
    return this.#door.openNear(preferredPort)
  }

  close(): Promise<void> {
    return this.#door.close()
  }

  #forward(request: IncomingMessage, response: ServerResponse): void {
    const url = request.url ?? '/'
    const query = url.indexOf('?')
    const route = this.#route({ path: query < 0 ? url : url.slice(0, query), host: request.headers.host ?? '' })
    if (route.kind === 'fixed') {
      answerFixed(request, response, route.response)
      return
    }
    if (route.kind !== 'forward') {
      fail(request, response, route.kind === 'nobody' ? 503 : 502)
      return
    }
    let timedOut = false
    const upstream = httpRequest({
      host: loopback,
      port: route.port,
      method: request.method,
      path: url,
      headers: forwardedHeaders(request),
      agent: this.#agent,
      timeout: idleTimeoutMs,
      setHost: false,
    })
    upstream.on('response', (answer) => relay(answer, response))
    upstream.on('timeout', () => {
      timedOut = true
      upstream.destroy()
    })
    upstream.on('error', () => {
      if (response.headersSent) response.destroy()
      else fail(request, response, timedOut ? 504 : 502)
    })
    response.on('close', () => {
      if (!response.writableFinished) upstream.destroy()
    })
    if (hasBody(request)) request.pipe(upstream)
    else upstream.end()
  }
}

function relay(answer: IncomingMessage, response: ServerResponse): void {
  response.writeHead(answer.statusCode ?? 502, withoutHopByHop(answer.headers))
  // The target died in the middle of its answer: the client has to see that the answer is not whole.
  answer.on('error', () => response.destroy())
  answer.on('aborted', () => response.destroy())
  answer.pipe(response)
}

const hasBody = (request: IncomingMessage): boolean =>
  request.headers['content-length'] !== undefined || request.headers['transfer-encoding'] !== undefined

const hopByHop = new Set(['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection', 'te', 'trailer', 'upgrade'])

function withoutHopByHop(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const kept: IncomingHttpHeaders = {}
  for (const name in headers) if (!hopByHop.has(name) && name !== 'transfer-encoding') kept[name] = headers[name]
  return kept
}

function forwardedHeaders(request: IncomingMessage): IncomingHttpHeaders {
  const headers: IncomingHttpHeaders = {}
  for (const name in request.headers) if (!hopByHop.has(name)) headers[name] = request.headers[name]
  const client = request.socket.remoteAddress ?? loopback
  const before = request.headers['x-forwarded-for']
  headers['x-forwarded-for'] = before === undefined ? client : `${String(before)}, ${client}`
  headers['x-forwarded-proto'] = 'http'
  headers['x-forwarded-port'] = String(request.socket.localPort ?? '')
  return headers
}

const reasons: Record<number, string> = { 502: 'Bad Gateway', 503: 'Service Temporarily Unavailable', 504: 'Gateway Time-out' }

/** The page an ALB shows. */
function fail(request: IncomingMessage, response: ServerResponse, status: number): void {
  // What is left of the request's body is read and dropped, so that the connection stays usable.
  request.unpipe()
  request.resume()
  const title = `${status} ${reasons[status] ?? 'Error'}`
  const body = `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n</body>\r\n</html>\r\n`
  response.writeHead(status, { server: 'awselb/2.0', 'content-type': 'text/html', 'content-length': Buffer.byteLength(body) })
  response.end(body)
}

function answerFixed(request: IncomingMessage, response: ServerResponse, fixed: FixedResponseAction): void {
  request.resume()
  const body = fixed.body ?? ''
  response.writeHead(Number(fixed.statusCode), {
    server: 'awselb/2.0',
    'content-type': fixed.contentType ?? 'text/plain',
    'content-length': Buffer.byteLength(body),
  })
  response.end(body)
}
