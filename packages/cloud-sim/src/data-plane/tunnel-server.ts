import { createServer, type IncomingMessage } from 'node:http'
import { connect, type Socket } from 'node:net'
import { Door, loopback } from './sockets.ts'

/** Where a private address and a port lead; a text says why nowhere. */
export type FindGuest = (address: string, port: number) => number | string

/**
 * The way into the region's private network, as a bastion gives it: an HTTP proxy that answers `CONNECT 10.0.0.4:8080`. Guests
 * listen on loopback under ports of their own, so that nothing else leads to their private addresses.
 */
export class TunnelServer {
  readonly #find: FindGuest
  readonly #door: Door
  readonly #open = new Set<Socket>()

  constructor(find: FindGuest) {
    this.#find = find
    const server = createServer((_request, response) => response.writeHead(405).end())
    server.on('connect', (request: IncomingMessage, socket: Socket) => this.#connect(request.url ?? '', socket))
    this.#door = new Door(server)
  }

  get port(): number | undefined {
    return this.#door.port
  }

  open(): Promise<void> {
    return this.#door.open()
  }

  close(): Promise<void> {
    return this.#door.close(this.#open)
  }

  #connect(target: string, socket: Socket): void {
    this.#open.add(socket)
    socket.on('close', () => this.#open.delete(socket))
    socket.on('error', () => socket.destroy())
    const [address = '', port = ''] = target.split(':')
    const found = this.#find(address, Number(port))
    if (typeof found === 'string') {
      socket.end(`HTTP/1.1 502 ${found}\r\nContent-Length: 0\r\n\r\n`)
      return
    }
    const upstream = connect({ host: loopback, port: found, noDelay: true }, () => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n')
      socket.pipe(upstream).pipe(socket)
    })
    upstream.on('error', () => socket.destroy())
    upstream.on('close', () => socket.destroy())
    socket.on('close', () => upstream.destroy())
  }
}
