import { connect, createServer, type Socket } from 'node:net'
import { Door, loopback } from './sockets.ts'

/** Which instance answers now, and on which loopback port. */
export type Destination = () => { readonly instanceId: string; readonly port: number } | undefined

/**
 * A public address: each connection goes to whatever the address is associated with when it is opened. When the association
 * moves, connections to the former instance are cut; the network would lose track of them as well.
 */
export class TcpForwarder {
  readonly #destination: Destination
  readonly #door: Door
  readonly #open = new Map<Socket, string>()

  constructor(destination: Destination) {
    this.#destination = destination
    this.#door = new Door(createServer({ noDelay: true }, (socket) => this.#accept(socket)))
  }

  get port(): number | undefined {
    return this.#door.port
  }

  open(preferredPort?: number): Promise<void> {
    return this.#door.openNear(preferredPort)
  }

  /** Cuts what no longer goes where it should. */
  follow(): void {
    const instanceId = this.#destination()?.instanceId
    for (const [socket, towards] of this.#open) if (towards !== instanceId) socket.destroy()
  }

  close(): Promise<void> {
    return this.#door.close(this.#open.keys())
  }

  #accept(socket: Socket): void {
    socket.on('error', () => socket.destroy())
    const destination = this.#destination()
    if (destination === undefined) {
      // An address without an instance is not refused, it is silent; cutting is the nearest that does not make callers wait.
      socket.destroy()
      return
    }
    this.#open.set(socket, destination.instanceId)
    const upstream = connect({ host: loopback, port: destination.port, noDelay: true })
    upstream.on('error', () => socket.destroy())
    upstream.on('close', () => socket.destroy())
    socket.on('close', () => {
      this.#open.delete(socket)
      upstream.destroy()
    })
    socket.pipe(upstream).pipe(socket)
  }
}
