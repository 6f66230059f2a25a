import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type Clock, type JsonObject, seededRandom, systemClock } from '@understudy/core'
import { ScaledClock } from '../control/scaled-clock.ts'
import { readBody } from '../data-plane/read-body.ts'
import { Door, loopback } from '../data-plane/sockets.ts'
import type { DataCentre, DataCentreOptions } from '../datacentre/datacentre.ts'
import { ConnectionReset } from '../datacentre/sim-error.ts'
import { answer } from './answer.ts'
import { asGoogle, errorBody, GoogleError } from './fault.ts'
import { operatorOf } from './operator.ts'
import { Project } from './project.ts'
import { seedGoogleRegion } from './seed.ts'

export interface GoogleServerOptions {
  readonly project?: string
  readonly accessToken?: string
  /** Loopback port; 0 or absent for any free one. */
  readonly port?: number
  /** What `GoogleServer.saved` has answered before. */
  readonly saved?: SavedProject
  readonly seed?: number
  /** How fast the simulated clock runs beside the machine's. */
  readonly speed?: number
  readonly latencies?: DataCentreOptions['latencies']
  /** Where the bytes of disks are kept. */
  readonly blocks?: DataCentreOptions['blocks']
  /** Told every exchange, for the oracles of tests. */
  readonly onExchange?: (exchange: Exchange) => void
  /** Told of bugs; a caller of the API sees `backendError` only. */
  readonly onInternalError?: (error: unknown) => void
}
export interface SavedProject {
  readonly nowMs: number
  readonly dataCentre: JsonObject
  readonly records: ReturnType<Project['records']>
}
export interface Exchange {
  readonly method: string
  readonly url: URL
  readonly requestBody: unknown
  readonly status: number
  readonly responseBody: unknown
}
export interface GoogleServer {
  readonly url: string
  readonly project: Project
  readonly dataCentre: DataCentre
  readonly region: string
  readonly accessToken: string
  readonly clock: ScaledClock
  /** Everything there is. Its records are a graph, not a tree. */
  saved(): SavedProject
  close(): Promise<void>
}

/** Starts Compute Engine's REST API (v1) on loopback, in front of a simulated data centre. */
export async function startGoogleServer(options: GoogleServerOptions = {}): Promise<GoogleServer> {
  const { clock, dataCentre, project } = openProject(options)
  const accessToken = options.accessToken ?? 'simulated-access-token'
  const onInternalError = options.onInternalError ?? ((error: unknown) => process.emitWarning(error instanceof Error ? error : String(error)))
  const http = createServer({ keepAliveTimeout: 75_000, requestTimeout: 0 }, (request, response) => {
    receive(request, response).catch((error: unknown) => {
      onInternalError(error)
      response.destroy()
    })
  })
  const door = new Door(http)
  await door.open(options.port)
  const url = `http://${loopback}:${door.port}`

  async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const text = await readBody(request)
    const exchange = { method: request.method ?? 'GET', url: new URL(request.url ?? '/', url) }
    let requestBody: unknown
    let reply: { readonly status: number; readonly body: object }
    try {
      if (text === undefined) throw new GoogleError(413, 'uploadTooLarge', 'The request is larger than this service takes.')
      // A call without a body is sent with an empty JSON text by the SDK.
      requestBody = text === '' || text === '""' || text === 'null' ? {} : parse(text)
      if (request.headers.authorization !== `Bearer ${accessToken}`)
        throw new GoogleError(401, 'authError', 'Request had invalid authentication credentials.')
      // Google's own sign-in service, which whoever holds a token may ask whose it is.
      reply =
        exchange.url.pathname === '/tokeninfo'
          ? { status: 200, body: { email: operatorOf(project.id), scope: 'https://www.googleapis.com/auth/cloud-platform', expires_in: '3599' } }
          : { status: 200, body: await answer(project, exchange.method, exchange.url, requestBody, () => response.destroyed) }
    } catch (error) {
      if (error instanceof ConnectionReset) {
        request.socket.resetAndDestroy()
        return
      }
      const refused = asGoogle(error)
      if (!(refused instanceof GoogleError)) onInternalError(error)
      const shown = refused instanceof GoogleError ? refused : new GoogleError(503, 'backendError', 'Internal error.')
      reply = { status: shown.status, body: errorBody(shown) }
    }
    const body = JSON.stringify(reply.body)
    options.onExchange?.({ ...exchange, requestBody, status: reply.status, responseBody: JSON.parse(body) as unknown })
    response.writeHead(reply.status, { 'content-type': 'application/json; charset=UTF-8', 'content-length': Buffer.byteLength(body) })
    response.end(body)
  }

  return {
    url,
    project,
    dataCentre,
    region: dataCentre.region,
    accessToken,
    clock,
    saved: () => ({ nowMs: clock.nowMs(), dataCentre: dataCentre.serialise(), records: project.records() }),
    async close() {
      await door.close()
      dataCentre.close()
    },
  }
}

/** A project over a data centre, new or as it was saved. */
function openProject(options: GoogleServerOptions): { readonly clock: ScaledClock; readonly dataCentre: DataCentre; readonly project: Project } {
  const wallClock: Clock = systemClock()
  const { saved } = options
  const startMs = Math.max(wallClock.nowMs(), saved?.nowMs ?? 0)
  const clock = new ScaledClock(wallClock, { startMs, ...(options.speed === undefined ? {} : { speed: options.speed }) })
  // After a restart the numbers of before are not given out again.
  const random = seededRandom(((options.seed ?? 1) + (saved?.nowMs ?? 0)) % 0x7fff_ffff)
  const dataCentre = seedGoogleRegion(
    {
      clock,
      random,
      ...(options.latencies === undefined ? {} : { latencies: options.latencies }),
      ...(options.blocks === undefined ? {} : { blocks: options.blocks }),
    },
    saved?.dataCentre,
  )
  const project = new Project(options.project ?? 'sim-project', dataCentre, random)
  if (saved !== undefined) project.restore(saved.records)
  return { clock, dataCentre, project }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new GoogleError(400, 'parseError', 'Invalid JSON payload received.')
  }
}
