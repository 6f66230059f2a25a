import {
  allRestoreDrillsReconciler,
  captureRecoveryPoint,
  createAccount,
  drillKeys,
  getRecoveryPoint,
  getRestoreDrill,
  prepareRollback,
  startRollback,
  startTestRollback,
} from '@understudy/control'
import type { Operation, RecoveryPoint, Resource, RestoreDrill } from '@understudy/control'
import { ownTags, randomIds } from '@understudy/core'
import type { CloneSpec } from '@understudy/provider'
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

const patience = { timeout: 200_000, interval: 100 }
const ended = (operation: Operation): Promise<Operation> => world.ended(operation, patience)
/** Of Azure, three restore points in an hour; of Google, disks of one snapshot once in ten minutes. */
const betweenMs = 21 * 60_000

async function adopted(site: Site, name: string): Promise<Resource> {
  const account = await createAccount(world.control, world.principal, site.account)
  const nativeId = await site.make(name)
  return world.imported({ accountId: account.id, nativeId, name })
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

const secluded: Readonly<Record<string, readonly string[]>> = {
  Azure: ['Deny Outbound AzurePlatformDNS *', 'Deny Inbound * *', 'Deny Outbound * *'],
  'Google Cloud': ['deny EGRESS 0.0.0.0/0', 'deny EGRESS ::/0', 'deny INGRESS 0.0.0.0/0', 'deny INGRESS ::/0'],
}

/** Everything that is tagged as a drill's and still costs something. */
function leftOf({ dataCentre, guards }: Site): { readonly machines: number; readonly guards: number; readonly disks: number } {
  const alive = [...dataCentre.instances.all()].filter(({ state }) => state !== 'terminated')
  return { machines: alive.length, guards: guards(), disks: dataCentre.storage.describeVolumes().items.length }
}

describe.concurrent.each([
  ['Azure', azureSite],
  ['Google Cloud', googleSite],
] as const)('a rollback on %s', (cloud, open) => {
  test('is rehearsed on a clone that speaks to nobody, and nothing of it stays', { timeout: 600_000 }, async ({ onTestFinished }) => {
    const site = await open()
    onTestFinished(() => site.close())
    const resource = await adopted(site, 'rehearses')
    const before = leftOf(site)
    const point = await keep(site, resource)
    const seen: unknown[] = []
    onTestFinished(
      site.dataCentre.subscribe((event) => {
        if (event.kind !== 'instance_state' || event.to !== 'running' || event.instanceId === site.instanceIdOf(resource.nativeId)) return
        seen.push(site.seclusion(event.instanceId))
      }),
    )
    const operation = await ended(await startTestRollback(world.control, world.principal, { id: point.id, reason: 'a test' }))
    expect({ status: operation.status, error: operation.error }).toEqual({ status: 'succeeded', error: undefined })
    const drill = await getRestoreDrill(world.control, world.principal, { id: (operation.params as { drillId: string }).drillId })
    expect(drill).toMatchObject({ status: 'passed', record: { outcome: 'passed', removed: { instances: 1 } } })
    expect(drill.record!.removed.securityGroups).toBeGreaterThan(0)
    expect(seen).toEqual([{ rules: secluded[cloud], identity: false, publicAddress: false }])
    await vi.waitFor(() => expect(leftOf(site)).toEqual(before), patience)

    // What shows only after its row says that nothing is left is found by its tags, and goes.
    const late: RestoreDrill = { ...drill, id: randomIds.next('drill'), expiresAt: new Date(world.control.clock.nowMs() - 60_000), version: 1 }
    await world.control.database.stores.restoreDrills.insert(late)
    const account = await world.control.database.stores.accounts.findById(resource.accountId)
    const provider = await world.control.providers.open(account!)
    const source = (await provider.inventory.describe({ ...provider.scope, nativeId: resource.nativeId }))!
    const tags = { [ownTags.role]: 'drill', [ownTags.drill]: late.id, [ownTags.expires]: late.expiresAt.toISOString() }
    const context = (idempotencyKey: string) => ({ idempotencyKey, tags, actor: 'a test', priority: 'background' }) as const
    const keys = drillKeys(late)
    const { securityGroups } = await provider.isolation!.ensure(source, { ports: [] }, context(keys.isolation))
    const spec: CloneSpec = {
      ...{ name: 'late', power: 'running', instanceType: source.size.type, purchase: 'on-demand', zone: source.placement.zone! },
      ...{ disks: { from: 'image' }, isolation: { securityGroups } },
    }
    await provider.compute.provision(source, spec, context(keys.clone))
    await allRestoreDrillsReconciler.pass(world.control)
    const { operations } = world.control.database.stores
    const [sweep] = (await operations.listUnfinished({ kinds: ['recovery.sweep-drill'], limit: 100 })).filter(
      ({ resourceId }) => resourceId === resource.id,
    )
    expect((await ended(sweep!)).status).toBe('succeeded')
    expect(leftOf(site)).toEqual(before)
  })

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
