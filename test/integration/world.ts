import { adapters, createProviders } from '@understudy/adapters'
import { startSimServer } from '@understudy/cloud-sim'
import type { SimServer, SimServerOptions } from '@understudy/cloud-sim'
import { aesGcmVault, bootstrap, createAccount, failureOf, importResource, protectResource, wakeReconciler } from '@understudy/control'
import type { Account, Control, ImportRequest, Operation, Principal, Resource, Tier } from '@understudy/control'
import { Secret, randomIds, systemClock, systemRandom } from '@understudy/core'
import type { Clock } from '@understudy/core'
import { openDatabase } from '@understudy/persistence'
import { openQueue } from '@understudy/queue'
import type { QueueBackend } from '@understudy/queue'
import type { RunnerEvent } from '@understudy/saga'
import { createTestDatabase } from '@understudy/testing'
import { createWebhookSender, startWorker } from '@understudy/worker'
import type { RunningWorker } from '@understudy/worker'
import { randomUUID } from 'node:crypto'
import { vi } from 'vitest'

/** A whole installation in one process: a real database, a real queue, a worker, and a simulated region over real HTTP. */
export interface World {
  readonly control: Control
  readonly databaseUrl: string
  readonly sim: SimServer
  readonly principal: Principal
  readonly account: Account
  readonly worker: RunningWorker
  readonly events: readonly RunnerEvent[]
  /** What went wrong in the worker. That a busy machine keeps the database's answer waiting is none of it: it is asked again. */
  readonly errors: readonly string[]
  /** A running web service behind a load balancer of its own. */
  seed(name: string, how?: { readonly purchase?: 'spot' | 'on-demand'; readonly placementGroup?: string }): Promise<SeededService>
  /** Imports it and waits for the resource. */
  adopt(service: SeededService): Promise<Resource>
  /** Imports an instance, of the account of this world if none is named, and waits until that has ended well. */
  imported(request: Omit<ImportRequest, 'accountId'> & { readonly accountId?: string; readonly nativeId: string }): Promise<Resource>
  /** Protects it and waits until the promised shadows are proven. */
  protect(resource: Resource, tier?: Partial<Tier>): Promise<Resource>
  resource(id: string): Promise<Resource>
  /** The operation, when it has come to its end. */
  ended(operation: Pick<Operation, 'id'>, patience?: Patience): Promise<Operation>
  /** Has a reconciler pass now, and not only when its time has come. */
  wake(reconciler: string): Promise<void>
  close(): Promise<void>
}

interface Patience {
  readonly timeout: number
  readonly interval: number
}

export interface SeededService {
  readonly instanceId: string
  readonly listenerArn: string
  readonly primaryTargetGroupArn: string
  readonly standbyTargetGroupArn: string
  readonly port: number
}

export const hotTier: Tier = {
  shadows: 1,
  readiness: 'hot',
  zones: 'other',
  instanceType: undefined,
  purchase: 'spot',
  holdMemory: false,
  proofMaxAgeSeconds: 3600,
  formerPrimary: 'terminate',
}

/** Short latencies, so that a test does not wait for a simulated cloud's minutes. */
const quick: SimServerOptions = { port: 0, speed: 10 }

export async function createWorld(
  options: {
    readonly backend?: (databaseUrl: string) => QueueBackend
    readonly sim?: SimServerOptions
    /** Of everything but the clouds. A test that lets hours pass on it gives leases that outlive them. */
    readonly clock?: Clock
    readonly leaseMs?: number
    /** Hears of every step as it begins and ends. */
    readonly observe?: (event: RunnerEvent) => void
  } = {},
): Promise<World> {
  const clock = options.clock ?? systemClock({ keepAlive: true })
  const testDatabase = await createTestDatabase()
  const database = openDatabase({ url: testDatabase.url, clock, connectTimeoutMs: 60_000 })
  const sim = await startSimServer({ ...quick, ...options.sim })
  const vault = aesGcmVault({ keys: new Map([['test', new Uint8Array(32).fill(7)]]), current: 'test' })
  const providers = createProviders({ adapters, accounts: () => database.stores.accounts, vault, installation: 'test', clock, random: systemRandom })
  const control: Control = {
    database,
    clock,
    ids: randomIds,
    random: systemRandom,
    vault,
    providers,
    settings: { installation: 'test', armTtlMs: 60_000, webhookAllowedNetworks: ['127.0.0.0/8'], idempotencyTtlMs: 86_400_000 },
  }
  const principal = await firstPrincipal(control)
  const endpoints = await sim.endpoints()
  const queueUrl = endpoints.queues.find((queue) => queue.name === 'understudy-events')?.url
  const account = await createAccount(control, principal, {
    name: 'simulated',
    provider: 'aws',
    region: sim.region,
    settings: {
      ...{ endpoint: sim.url, ...(queueUrl === undefined ? {} : { eventsQueueUrl: queueUrl }) },
      ...(endpoints.proxy === undefined ? {} : { probeProxy: endpoints.proxy }),
    },
    credentials: { ...sim.credentials },
  })
  const errors: string[] = []
  const events: RunnerEvent[] = []
  const backend = options.backend?.(testDatabase.url) ?? { kind: 'postgres', url: new Secret(testDatabase.url) }
  const queue = await openQueue({ backend, clock, prefix: randomUUID(), onError: (error) => errors.push(`queue: ${String(error)}`) })
  const worker = await startWorker({
    control,
    queue,
    runnerId: 'worker-1',
    concurrencyMax: 64,
    leaseMs: options.leaseMs ?? 10_000,
    sender: createWebhookSender({ clock, allowedNetworks: ['127.0.0.0/8'] }),
    observe(event) {
      events.push(event)
      options.observe?.(event)
    },
    onError(where, error) {
      if (failureOf(error).code !== 'unavailable') errors.push(`${where}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
    },
    pollers: { parallel: 2, waitSeconds: 2, refreshMs: 500 },
  })
  const world: World = {
    control,
    databaseUrl: testDatabase.url,
    sim,
    principal,
    account,
    worker,
    events,
    errors,
    seed: (name, how) => seed(sim, { name, ...how }),
    adopt: (service) => adopt(world, service),
    imported: (request) => imported(world, { accountId: account.id, ...request }),
    protect: (resource, tier) => protect(world, resource, { ...hotTier, ...tier }),
    async resource(id) {
      const found = await database.stores.resources.findById(id)
      if (!found) throw new Error(`no resource ${id}`)
      return found
    },
    ended: ({ id }, patience = { timeout: 300_000, interval: 100 }) =>
      vi.waitUntil(async () => {
        const found = await database.stores.operations.findById(id)
        return found?.finishedAt === undefined ? undefined : found
      }, patience),
    wake: (reconciler) => database.stores.outbox.append([wakeReconciler(control, reconciler)]),
    async close() {
      await worker.stop()
      await queue.close()
      await providers.close()
      await database.close()
      await sim.close()
      await testDatabase.drop()
    },
  }
  return world
}

async function firstPrincipal(control: Control): Promise<Principal> {
  const made = await bootstrap(control.database, control.clock, control.ids)
  if (!made) throw new Error('the test database is not empty')
  const [key] = await control.database.stores.access.listKeys(made.projectId, { after: undefined, limit: 1 })
  if (!key) throw new Error('bootstrap made no key')
  return { keyId: key.id, projectId: made.projectId, role: 'admin', name: key.name, installationAdmin: true }
}

async function seed(
  sim: SimServer,
  wanted: { readonly name: string; readonly purchase?: 'spot' | 'on-demand'; readonly placementGroup?: string },
): Promise<SeededService> {
  const response = await fetch(`${sim.url}/_sim/seed`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(wanted),
  })
  const { services } = (await response.json()) as { services: SeededService[] }
  const [service] = services
  if (!service) throw new Error(`the simulated region made no service: ${response.status}`)
  await vi.waitUntil(() => sim.dataCentre.instances.get(service.instanceId)?.state === 'running', { timeout: 120_000 })
  return service
}

async function adopt(world: World, service: SeededService): Promise<Resource> {
  const { listenerArn, primaryTargetGroupArn, standbyTargetGroupArn, port } = service
  return world.imported({
    nativeId: service.instanceId,
    name: service.instanceId,
    traffic: { mechanism: 'lb-weight', native: { listenerArn, primaryTargetGroupArn, standbyTargetGroupArn, port } },
  })
}

async function imported(world: World, request: ImportRequest & { readonly nativeId: string }): Promise<Resource> {
  const { status, error } = await world.ended(await importResource(world.control, world.principal, request))
  if (status !== 'succeeded') throw new Error(`importing ${request.nativeId} ended as ${status}: ${error?.code}: ${error?.message}`)
  return (await world.control.database.stores.resources.findByNativeIds(request.accountId, [request.nativeId]))[0]!
}

async function protect(world: World, resource: Resource, tier: Tier): Promise<Resource> {
  await protectResource(world.control, world.principal, { id: resource.id, seenVersion: resource.version, tier })
  return vi.waitUntil(
    async () => {
      const now = await world.resource(resource.id)
      return now.status === 'protected' ? now : undefined
    },
    { timeout: 120_000, interval: 100 },
  )
}
