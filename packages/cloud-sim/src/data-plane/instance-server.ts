import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { DataCentre } from '../datacentre/datacentre.ts'
import { Door } from './sockets.ts'

/** What the guest keeps in memory: gone when it is stopped or rebooted, kept when it hibernates. */
export interface GuestMemory {
  readonly bootId: string
  counter: number
}

/** How the guests answer; may be changed while they run. */
export interface GuestBehaviour {
  /** Milliseconds before each answer. */
  latencyMs: number
}

const maxDelayMs = 60_000
const maxDiskBytes = 1_048_576

/**
 * The web service a simulated guest runs: `/` says who answers, `/healthz` that it is well, `/counter` counts in memory,
 * `/disk` reads and writes the bytes of a volume, `/echo` gives a body back. `?delayMs=` makes any answer slow.
 */
export class InstanceServer {
  readonly instanceId: string
  readonly memory: GuestMemory
  readonly #dataCentre: DataCentre
  readonly #behaviour: GuestBehaviour
  readonly #nativeIdOf: (instanceId: string) => string
  readonly #door: Door
  #inFlight = 0

  constructor(options: {
    instanceId: string
    dataCentre: DataCentre
    behaviour: GuestBehaviour
    memory: GuestMemory
    nativeIdOf: (instanceId: string) => string
  }) {
    this.#nativeIdOf = options.nativeIdOf
    this.instanceId = options.instanceId
    this.memory = options.memory
    this.#dataCentre = options.dataCentre
    this.#behaviour = options.behaviour
    const server = createServer({ keepAliveTimeout: 0, requestTimeout: 0 }, (request, response) => this.#receive(request, response))
    this.#door = new Door(server)
  }

  get port(): number | undefined {
    return this.#door.port
  }

  open(): Promise<void> {
    return this.#door.open()
  }

  close(): Promise<void> {
    return this.#door.close()
  }

  #receive(request: IncomingMessage, response: ServerResponse): void {
    this.#inFlight += 1
    response.once('close', () => {
      this.#inFlight -= 1
    })
    const url = request.url ?? '/'
    const query = url.indexOf('?')
    const search = query < 0 ? undefined : new URLSearchParams(url.slice(query))
    const path = query < 0 ? url : url.slice(0, query)
    const delayMs = Math.min(Number(search?.get('delayMs') ?? this.#behaviour.latencyMs) || 0, maxDelayMs)
    if (delayMs === 0) this.#answer(request, response, path, search)
    else {
      const cancel = this.#dataCentre.clock.schedule(delayMs, () => this.#answer(request, response, path, search))
      response.once('close', cancel)
    }
  }

  #answer(request: IncomingMessage, response: ServerResponse, path: string, search: URLSearchParams | undefined): void {
    if (path === '/healthz') return send(response, 200, 'ok', 'text/plain')
    if (path === '/echo') {
      response.writeHead(200, { 'content-type': request.headers['content-type'] ?? 'application/octet-stream', 'x-instance-id': this.instanceId })
      request.pipe(response)
      return undefined
    }
    if (path === '/disk') return this.#disk(request, response, search ?? new URLSearchParams())
    if (path === '/counter' && request.method === 'POST') this.memory.counter += 1
    request.resume()
    return send(response, 200, JSON.stringify(this.#identity()), 'application/json')
  }

  #identity(): object {
    const instance = this.#dataCentre.instances.get(this.instanceId)
    return {
      instanceId: this.#nativeIdOf(this.instanceId),
      bootId: this.memory.bootId,
      name: instance?.tags['Name'] ?? '',
      zone: instance?.zone,
      instanceType: instance?.instanceType,
      counter: this.memory.counter,
      /** This request and the others under way. */
      inFlight: this.#inFlight,
    }
  }

  /** `GET /disk?offset=&length=` and `PUT /disk?offset=` on the volume at `device` (default: the root device). */
  #disk(request: IncomingMessage, response: ServerResponse, search: URLSearchParams): void {
    const instance = this.#dataCentre.instances.get(this.instanceId)
    const device = search.get('device') ?? instance?.rootDeviceName
    const volumeId = instance?.blockDevices.find((candidate) => candidate.deviceName === device)?.volumeId
    if (volumeId === undefined) return send(response, 404, 'no such device', 'text/plain')
    const offset = Number(search.get('offset') ?? 0)
    const length = Math.min(Number(search.get('length') ?? 512), maxDiskBytes)
    if (![offset, length].every((value) => Number.isSafeInteger(value) && value >= 0))
      return send(response, 400, 'offset and length are whole numbers', 'text/plain')
    if (request.method !== 'PUT')
      return this.#guarded(response, () =>
        send(response, 200, Buffer.from(this.#dataCentre.blocks.read(volumeId, offset, length)), 'application/octet-stream'),
      )
    const chunks: Buffer[] = []
    let size = 0
    request.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size <= maxDiskBytes) chunks.push(chunk)
    })
    request.on('end', () => {
      if (size > maxDiskBytes) return send(response, 413, 'too much for one write', 'text/plain')
      return this.#guarded(response, () => {
        this.#dataCentre.blocks.write(volumeId, offset, Buffer.concat(chunks))
        send(response, 200, String(size), 'text/plain')
      })
    })
    return undefined
  }

  #guarded(response: ServerResponse, work: () => void): void {
    try {
      work()
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      send(response, 416, error.message, 'text/plain')
    }
  }
}

function send(response: ServerResponse, status: number, body: string | Buffer, contentType: string): void {
  response.writeHead(status, { 'content-type': contentType, 'content-length': Buffer.byteLength(body) })
  response.end(body)
}
