import { captureRecoveryPoint, createAccount, getRecoveryPoint, importResource, prepareRollback, startRollback } from '@understudy/control'
import type { Operation, RecoveryPoint, Resource } from '@understudy/control'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createWorld } from '../world.ts'
import type { World } from '../world.ts'
import { azureSite } from './azure-site.ts'
import { googleSite } from './google-site.ts'
import { letPass, type Site } from './site.ts'

let world: World
beforeAll(async () => {
  world = await createWorld({ sim: { listeners: false } })
}, 180_000)
afterAll(() => world.close())

const patience = { timeout: 200_000, interval: 50 }
/** Of Azure, three restore points in an hour; of Google, disks of one snapshot once in ten minutes. */
const betweenMs = 21 * 60_000

const ended = ({ id }: Operation): Promise<Operation> =>
  vi.waitUntil(async () => {
    const found = await world.control.database.stores.operations.findById(id)
    return found?.finishedAt === undefined ? undefined : found
  }, patience)

async function adopted(site: Site, name: string): Promise<Resource> {
  const account = await createAccount(world.control, world.principal, site.account)
  const nativeId = await site.make(name)
  await importResource(world.control, world.principal, { accountId: account.id, nativeId, name })
  return vi.waitUntil(async () => (await world.control.database.stores.resources.findByNativeIds(account.id, [nativeId]))[0], patience)
}

const bytesOf = ({ dataCentre }: Site, id: string): number => Buffer.from(dataCentre.blocks.read(id, 0, 4)).readUInt32BE()

/** A guest that numbers its writes and never stops: the first disk, the next, the next, and again. */
function writer(site: Site, nativeId: string) {
  let written = 0
  let atStart: readonly number[] = []
  const volumes = (): readonly string[] => site.attachments(nativeId).map(({ volumeId }) => volumeId)
  const unsubscribe = site.dataCentre.subscribe((event) => {
    if (event.kind !== 'instance_state' || event.instanceId !== site.instanceIdOf(nativeId) || event.to !== 'running') return
    atStart = volumes().map((id) => bytesOf(site, id))
  })
  const timer = setInterval(() => {
    if (site.dataCentre.instances.get(site.instanceIdOf(nativeId))?.state !== 'running') return
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32BE(Math.floor(written / 3) + 1)
    site.dataCentre.blocks.write(volumes()[written % 3]!, 0, bytes)
    written += 1
  }, 1)
  return {
    /** What its disks held when it was started last, before it wrote anything. */
    atStart: () => atStart,
    stop() {
      clearInterval(timer)
      unsubscribe()
    },
  }
}

async function keep(site: Site, resource: Resource): Promise<RecoveryPoint> {
  await letPass(site, betweenMs)
  const operation = await ended(await captureRecoveryPoint(world.control, world.principal, { resourceId: resource.id, reason: 'a test' }))
  expect({ status: operation.status, error: operation.error }).toEqual({ status: 'succeeded', error: undefined })
  return getRecoveryPoint(world.control, world.principal, { id: (operation.params as { pointId: string }).pointId })
}

async function goBack(site: Site, { id }: RecoveryPoint, devices?: readonly string[]): Promise<Operation> {
  await letPass(site, betweenMs)
  const request = { recoveryPointId: id, ...(devices === undefined ? {} : { devices }) }
  const { planHash } = await prepareRollback(world.control, world.principal, request)
  return ended(await startRollback(world.control, world.principal, { ...request, reason: 'a test', planHash }))
}

/** What a point holds, by the data centre's own books: the root first, as the attachments are. */
const kept = (site: Site, { manifest }: RecoveryPoint): readonly number[] =>
  manifest!.disks.members
    .toSorted((a, b) => (a.role === b.role ? (a.device < b.device ? -1 : 1) : a.role === 'root' ? -1 : 1))
    .map(({ snapshot }) => bytesOf(site, site.snapshotIdOf(snapshot)))

describe.concurrent.each([
  ['Azure', azureSite],
  ['Google Cloud', googleSite],
] as const)('a rollback on %s', (_cloud, open) => {
  test(
    'to each of five points brings their bytes back, on the same machine, with the same addresses and attachments',
    { timeout: 600_000 },
    async ({ onTestFinished }) => {
      const site = await open()
      onTestFinished(() => site.close())
      const resource = await adopted(site, 'writes')
      const { nativeId } = resource
      const guest = writer(site, nativeId)
      onTestFinished(() => guest.stop())
      const before = { addresses: site.addresses(nativeId), attachments: site.attachments(nativeId) }
      const points: RecoveryPoint[] = []
      for (let made = 0; made < 5; made++) points.push(await keep(site, resource))
      const held = points.map((point) => kept(site, point))
      for (const [root = 0, first, second = 0] of held) {
        // Crash-consistent: what was written before is there whenever what was written after it is.
        expect(root).toBeGreaterThan(0)
        expect([0, 1]).toContain(root - second)
        expect(first === root || first === second).toBe(true)
      }
      expect(new Set(held.map(([root]) => root)).size).toBe(5)
      for (const index of [4, 0, 3, 1, 2]) {
        const operation = await goBack(site, points[index]!)
        expect({ status: operation.status, error: operation.error }).toEqual({ status: 'succeeded', error: undefined })
        expect(guest.atStart()).toEqual(held[index])
      }
      expect(site.addresses(nativeId)).toEqual(before.addresses)
      const places = (attachments: typeof before.attachments) => attachments.map(({ device, deletes }) => ({ device, deletes }))
      expect(places(site.attachments(nativeId))).toEqual(places(before.attachments))
      expect((await world.resource(resource.id)).nativeId).toBe(nativeId)
      // What lost its place is still there, and the disks that a single one is exchanged for leave nothing behind.
      for (const { volumeId } of before.attachments) expect(site.dataCentre.storage.getVolume(volumeId)?.attachment).toBeUndefined()
      const loose = () => site.dataCentre.storage.describeVolumes().items.filter(({ attachment }) => attachment === undefined).length
      const [root, first, second] = site.attachments(nativeId)
      const looseBefore = loose()
      expect((await goBack(site, points[1]!, [second!.device])).status).toBe('succeeded')
      expect(site.attachments(nativeId).slice(0, 2)).toEqual([root, first])
      expect(guest.atStart()[2]).toBe(held[1]![2])
      expect(loose()).toBe(looseBefore + 1)
    },
  )
})
