import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Clock, type JsonObject, type Random, seededRandom, systemClock } from '@understudy/core'
import { AccessKeys, type AccessKey, simulatedAccessKeyId, simulatedAccountId, simulatedSecretAccessKey } from './aws/access-keys.ts'
import { answer } from './aws/front.ts'
import type { QueueService } from './aws/sqs/service.ts'
import type { Cloud } from './clouds/cloud.ts'
import { handleControl } from './control/handle.ts'
import { controlRoutes } from './control/routes.ts'
import { ScaledClock } from './control/scaled-clock.ts'
import { type RegionEndpoints, type RegionState, SimulatedRegion } from './control/simulated-region.ts'
import { loadState, StateFile } from './control/state-file.ts'
import { readBody } from './data-plane/read-body.ts'
import { Door, loopback } from './data-plane/sockets.ts'
import { diskBlockStore } from './datacentre/block-store-disk.ts'
import type { DataCentre, DataCentreOptions } from './datacentre/datacentre.ts'
import { ConnectionReset } from './datacentre/sim-error.ts'

export { simulatedAccessKeyId, simulatedAccountId, simulatedSecretAccessKey }

export interface SimServerOptions {
  /** Loopback port; 0 or absent for any free one. */
  readonly port?: number
  readonly region?: string
  readonly accountId?: string
  readonly seed?: number
  /** Where state and volumes are kept. Absent: in memory only. */
  readonly stateDirectory?: string
  /** `false`: scale mode, nothing but the API itself listens. */
  readonly listeners?: boolean
  /** How fast the simulated clock runs beside `clock`. */
  readonly speed?: number
  /** What the simulated clock is driven by, and what signatures are checked against. */
  readonly clock?: Clock
  readonly latencies?: DataCentreOptions['latencies']
  readonly rateLimits?: boolean
  readonly consistency?: DataCentreOptions['consistency']
  readonly stateChangeEvents?: boolean
  /** Other clouds that run beside this region, and are controlled below `/_sim/<name>`. */
  readonly clouds?: readonly Cloud[]
  /** Told of bugs; a caller of the API sees `InternalError` only. */
  readonly onInternalError?: (error: unknown) => void
}

export interface SimServer {
  /** Endpoint for every simulated service, for instance `http://127.0.0.1:41234`. */
  readonly url: string
  readonly region: string
  /** Replaced by a reset: read it anew instead of keeping it. */
  readonly dataCentre: DataCentre
  readonly queues: QueueService
  readonly clock: ScaledClock
  readonly keys: AccessKeys
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
  /** Where things really listen, once everything that is opening has opened. */
  endpoints(): Promise<RegionEndpoints>
  /** Forgets everything, volumes included. */
  reset(): Promise<void>
  close(): Promise<void>
}

/** Starts a simulated AWS region on loopback. */
export async function startSimServer(options: SimServerOptions = {}): Promise<SimServer> {
  const saved = options.stateDirectory === undefined ? undefined : ((await loadState(options.stateDirectory)) as unknown as SavedState | undefined) // our own file; `restore` checks its format
  const server = new Simulation(options, saved)
  await server.open()
  return server
}

interface SavedState {
  readonly nowMs: number
  readonly keys: readonly AccessKey[]
  readonly region: RegionState
}

/** Calls that change nothing need not be written down. */
const readsOnly = /(^|&)Action=(Describe|Get|List)/

class Simulation implements SimServer {
  readonly clock: ScaledClock
  readonly keys: AccessKeys
  readonly credentials = { accessKeyId: simulatedAccessKeyId, secretAccessKey: simulatedSecretAccessKey }
  readonly #options: SimServerOptions
  readonly #wallClock: Clock
  readonly #random: Random
  readonly #door: Door
  readonly #stateFile: StateFile | undefined
  readonly #onInternalError: (error: unknown) => void
  #region: SimulatedRegion
  #url = ''
  #resetting: Promise<void> | undefined
  #closing: Promise<void> | undefined

  constructor(options: SimServerOptions, saved: SavedState | undefined) {
    this.#options = options
    this.#wallClock = options.clock ?? systemClock()
    this.#random = seededRandom(options.seed ?? 1)
    this.#onInternalError = options.onInternalError ?? ((error) => process.emitWarning(error instanceof Error ? error : String(error)))
    // Simulated time never runs backwards over a restart, even when it was ahead of the machine's.
    const startMs = Math.max(this.#wallClock.nowMs(), saved?.nowMs ?? 0)
    this.clock = new ScaledClock(this.#wallClock, { startMs, ...(options.speed === undefined ? {} : { speed: options.speed }) })
    this.keys = new AccessKeys(options.accountId ?? simulatedAccountId)
    for (const key of saved?.keys ?? []) this.keys.restore(key)
    this.#stateFile =
      options.stateDirectory === undefined
        ? undefined
        : new StateFile({
            directory: options.stateDirectory,
            clock: this.#wallClock,
            snapshot: () => this.#snapshot(),
            onError: this.#onInternalError,
          })
    this.#region = this.#makeRegion(saved?.region)
    const http = createServer({ keepAliveTimeout: 75_000, requestTimeout: 0 }, (request, response) => {
      this.#receive(request, response).catch((error: unknown) => {
        this.#onInternalError(error)
        response.destroy()
      })
    })
    this.#door = new Door(http)
  }

  get url(): string {
    return this.#url
  }
  get region(): string {
    return this.#region.dataCentre.region
  }
  get dataCentre(): DataCentre {
    return this.#region.dataCentre
  }
  get queues(): QueueService {
    return this.#region.queues
  }

  async open(): Promise<void> {
    await this.#door.open(this.#options.port)
    this.#url = `http://${loopback}:${this.#door.port}`
  }

  endpoints(): Promise<RegionEndpoints> {
    return this.#region.endpoints(this.#url)
  }

  reset(): Promise<void> {
    this.#resetting ??= this.#reset().finally(() => {
      this.#resetting = undefined
    })
    return this.#resetting
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await this.#door.close()
    await this.#stateFile?.close()
    await this.#region.close()
  }

  async #reset(): Promise<void> {
    await this.#region.close()
    if (this.#options.stateDirectory !== undefined) await rm(blocksPath(this.#options.stateDirectory), { recursive: true, force: true })
    this.#region = this.#makeRegion(undefined)
    await this.#stateFile?.save()
  }

  #makeRegion(state: RegionState | undefined): SimulatedRegion {
    const { region, accountId, latencies, rateLimits, consistency, stateChangeEvents, stateDirectory } = this.#options
    return new SimulatedRegion({
      dataCentre: {
        clock: this.clock,
        random: this.#random,
        accountId: accountId ?? simulatedAccountId,
        ...(region === undefined ? {} : { region }),
        ...(latencies === undefined ? {} : { latencies }),
        ...(rateLimits === undefined ? {} : { rateLimits }),
        ...(consistency === undefined ? {} : { consistency }),
        ...(stateChangeEvents === undefined ? {} : { stateChangeEvents }),
        ...(stateDirectory === undefined ? {} : { blocks: diskBlockStore(blocksPath(stateDirectory)) }),
      },
      wallClock: this.#wallClock,
      listeners: this.#options.listeners ?? true,
      onChange: () => this.#stateFile?.touch(),
      onError: this.#onInternalError,
      ...(state === undefined ? {} : { state }),
    })
  }

  #snapshot(): JsonObject {
    const state: SavedState = { nowMs: this.clock.nowMs(), keys: this.keys.all(), region: this.#region.state() }
    return state as unknown as JsonObject // plain data; written with JSON.stringify
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request)
    if (body === undefined) {
      send(response, 413, 'text/plain', 'the request is too large')
      return
    }
    const url = request.url ?? '/'
    if (url.startsWith('/_sim/')) await this.#control(request, response, url, body)
    else await this.#call(request, response, url, body)
  }

  async #control(request: IncomingMessage, response: ServerResponse, url: string, body: string): Promise<void> {
    // A page in a browser can be made to reach loopback under a name of its own; this endpoint is for loopback's own names.
    // The same for a page of another origin that posts here without asking.
    const origin = request.headers.origin
    const strange = origin !== undefined && !isLoopback(URL.parse(origin)?.hostname)
    if (!isLoopback(request.headers.host?.replace(/:\d+$/, '')) || strange) {
      send(response, 403, 'application/json', JSON.stringify({ error: 'the control endpoint answers on 127.0.0.1 only' }))
      return
    }
    const [path = ''] = url.slice('/_sim'.length).split('?')
    const method = request.method ?? 'GET'
    const cloud = this.#options.clouds?.find(({ name }) => path.startsWith(`/${name}/`))
    if (cloud !== undefined) {
      const { status, body: answered } = await cloud.control({ method, path: path.slice(cloud.name.length + 1), text: body })
      send(response, status, 'application/json', JSON.stringify(answered))
      return
    }
    const controlled = { region: this.#region, keys: this.keys, clock: this.clock, baseUrl: this.#url, reset: () => this.reset() }
    const reply = await handleControl(controlRoutes, controlled, { method, path, text: body })
    if (method !== 'GET') this.#stateFile?.touch()
    send(response, reply.status, 'application/json', JSON.stringify(reply.body))
  }

  async #call(request: IncomingMessage, response: ServerResponse, url: string, body: string): Promise<void> {
    const gone = new AbortController()
    response.once('close', () => gone.abort())
    const regions = new Map([[this.#region.dataCentre.region, this.#region]])
    try {
      const reply = await answer(
        {
          regions,
          keys: this.keys,
          wallClock: this.#wallClock,
          random: this.#random,
          baseUrl: () => this.#url,
          onInternalError: this.#onInternalError,
        },
        { method: request.method ?? 'GET', url, headers: request.headers, body, signal: gone.signal },
      )
      send(response, reply.status, reply.contentType, reply.body, reply.headers)
    } catch (error) {
      if (!(error instanceof ConnectionReset)) throw error
      request.socket.resetAndDestroy()
    } finally {
      if (!readsOnly.test(body)) this.#stateFile?.touch()
    }
  }
}

function send(
  response: ServerResponse,
  status: number,
  contentType: string,
  body: string | Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (response.destroyed) return
  response.writeHead(status, { ...headers, 'content-type': contentType, 'content-length': Buffer.byteLength(body) })
  response.end(body)
}

const isLoopback = (host: string | undefined): boolean => host === loopback || host === 'localhost'

const blocksPath = (stateDirectory: string): string => join(stateDirectory, 'blocks')
