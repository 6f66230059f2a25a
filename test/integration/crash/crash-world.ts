import { adapters, createProviders } from '@understudy/adapters'
import { startSimServer } from '@understudy/cloud-sim'
import type { SimServer } from '@understudy/cloud-sim'
import { aesGcmVault, bootstrap, createAccount, importResource, protectResource } from '@understudy/control'
import type { Account, Control, Operation, Principal, Resource, Shadow, Tier } from '@understudy/control'
import { isAppError, randomIds, systemClock, systemRandom } from '@understudy/core'
import { openDatabase } from '@understudy/persistence'
import { vi } from 'vitest'
import { startMutationProxy } from './mutation-proxy.ts'
import type { MutationProxy } from './mutation-proxy.ts'

const masterKeyBytes = new Uint8Array(32).fill(7)
export const masterKeyText = `test:${Buffer.from(masterKeyBytes).toString('base64')}`

export interface Service {
  readonly name: string
  readonly instanceId: string
  readonly listenerArn: string
  readonly primaryTargetGroupArn: string
  readonly standbyTargetGroupArn: string
  readonly port: number
}
/** A resource with what stands for it, before anything happens. */
export interface Protected {
  readonly service: Service
  readonly resource: Resource
  readonly shadow: Shadow
}

/** A database, a simulated region over HTTP and the application's use-cases in this process; the workers are processes of their own. */
export interface CrashWorld {
  readonly databaseUrl: string
  readonly control: Control
  readonly principal: Principal
  readonly account: Account
  readonly sim: SimServer
  readonly proxy: MutationProxy
  /** Makes services, imports and protects them all at once; a worker must be running. */
  protect(prefix: string, count: number, tier: Tier): Promise<readonly Protected[]>
  resource(id: string): Promise<Resource>
  /** Waits until some failover of the resource has ended, and answers all of them. */
  failoversOf(resourceId: string, timeoutMs?: number): Promise<readonly Operation[]>
  /** Waits until the promise to the owner is kept again. */
  untilProtected(resourceIds: readonly string[], timeoutMs?: number): Promise<void>
  /** While this goes on the database is away, and this process does not ask it; the workers are not told. */
  whileAway(restart: Promise<void>): Promise<void>
  close(): Promise<void>
}

export const hotTier: Tier = {
  shadows: 1,
  readiness: 'hot',
  zones: 'other',
  instanceType: undefined,
  purchase: 'on-demand',
  holdMemory: false,
  proofMaxAgeSeconds: 3600,
  formerPrimary: 'terminate',
}
export const parkedTier: Tier = { ...hotTier, readiness: 'parked' }
/** Snapshots and a recipe: a failover launches a replacement. */
export const coldTier: Tier = { ...hotTier, readiness: 'cold' }

/** How long anything is waited for. It ends a test that hangs; how fast things go on a busy machine is not what is tested. */
export const patienceMs = 180_000

/** Notices reach far: what is tested is the crash, not the race with the reclaim. */
export const longNoticeMs = 86_400_000

export async function createCrashWorld(databaseUrl: string, options: { readonly speed?: number } = {}): Promise<CrashWorld> {
  const clock = systemClock({ keepAlive: true })
  const database = openDatabase({ url: databaseUrl, poolMax: 6, clock })
  // Without listeners: real health checks would time out at this speed on a busy machine, and it is not the requests that are tested.
  const sim = await startSimServer({ port: 0, speed: options.speed ?? 60, seed: 11, listeners: false })
  const proxy = await startMutationProxy(sim.url)
  const vault = aesGcmVault({ keys: new Map([['test', masterKeyBytes]]), current: 'test' })
  const providers = createProviders({ adapters, accounts: () => database.stores.accounts, vault, installation: 'crash', clock, random: systemRandom })
  const settings = { installation: 'crash', armTtlMs: 60_000, webhookAllowedNetworks: [], idempotencyTtlMs: 86_400_000 }
  const control: Control = { database, clock, ids: randomIds, random: systemRandom, vault, providers, settings }
  const principal = await firstPrincipal(control)
  const { queues } = await sim.endpoints()
  const eventsQueueUrl = queues.find((queue) => queue.name === 'understudy-events')?.url
  if (eventsQueueUrl === undefined) throw new Error('the simulated region has no event queue')
  const account = await createAccount(control, principal, {
    name: 'simulated',
    provider: 'aws',
    region: sim.region,
    // The published limits of AWS would make the preparation of many services slow; they have tests of their own.
    settings: { endpoint: proxy.url, eventsQueueUrl, limits: generous },
    credentials: { ...sim.credentials },
  })
  const { stores } = database
  let away = Promise.resolve()
  const world: CrashWorld = {
    databaseUrl,
    control,
    principal,
    account,
    sim,
    proxy,
    protect: (prefix, count, tier) => protect(world, prefix, count, tier),
    async resource(id) {
      const found = await stores.resources.findById(id)
      if (!found) throw new Error(`no resource ${id}`)
      return found
    },
    failoversOf: (resourceId, timeoutMs = patienceMs) =>
      vi.waitUntil(
        async () => {
          await away
          const query = { after: undefined, limit: 10, resourceId, kind: 'failover' }
          const operations = await unlessAway(stores.operations.list(principal.projectId, query))
          return operations?.some((operation) => isOver(operation.status)) ? operations : undefined
        },
        { timeout: timeoutMs, interval: 50 },
      ),
    whileAway(restart) {
      away = restart
      return restart
    },
    async untilProtected(resourceIds, timeoutMs = patienceMs) {
      await vi.waitUntil(
        async () => {
          const resources = await stores.resources.findManyById(resourceIds)
          return resourceIds.every((id) => resources.get(id)?.status === 'protected')
        },
        { timeout: timeoutMs, interval: 100 },
      )
    },
    async close() {
      await providers.close()
      await database.close()
      await proxy.close()
      await sim.close()
    },
  }
  return world
}

const isOver = (status: string): boolean => ['succeeded', 'failed', 'stuck', 'cancelled'].includes(status)

/** A database that is away for a moment is part of what is tested: the next look will be answered. */
async function unlessAway<T>(look: Promise<T>): Promise<T | undefined> {
  try {
    return await look
  } catch (error) {
    if (isAppError(error, 'unavailable')) return undefined
    throw error
  }
}

const bucket = { capacity: 10_000, refillPerSecond: 10_000 }
const generous = { read: bucket, mutate: bucket, launch: bucket, start: bucket, snapshot: bucket, tag: bucket, traffic: bucket }

async function firstPrincipal(control: Control): Promise<Principal> {
  const made = await bootstrap(control.database, control.clock, control.ids)
  if (!made) throw new Error('the test database is not empty')
  return { keyId: 'key_crash', projectId: made.projectId, role: 'admin', name: 'crash', installationAdmin: true }
}

async function protect(world: CrashWorld, prefix: string, count: number, tier: Tier): Promise<readonly Protected[]> {
  const { control, principal, account, sim } = world
  const response = await fetch(`${sim.url}/_sim/seed`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    // One zone, so that no shadow shares it with the primary of another service.
    body: JSON.stringify({ name: prefix, count, purchase: 'spot' }),
  })
  const { services } = (await response.json()) as { services: Service[] }
  await vi.waitUntil(() => services.every((service) => sim.dataCentre.instances.get(service.instanceId)?.state === 'running'), {
    timeout: patienceMs,
  })
  for (const { instanceId, name, listenerArn, primaryTargetGroupArn, standbyTargetGroupArn, port } of services) {
    await importResource(control, principal, {
      accountId: account.id,
      nativeId: instanceId,
      name,
      traffic: { mechanism: 'lb-weight', native: { listenerArn, primaryTargetGroupArn, standbyTargetGroupArn, port } },
    })
  }
  const { stores } = control.database
  const nativeIds = services.map((service) => service.instanceId)
  // The import's last step is the tags on the primary: a failover before it would be another test.
  const resources = await vi.waitUntil(
    async () => {
      const found = await stores.resources.findByNativeIds(account.id, nativeIds)
      const imports = await stores.operations.listUnfinished({ kinds: ['resource.import'], limit: 100 })
      return found.length === count && imports.length === 0 ? found : undefined
    },
    { timeout: patienceMs, interval: 50 },
  )
  for (const resource of resources) await protectResource(control, principal, { id: resource.id, seenVersion: resource.version, tier })
  await world.untilProtected(resources.map((resource) => resource.id))
  const shadows = await stores.shadows.listAlive(resources.map((resource) => resource.id))
  return Promise.all(
    services.map(async (service) => {
      const { id } = resources.find((resource) => resource.nativeId === service.instanceId) ?? {}
      const shadow = shadows.find((candidate) => candidate.resourceId === id)
      if (id === undefined || !shadow) throw new Error(`${service.name} has no shadow`)
      return { service, resource: await world.resource(id), shadow }
    }),
  )
}
