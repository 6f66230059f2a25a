import { GuestFiles } from '@understudy/cloud-sim'
import { captureRecoveryPoint, getRecoveryPoint, importResource } from '@understudy/control'
import type { Control, Operation, Principal, RecoveryPoint, Resource } from '@understudy/control'
import type { Labels } from '@understudy/core'
import { vi } from 'vitest'
import type { CrashCloud } from '../clouds/cloud.ts'
import { createCrashWorld } from '../crash-world.ts'
import { unlessAway } from '../unavailable.ts'
import type { OpenRecoveryCloud, RecoveryCloud, Site } from './clouds/recovery-cloud.ts'

const patience = { timeout: 900_000, interval: 100 }

/** One resource with a root and two data disks behind a load balancer, which a worker process looks after. */
export interface RecoveryWorld {
  readonly control: Control
  readonly principal: Principal
  readonly cloud: CrashCloud
  readonly site: Site
  resource(): Resource
  /** Of the guest. */
  files(): GuestFiles
  /** Imports the resource; a worker must be running. */
  adopt(): Promise<void>
  keep(): Promise<RecoveryPoint>
  ended(operation: Operation): Promise<Operation>
  /** Four bytes, at the start of each disk. */
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
  readonly tags: Labels
  readonly isProtected: boolean
  /** Of the guest, with what is in them. */
  readonly files: Readonly<Record<string, string>>
  /** Disks that are plugged in nowhere. */
  readonly loose: readonly string[]
  readonly others: readonly string[]
  /** How many snapshots of a disk there are. */
  readonly snapshots: number
}

export async function openRecoveryWorld(databaseUrl: string, cloud: RecoveryCloud): Promise<RecoveryWorld> {
  let opened: OpenRecoveryCloud | undefined
  const open = async (): Promise<CrashCloud> => (opened = await cloud.open()).crash
  const crash = await createCrashWorld(databaseUrl, { open })
  if (opened === undefined) throw new Error('no cloud was opened')
  const { site } = opened as OpenRecoveryCloud // what is set in a closure is not seen
  const { control, principal, account } = crash
  const { stores } = control.database
  let resource: Resource | undefined
  const nothingIsUnderWay = async (): Promise<boolean> => (await unlessAway(stores.operations.listUnfinished({ limit: 10 })))?.length === 0
  const world: RecoveryWorld = {
    ...{ control, principal, site, cloud: crash.cloud, close: crash.close },
    resource() {
      if (resource === undefined) throw new Error('it has not been imported yet')
      return resource
    },
    files: () => new GuestFiles(crash.cloud.dataCentre, site.instanceId()),
    async adopt() {
      const { nativeId, traffic } = site.service
      await importResource(control, principal, { accountId: account.id, nativeId, name: 'web', traffic })
      const [found] = await vi.waitUntil(async () => {
        const imported = await unlessAway(stores.resources.findByNativeIds(account.id, [nativeId]))
        // Its last step writes tags.
        return imported !== undefined && imported.length > 0 && (await nothingIsUnderWay()) ? imported : undefined
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
        const found = await unlessAway(stores.operations.findById(id))
        // Refreshes that a rollback asks for belong to it.
        return found?.finishedAt !== undefined && (await nothingIsUnderWay()) ? found : undefined
      }, patience),
    write(text) {
      for (const { volumeId } of site.disks()) crash.cloud.dataCentre.blocks.write(volumeId, 0, Buffer.from(text))
    },
    look: () => look(crash.cloud, site),
  }
  return world
}

function look({ dataCentre }: CrashCloud, site: Site): Look {
  const { state, instanceType: type, blockDevices } = dataCentre.instances.get(site.instanceId())!
  const disks = site.disks()
  const volumes = disks.map(({ volumeId }) => volumeId)
  const plugged = blockDevices.map(({ volumeId }) => volumeId)
  // The cloud's books and what is behind them.
  if (plugged.toSorted().join() !== volumes.toSorted().join()) throw new Error(`${volumes.join()} should be plugged in, and ${plugged.join()} are`)
  const [listener] = dataCentre.balancers.describeListeners({ listenerArns: [site.service.listenerArn] })
  const forward = listener?.defaultActions.find((action) => action.kind === 'forward')
  const serving = (forward?.targetGroups ?? [])
    .filter(({ weight }) => weight > 0)
    .flatMap(({ targetGroupArn }) => dataCentre.balancers.targetHealth(targetGroupArn))
    .filter(({ health }) => health === 'healthy')
    .map(({ instanceId }) => instanceId)
  const guest = new GuestFiles(dataCentre, site.instanceId())
  return {
    ...{ state, type, serving, volumes, tags: site.tags(), isProtected: site.isProtected() },
    files: Object.fromEntries(guest.below('/').map((path) => [path, guest.read(path)?.toString() ?? ''])),
    places: disks.map(({ device, deletes }) => `${device} ${deletes}`),
    bytes: volumes.map((volumeId) => Buffer.from(dataCentre.blocks.read(volumeId, 0, 4)).toString()),
    loose: dataCentre.storage
      .describeVolumes()
      .items.filter(({ attachment }) => attachment === undefined)
      .map(({ volumeId }) => volumeId)
      .toSorted(),
    others: site.others().toSorted(),
    snapshots: dataCentre.storage.describeSnapshots().items.length,
  }
}
