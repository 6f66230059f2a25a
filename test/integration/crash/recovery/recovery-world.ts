import { adapters, createProviders } from '@understudy/adapters'
import { GuestFiles, startSimServer } from '@understudy/cloud-sim'
import type { SimServer } from '@understudy/cloud-sim'
import { aesGcmVault, bootstrap, captureRecoveryPoint, createAccount, getRecoveryPoint, importResource } from '@understudy/control'
import type { Control, Operation, Principal, RecoveryPoint, Resource } from '@understudy/control'
import { ownTags, randomIds, systemClock, systemRandom } from '@understudy/core'
import { openDatabase } from '@understudy/persistence'
import { vi } from 'vitest'
import { startChangeProxy } from './change-proxy.ts'
import type { ChangeProxy } from './change-proxy.ts'

const patience = { timeout: 240_000, interval: 50 }

interface Seeded {
  readonly instanceId: string
  readonly listenerArn: string
  readonly primaryTargetGroupArn: string
  readonly standbyTargetGroupArn: string
  readonly port: number
}

/** One resource with a root and two data disks behind a load balancer, which a worker process looks after. */
export interface RecoveryWorld {
  readonly control: Control
  readonly principal: Principal
  readonly sim: SimServer
  readonly proxy: ChangeProxy
  resource(): Resource
  /** Imports the resource; a worker must be running. */
  adopt(): Promise<void>
  keep(): Promise<RecoveryPoint>
  ended(operation: Operation): Promise<Operation>
  write(text: string): void
  look(): Look
  close(): Promise<void>
}

/** What can be seen of it from outside, and what is there besides. */
export interface Look {
  readonly state: string
  readonly volumes: readonly string[]
  /** Device, and whether its disk goes with the instance. */
  readonly places: readonly string[]
  readonly bytes: readonly string[]
  /** Target groups with a weight, by their healthy members. */
  readonly serving: readonly string[]
  readonly type: string
  readonly tags: Readonly<Record<string, string>>
  readonly terminate: boolean
  /** Of the guest, with what is in them. */
  readonly files: Readonly<Record<string, string>>
  /** Disks that are plugged in nowhere, machines and groups that were made for a drill. */
  readonly loose: readonly string[]
  readonly drills: readonly string[]
}

const masterKeyBytes = new Uint8Array(32).fill(7)
const bucket = { capacity: 10_000, refillPerSecond: 10_000 }
const generous = { read: bucket, mutate: bucket, launch: bucket, start: bucket, snapshot: bucket, tag: bucket, traffic: bucket }

export async function openRecoveryWorld(databaseUrl: string): Promise<RecoveryWorld> {
  const clock = systemClock({ keepAlive: true })
  const database = openDatabase({ url: databaseUrl, poolMax: 4, clock })
  const sim = await startSimServer({ port: 0, speed: 60, seed: 11, listeners: false })
  const proxy = await startChangeProxy(sim.url)
  const vault = aesGcmVault({ keys: new Map([['test', masterKeyBytes]]), current: 'test' })
  const providers = createProviders({ adapters, accounts: () => database.stores.accounts, vault, installation: 'crash', clock, random: systemRandom })
  const settings = { installation: 'crash', armTtlMs: 60_000, webhookAllowedNetworks: [], idempotencyTtlMs: 86_400_000 }
  const control: Control = { database, clock, ids: randomIds, random: systemRandom, vault, providers, settings }
  const made = await bootstrap(database, clock, randomIds)
  if (!made) throw new Error('the test database is not empty')
  const principal: Principal = { keyId: 'key_crash', projectId: made.projectId, role: 'admin', name: 'crash', installationAdmin: true }
  const account = await createAccount(control, principal, {
    ...{ name: 'simulated', provider: 'aws', region: sim.region, settings: { endpoint: proxy.url, limits: generous } },
    credentials: { ...sim.credentials },
  })
  const service = await seed(sim)
  const { dataCentre } = sim
  let resource: Resource | undefined
  const world: RecoveryWorld = {
    ...{ control, principal, sim, proxy },
    resource() {
      if (resource === undefined) throw new Error('it has not been imported yet')
      return resource
    },
    async adopt() {
      const { instanceId: nativeId, ...native } = service
      await importResource(control, principal, { accountId: account.id, nativeId, name: 'web', traffic: { mechanism: 'lb-weight', native } })
      const [found] = await vi.waitUntil(async () => {
        const imported = await database.stores.resources.findByNativeIds(account.id, [nativeId])
        // Its last step writes tags.
        return imported.length > 0 && (await database.stores.operations.listUnfinished({ limit: 10 })).length === 0 ? imported : undefined
      }, patience)
      resource = found
    },
    async keep() {
      const operation = await world.ended(await captureRecoveryPoint(control, principal, { resourceId: world.resource().id, reason: 'a crash' }))
      if (operation.status !== 'succeeded') throw new Error(`nothing was kept: ${operation.error?.message}`)
      return getRecoveryPoint(control, principal, { id: (operation.params as { pointId: string }).pointId })
    },
    ended: ({ id }) =>
      vi.waitUntil(async () => {
        const found = await database.stores.operations.findById(id)
        // Refreshes that a rollback asks for belong to it.
        return found?.finishedAt === undefined || (await database.stores.operations.listUnfinished({ limit: 10 })).length > 0 ? undefined : found
      }, patience),
    write(text) {
      for (const { volumeId } of devicesOf(sim, service)) dataCentre.blocks.write(volumeId, 0, Buffer.from(text))
    },
    look: () => look(sim, service),
    async close() {
      await providers.close()
      await database.close()
      await proxy.close()
      await sim.close()
    },
  }
  return world
}

async function seed(sim: SimServer): Promise<Seeded> {
  const body = JSON.stringify({ name: 'web', count: 1, purchase: 'on-demand' })
  const response = await fetch(`${sim.url}/_sim/seed`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  const { services } = (await response.json()) as { services: Seeded[] }
  const { instanceId, listenerArn, primaryTargetGroupArn, standbyTargetGroupArn, port } = services[0]! // one was asked for
  const { instances, storage } = sim.dataCentre
  await vi.waitUntil(() => instances.get(instanceId)?.state === 'running', patience)
  const { volumeId } = storage.createVolume({ zone: instances.get(instanceId)!.zone, sizeGiB: 1 })
  await vi.waitUntil(() => storage.getVolume(volumeId)?.state === 'available', patience)
  storage.attach({ volumeId, instanceId, device: '/dev/sdg' })
  await vi.waitUntil(() => storage.getVolume(volumeId)?.attachment?.state === 'attached', patience)
  return { instanceId, listenerArn, primaryTargetGroupArn, standbyTargetGroupArn, port }
}

const devicesOf = ({ dataCentre }: SimServer, { instanceId }: Seeded) =>
  dataCentre.instances.get(instanceId)!.blockDevices.toSorted((a, b) => (a.deviceName < b.deviceName ? -1 : 1))

function look(sim: SimServer, service: Seeded): Look {
  const { dataCentre } = sim
  const { state, instanceType: type, tags, disableApiTermination: terminate } = dataCentre.instances.get(service.instanceId)!
  const devices = devicesOf(sim, service)
  const [listener] = dataCentre.balancers.describeListeners({ listenerArns: [service.listenerArn] })
  const forward = listener?.defaultActions.find((action) => action.kind === 'forward')
  const serving = (forward?.targetGroups ?? [])
    .filter(({ weight }) => weight > 0)
    .flatMap(({ targetGroupArn }) => dataCentre.balancers.targetHealth(targetGroupArn))
    .filter(({ health }) => health === 'healthy')
    .map(({ instanceId }) => instanceId)
  const guest = new GuestFiles(dataCentre, service.instanceId)
  const isGone = (of: string): boolean => of === 'terminated' || of === 'shutting-down'
  return {
    ...{ state, type, terminate, serving },
    files: Object.fromEntries(guest.below('/').map((path) => [path, guest.read(path)?.toString() ?? ''])),
    tags: Object.fromEntries(Object.entries(tags).filter(([key]) => !key.startsWith('understudy:'))),
    volumes: devices.map(({ volumeId }) => volumeId),
    places: devices.map(({ deviceName, deleteOnTermination }) => `${deviceName} ${deleteOnTermination}`),
    bytes: devices.map(({ volumeId }) => Buffer.from(dataCentre.blocks.read(volumeId, 0, 4)).toString()),
    loose: dataCentre.storage
      .describeVolumes()
      .items.filter(({ attachment }) => attachment === undefined)
      .map(({ volumeId }) => volumeId)
      .toSorted(),
    drills: [
      ...[...dataCentre.instances.all()].filter((instance) => instance.tags[ownTags.drill] !== undefined && !isGone(instance.state)),
      ...dataCentre.network.describeSecurityGroups().items.filter((group) => group.tags[ownTags.drill] !== undefined),
    ].map((left) => JSON.stringify(left.tags)),
  }
}
