import type { Server as HttpServer } from 'node:http'
import type { AddressInfo, Server, Socket } from 'node:net'

/** Everything simulated listens here and nowhere else. */
export const loopback = '127.0.0.1'

/** A server with a port of its own that can be closed at any moment, even while it is still opening. */
export class Door {
  readonly #server: Server | HttpServer
  #opening: Promise<void> | undefined
  #port: number | undefined

  constructor(server: Server | HttpServer) {
    this.#server = server
  }

  /** Undefined before it is open and after it is closed. */
  get port(): number | undefined {
    return this.#port
  }

  /**
   * Listens on the port asked for, or on any free one when that is taken: a restarted simulation gives its load balancers
   * the addresses they had, as long as nobody else has taken them.
   */
  openNear(preferredPort = 0): Promise<void> {
    this.#opening = this.#open(preferredPort).catch((error: unknown) => {
      const taken = preferredPort !== 0 && (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
      if (!taken) throw error
      return this.#open(0)
    })
    return this.#opening
  }

  /** Listens on exactly this port (0: any); rejects with `EADDRINUSE` when it is taken. */
  open(port = 0): Promise<void> {
    this.#opening = this.#open(port)
    return this.#opening
  }

  /** Takes no new connection and cuts every open one. */
  async close(sockets: Iterable<Socket> = []): Promise<void> {
    await this.#opening?.catch(() => undefined) // a server that never opened has nothing to close
    if (this.#port === undefined) return
    this.#port = undefined
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve())
      if ('closeAllConnections' in this.#server) this.#server.closeAllConnections()
      for (const socket of sockets) socket.destroy()
    })
  }

  async #open(port: number): Promise<void> {
    this.#port = await listenOn(this.#server, port)
  }
}

function listenOn(server: Server | HttpServer, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: loopback, port, exclusive: true, backlog: 1024 }, () => {
      server.off('error', reject)
      resolve((server.address() as AddressInfo).port) // a TCP server that listens has one
    })
  })
}
