import { answerBlob, isBlob } from './blob.ts'
import { createServer } from 'node:https'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Clock, type JsonObject, type Random, seededRandom, systemClock } from '@understudy/core'
import { randomUuid } from '../aws/random-text.ts'
import { ScaledClock } from '../control/scaled-clock.ts'
import { readBody } from '../data-plane/read-body.ts'
import { Door, loopback } from '../data-plane/sockets.ts'
import { restoreDataCentre } from '../datacentre/create-datacentre.ts'
import type { DataCentre, DataCentreOptions } from '../datacentre/datacentre.ts'
import { ConnectionReset } from '../datacentre/sim-error.ts'
import { ArmError } from './arm-error.ts'
import { type ArmReply, type ArmWorld, textAt } from './call.ts'
import { type Certificate, loopbackCertificate } from './certificate.ts'
import { type ArmExchange, observed } from './observed.ts'
import { answerArm, errorReply } from './front.ts'
import { syncPools } from './load-balancers.ts'
import { seedAzureRegion } from './seed.ts'
import { AzureState } from './state.ts'
import { type AzureApplication, TokenService } from './token.ts'
import { forgetVm } from './vm-actions.ts'

export interface AzureServerOptions {
  readonly port?: number
  readonly region?: string
  readonly seed?: number
  /** How fast the simulated clock runs beside `clock`. */
  readonly speed?: number
  readonly clock?: Clock
  readonly latencies?: DataCentreOptions['latencies']
  readonly rateLimits?: boolean
  /** Where the bytes of disks are kept. */
  readonly blocks?: DataCentreOptions['blocks']
  /** What `AzureServer.saved` has answered before. */
  readonly saved?: SavedAzure
  /** Called after every request that may have changed something. */
  readonly onChange?: () => void
  /** What operations say when they are asked too early, in real seconds. Default: 1. 0: nothing is said. */
  readonly retryAfterSeconds?: number
  readonly onInternalError?: (error: unknown) => void
  /** Every request that was answered, and its answer, as they were on the wire. */
  readonly onExchange?: (exchange: ArmExchange) => void
}

export interface SavedAzure {
  readonly nowMs: number
  readonly dataCentre: JsonObject
  readonly application: AzureApplication
  readonly certificate: Certificate
  readonly records: ReturnType<AzureState['records']>
}

export interface AzureServer {
  /** Address of ARM and of the authority: `https://127.0.0.1:41234`. */
  readonly url: string
  /** PEM of what has to be trusted to speak to it. */
  readonly ca: string
  /** Its key, for whoever has to be trusted in the same way. */
  readonly key: string
  readonly subscription: string
  readonly application: AzureApplication
  readonly dataCentre: DataCentre
  readonly state: AzureState
  readonly clock: ScaledClock
  /** Everything there is, its own certificate and credentials among it. Its records are a graph, not a tree. */
  saved(): SavedAzure
  close(): Promise<void>
}

/** Starts a simulated Azure region on loopback: ARM and a token endpoint over TLS, before one data centre. */
export async function startAzureServer(options: AzureServerOptions = {}): Promise<AzureServer> {
  const wallClock = options.clock ?? systemClock()
  const { clock, dataCentre, state, application, newId } = openSubscription(options, wallClock)
  followInstances({ dataCentre, state })
  const tokens = new TokenService(application, () => wallClock.nowMs())
  const certificate = options.saved?.certificate ?? loopbackCertificate(wallClock.nowMs())
  const { key, cert } = certificate
  const onInternalError = options.onInternalError ?? ((error: unknown) => process.emitWarning(error instanceof Error ? error : String(error)))
  let url = ''
  const reply = async (request: IncomingMessage, text: string): Promise<ArmReply> => {
    // As it was asked: whoever came through a gateway is sent back through it, to follow an operation or to get a token.
    const asked = `https://${request.headers.host ?? ''}`
    const origin = URL.canParse(asked) ? asked : url
    const found = tokens.answer(origin, (request.url ?? '/').split('?')[0] ?? '', text)
    if (found !== undefined) return found
    if (!tokens.isValid(request.headers.authorization)) {
      const refusal = errorReply(new ArmError(401, 'InvalidAuthenticationToken', 'The access token is invalid.'))
      return { ...refusal, headers: { 'www-authenticate': `Bearer authorization_uri="${origin}/${application.tenant}"` } }
    }
    const { method = 'GET', headers } = request
    return await answerArm({ dataCentre, state, method, headers, origin, url: request.url ?? '/', text }, onInternalError)
  }
  const http = createServer({ key, cert, keepAliveTimeout: 75_000 }, (request, response) => {
    if (isBlob(request.url)) {
      answerBlob({ dataCentre, state }, request, response)
      return
    }
    receive(request, response, observed(reply, url, options.onExchange), newId)
      .catch((error: unknown) => {
        if (!(error instanceof ConnectionReset)) onInternalError(error)
        request.socket.destroy()
      })
      .finally(() => {
        if (request.method !== 'GET') options.onChange?.()
      })
  })
  const door = new Door(http)
  await door.open(options.port)
  url = `https://${loopback}:${door.port}`
  return {
    url,
    ca: cert,
    key,
    subscription: state.subscription,
    application,
    dataCentre,
    state,
    clock,
    saved: () => ({ nowMs: clock.nowMs(), dataCentre: dataCentre.serialise(), application, certificate, records: state.records() }),
    async close() {
      await door.close()
      dataCentre.close()
    },
  }
}

/** A subscription over a data centre, new or as it was saved. */
function openSubscription(options: AzureServerOptions, wallClock: Clock) {
  const { saved, latencies, rateLimits, blocks } = options
  const clock = new ScaledClock(wallClock, { speed: options.speed ?? 1, startMs: Math.max(wallClock.nowMs(), saved?.nowMs ?? 0) })
  // After a restart the ids of before are not given out again.
  const random: Random = seededRandom(((options.seed ?? 1) + (saved?.nowMs ?? 0)) % 0x7fff_ffff)
  const described: DataCentreOptions = {
    clock,
    random,
    region: options.region ?? 'westeurope',
    ownersRestart: true,
    ...(latencies === undefined ? {} : { latencies }),
    ...(rateLimits === undefined ? {} : { rateLimits }),
    ...(blocks === undefined ? {} : { blocks }),
  }
  const dataCentre = saved === undefined ? seedAzureRegion(described) : restoreDataCentre(described, saved.dataCentre)
  const newId = (): string => randomUuid(random)
  const application = saved?.application ?? { tenant: newId(), clientId: newId(), clientSecret: `simulated-${newId()}`, objectId: newId() }
  const { tenant } = application
  const subscription = saved?.records.subscription ?? newId()
  const state = new AzureState({ subscription, tenant, newId, retryAfterSeconds: options.retryAfterSeconds ?? 1 })
  state.caller = application.objectId
  if (saved !== undefined) state.restore(saved.records, () => isQuiet(dataCentre))
  return { clock, dataCentre, state, application, newId }
}

/** Nothing is on its way from one state to another. */
const isQuiet = ({ instances }: DataCentre): boolean =>
  [...instances.all()].every(({ state }) => state !== 'pending' && state !== 'stopping' && state !== 'shutting-down')

/** Whoever started or ended it: a member of a pool gets requests once it runs, and a machine that was deleted, or evicted for good, is gone. */
function followInstances(world: ArmWorld): void {
  const { dataCentre, state } = world
  dataCentre.subscribe((event) => {
    if (event.kind !== 'instance_state') return
    if (event.to === 'running') syncPools(world)
    if (event.to !== 'terminated') return
    const vm = [...state.vms.values()].find(({ instanceId }) => instanceId === event.instanceId)
    if (vm !== undefined && (vm.deleting || textAt(vm.properties, 'evictionPolicy') === 'Delete')) forgetVm(world, vm)
  })
}

async function receive(
  request: IncomingMessage,
  response: ServerResponse,
  reply: (request: IncomingMessage, text: string) => Promise<ArmReply>,
  newId: () => string,
): Promise<void> {
  const sent = await readBody(request)
  const { status, headers, body } =
    sent === undefined ? errorReply(new ArmError(413, 'RequestEntityTooLarge', 'The request is too large.')) : await reply(request, sent)
  if (response.destroyed) return
  const text = body === undefined ? '' : JSON.stringify(body)
  response.writeHead(status, {
    ...headers,
    'x-ms-request-id': newId(),
    'x-ms-ratelimit-remaining-subscription-reads': '249',
    ...(text === '' ? {} : { 'content-type': 'application/json; charset=utf-8', 'content-length': Buffer.byteLength(text) }),
  })
  response.end(text)
}
