import { adapters, createProviders } from '@understudy/adapters'
import { aesGcmVault, bootstrap, createAccount, createSignal, importResource, protectResource } from '@understudy/control'
import type { Account, Control, Operation, Principal, Resource, Shadow, Tier } from '@understudy/control'
import { randomIds, systemClock, systemRandom } from '@understudy/core'
import { openDatabase } from '@understudy/persistence'
import { vi } from 'vitest'
import type { Cloud, CrashCloud, Service } from './clouds/cloud.ts'
import { unlessAway } from './unavailable.ts'

const masterKeyBytes = new Uint8Array(32).fill(7)
export const masterKeyText = `test:${Buffer.from(masterKeyBytes).toString('base64')}`

/** A resource with what stands for it, before anything happens. */
export interface Protected {
  readonly service: Service
  readonly resource: Resource
  readonly shadow: Shadow
}

/** A database, a simulated cloud over HTTP and the application's use-cases in this process; the workers are processes of their own. */
export interface CrashWorld {
  readonly databaseUrl: string
  readonly control: Control
  readonly principal: Principal
  readonly account: Account
  readonly cloud: CrashCloud
  /** Lets the cloud say that it takes the instance, long ahead: what is tested is the crash, not the race with the reclaim. */
  interrupt(nativeId: string, copies?: number): Promise<void>
  /** Has it said so many times more. */
  repeatNotice(nativeId: string, times: number): Promise<void>
  /** Lets the cloud take the instance without a word, or with one that comes after it has gone. */
  reclaim(nativeId: string, how?: { readonly noticeAfterMs: number }): void
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

/** How long anything is waited for. It ends a test that hangs; how fast things go on a busy machine is not what is tested. */
export const patienceMs = 180_000

const longNoticeMs = 86_400_000

export async function createCrashWorld(databaseUrl: string, { open }: Pick<Cloud, 'open'>): Promise<CrashWorld> {
  const clock = systemClock({ keepAlive: true })
  const database = openDatabase({ url: databaseUrl, poolMax: 6, clock, connectTimeoutMs: 60_000 })
  const cloud = await open()
  const vault = aesGcmVault({ keys: new Map([['test', masterKeyBytes]]), current: 'test' })
  const providers = createProviders({ adapters, accounts: () => database.stores.accounts, vault, installation: 'crash', clock, random: systemRandom })
  const settings = { installation: 'crash', armTtlMs: 60_000, webhookAllowedNetworks: [], idempotencyTtlMs: 86_400_000 }
  const control: Control = { database, clock, ids: randomIds, random: systemRandom, vault, providers, settings }
  const principal = await firstPrincipal(control)
  const account = await createAccount(control, principal, { name: 'simulated', ...cloud.account })
  const { stores } = database
  let away = Promise.resolve()
  /** By the data centre's own name; what has gone is not among the machines any more, and has kept it. */
  const instances = new Map<string, string>()
  const instanceOf = (nativeId: string): string => {
    for (const machine of cloud.machines()) instances.set(machine.nativeId, machine.instanceId)
    return instances.get(nativeId) ?? nativeId
  }
  const documents = new Map<string, NonNullable<ReturnType<NonNullable<CrashCloud['metadata']>>>>()
  /** As an agent in the machine does, where the cloud tells nobody else; what it has sent may come once more when the machine has gone. */
  const forward = async (nativeId: string): Promise<boolean> => {
    const read = cloud.metadata?.(instanceOf(nativeId)) ?? documents.get(nativeId)
    if (read === undefined) return false
    documents.set(nativeId, read)
    await createSignal(control, principal, { accountId: account.id, nativeId, ...read })
    return true
  }
  const world: CrashWorld = {
    databaseUrl,
    control,
    principal,
    account,
    cloud,
    async interrupt(nativeId, copies = 1) {
      cloud.dataCentre.market.interrupt(instanceOf(nativeId), { noticeMs: longNoticeMs, copies })
      for (let copy = 0; copy < copies; copy++) await forward(nativeId)
    },
    async repeatNotice(nativeId, times) {
      for (let time = 0; time < times; time++) if (!(await forward(nativeId))) cloud.dataCentre.market.repeatNotice(instanceOf(nativeId))
    },
    reclaim: (nativeId, how) => cloud.dataCentre.market.reclaim(instanceOf(nativeId), how),
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
        { timeout: timeoutMs, interval: 100 },
      ),
    whileAway(restart) {
      away = restart
      return restart
    },
    async untilProtected(resourceIds, timeoutMs = patienceMs) {
      await vi.waitUntil(
        async () => {
          const resources = await unlessAway(stores.resources.findManyById(resourceIds))
          return resourceIds.every((id) => resources?.get(id)?.status === 'protected')
        },
        { timeout: timeoutMs, interval: 100 },
      )
    },
    async close() {
      await providers.close()
      await database.close()
      await cloud.close()
    },
  }
  return world
}

const isOver = (status: string): boolean => ['succeeded', 'failed', 'stuck', 'cancelled'].includes(status)

async function firstPrincipal(control: Control): Promise<Principal> {
  const made = await bootstrap(control.database, control.clock, control.ids)
  if (!made) throw new Error('the test database is not empty')
  return { keyId: 'key_crash', projectId: made.projectId, role: 'admin', name: 'crash', installationAdmin: true }
}

async function protect(world: CrashWorld, prefix: string, count: number, tier: Tier): Promise<readonly Protected[]> {
  const { control, principal, account, cloud } = world
  const services = await cloud.seed(prefix, count)
  for (const { nativeId, name, traffic } of services) await importResource(control, principal, { accountId: account.id, nativeId, name, traffic })
  const { stores } = control.database
  const nativeIds = services.map((service) => service.nativeId)
  // The import's last step is the tags on the primary: a failover before it would be another test.
  const resources = await vi.waitUntil(
    async () => {
      const found = await unlessAway(stores.resources.findByNativeIds(account.id, nativeIds))
      const imports = await unlessAway(stores.operations.listUnfinished({ kinds: ['resource.import'], limit: 100 }))
      return found?.length === count && imports?.length === 0 ? found : undefined
    },
    { timeout: patienceMs, interval: 100 },
  )
  for (const resource of resources) await protectResource(control, principal, { id: resource.id, seenVersion: resource.version, tier })
  await world.untilProtected(resources.map((resource) => resource.id))
  const shadows = await stores.shadows.listAlive(resources.map((resource) => resource.id))
  return Promise.all(
    services.map(async (service) => {
      const { id } = resources.find((resource) => resource.nativeId === service.nativeId) ?? {}
      const shadow = shadows.find((candidate) => candidate.resourceId === id)
      if (id === undefined || !shadow) throw new Error(`${service.name} has no shadow`)
      return { service, resource: await world.resource(id), shadow }
    }),
  )
}

/** What calls about a failover of it may name. */
export function namesOf({ cloud }: CrashWorld, { service, resource, shadow }: Protected): string[] {
  const machines = cloud.machines().filter(({ nativeId }) => nativeId === resource.nativeId || nativeId === shadow.nativeId)
  const ids = [resource.id, resource.nativeId, ...(shadow.nativeId === undefined ? [] : [shadow.nativeId])]
  return [...ids, ...service.names, ...machines.flatMap(({ names }) => names)]
}
