import {
  captureRecoveryPoint,
  copiesOfPoints,
  createAccount,
  createPolicy,
  deleteRecoveryPoint,
  getRecoveryPoint,
  listCompliance,
} from '@understudy/control'
import type { Operation, RecoveryCopy, RecoveryPoint, Resource } from '@understudy/control'
import pg from 'pg'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { azureSite } from './rollback/azure-site.ts'
import { googleSite } from './rollback/google-site.ts'
import type { Site } from './rollback/site.ts'
import { createWorld } from './world.ts'
import type { World } from './world.ts'

const region = 'sim-west-1'
let world: World
let sql: pg.Client
beforeAll(async () => {
  // No traffic here: what is waited for are the cloud's snapshots.
  world = await createWorld({ sim: { speed: 60, listeners: false } })
  sql = new pg.Client({ connectionString: world.databaseUrl })
  await sql.connect()
})
afterAll(async () => {
  await sql.end()
  await world.close()
})

const patience = { timeout: 300_000, interval: 100 }
const point = (id: string): Promise<RecoveryPoint> => getRecoveryPoint(world.control, world.principal, { id })
const copyOf = async ({ id }: Pick<RecoveryPoint, 'id'>): Promise<RecoveryCopy | undefined> =>
  (await copiesOfPoints(world.control, world.principal, [id])).get(id)?.[0]
const there = () => world.sim.dataCentre.storage.describeSnapshots({}, region).items

async function keep(resource: Resource): Promise<RecoveryPoint> {
  const operation = await world.ended(await captureRecoveryPoint(world.control, world.principal, { resourceId: resource.id, reason: 'a test' }))
  expect({ status: operation.status, error: operation.error }).toEqual({ status: 'succeeded', error: undefined })
  return point((operation.params as { pointId: string }).pointId)
}

async function purge(kept: RecoveryPoint): Promise<void> {
  await deleteRecoveryPoint(world.control, world.principal, { id: kept.id, seenVersion: (await point(kept.id)).version })
  await sql.query("update recovery_points set purge_time = '2020-01-01' where id = $1", [kept.id])
  await world.wake('recovery-points')
  await vi.waitUntil(async () => (await point(kept.id)).status === 'purged', patience)
}

/** Once the reconciler has seen to it. */
const copied = (kept: RecoveryPoint, status: RecoveryCopy['status']): Promise<RecoveryCopy> =>
  vi.waitUntil(async () => {
    await world.wake('recovery-copies')
    const found = await copyOf(kept)
    return found?.status === status ? found : undefined
  }, patience)

const violationsOf = async ({ id }: Resource) =>
  (await listCompliance(world.control, world.principal, {})).items.find(({ resourceId }) => resourceId === id)?.violations

test('a point is copied to the region that its policy names, byte for byte, and is purged there first', { timeout: 600_000 }, async () => {
  const { control, principal, sim } = world
  const resource = await world.adopt(await world.seed('far'))
  const rules = { copies: [{ region }] }
  await expect(createPolicy(control, principal, { name: 'near', rules: { copies: [{ region: sim.region }] } })).rejects.toThrow(
    '/copies/0/region is the region of the resources themselves',
  )
  for (const { volumeId } of sim.dataCentre.instances.get(resource.nativeId)!.blockDevices) sim.dataCentre.blocks.write(volumeId, 0, Uint8Array.of(7))
  const kept = await keep(resource)
  await createPolicy(control, principal, { name: 'far', rules })
  expect(await violationsOf(resource)).toEqual(['no_copy'])
  // The first attempt fails in the cloud after it was accepted, and leaves nothing.
  sim.dataCentre.faults.failSnapshots(1)
  const failed = await copied(kept, 'failed')
  expect(failed).toMatchObject({ attempts: 1, nextAttemptAt: expect.any(Date) as Date })
  expect(there()).toEqual([])
  await sql.query("update recovery_copies set next_attempt_at = '2020-01-01' where id = $1", [failed.id])
  const copy = await copied(kept, 'complete')
  expect(copy).toMatchObject({ id: failed.id, attempts: 2, nextAttemptAt: undefined })
  const { members } = kept.manifest!.disks
  expect(copy.members.map(({ source }) => source).toSorted()).toEqual(members.map(({ snapshot }) => snapshot).toSorted())
  expect(
    there()
      .map(({ snapshotId }) => snapshotId)
      .toSorted(),
  ).toEqual(copy.members.map((member) => member.copy).toSorted())
  for (const { snapshotId, tags } of there()) {
    expect(sim.dataCentre.blocks.read(snapshotId, 0, 1)[0]).toBe(7)
    expect(tags).toMatchObject({ 'understudy:recovery-point': kept.id, 'understudy:managed': 'true' })
  }
  expect(await violationsOf(resource)).toEqual([])
  const events = await control.database.stores.events.listAfter(0, { limit: 1000, projectId: principal.projectId })
  const told = events.filter(({ type }) => type.includes('cop')).map(({ type }) => type)
  expect(told).toEqual(['io.understudy.recovery_points.copy_failed.v1', 'io.understudy.recovery_points.copied.v1'])

  await purge(kept)
  expect(there()).toEqual([])
  for (const { snapshot } of members) expect(sim.dataCentre.storage.getSnapshot(snapshot)).toBeUndefined()
  expect(await copyOf(kept)).toMatchObject({ status: 'deleted' })
  expect(sim.dataCentre.calls.count('CopySnapshot')).toBe(2 * members.length)
})

test('a region that the account does not have is a clear problem of the operation', { timeout: 600_000 }, async () => {
  const { control, principal } = world
  const resource = await world.adopt(await world.seed('nowhere'))
  await createPolicy(control, principal, { name: 'nowhere', priority: 5, rules: { copies: [{ region: 'sim-nowhere-1' }] } })
  const kept = await keep(resource)
  const failed = await copied(kept, 'failed')
  // Its row says so a little before it has ended.
  const operation: Operation = await world.ended({ id: failed.operationId })
  expect(operation.error).toMatchObject({ message: expect.stringContaining('sim-nowhere-1 is no region that the account can use') as string })
  expect(operation).toMatchObject({ status: 'failed' })
})

const clouds: readonly (readonly [string, { readonly open: () => Promise<Site>; readonly inOrder: boolean }])[] = [
  ['Azure, of restore points', { open: azureSite, inOrder: true }],
  ['Azure, of a snapshot of the one disk', { open: () => azureSite({ dataDisks: 0 }), inOrder: true }],
  ['Google Cloud, as images', { open: googleSite, inOrder: false }],
]

test.each(clouds)('on %s: points are copied, byte for byte, and purged there first', { timeout: 600_000 }, async (name, { open, inOrder }) => {
  const { control, principal } = world
  const site = await open()
  try {
    const account = await createAccount(control, principal, { ...site.account, name })
    const nativeId = await site.make('far')
    const labels = { copied: site.account.nativeAccount }
    const resource = await world.imported({ accountId: account.id, nativeId, name: 'far', labels })
    const { blocks, storage, faults } = site.dataCentre
    const keepWith = (byte: number): Promise<RecoveryPoint> => {
      for (const { volumeId } of site.attachments(nativeId)) blocks.write(volumeId, 0, Uint8Array.of(byte))
      return keep(resource)
    }
    const inRegion = () =>
      storage
        .describeSnapshots({}, region)
        .items.map(({ snapshotId }) => snapshotId)
        .toSorted()
    const idsOf = ({ members }: RecoveryCopy) => members.map((member) => site.snapshotIdOf(member.copy)).toSorted()
    const earlier = await keepWith(7)
    await createPolicy(control, principal, { name: `far ${name}`, priority: 9, appliesTo: { labels }, rules: { copies: [{ region }] } })
    // The first attempt fails in the cloud after it was accepted, and leaves nothing.
    faults.failSnapshots(1)
    const failed = await copied(earlier, 'failed')
    expect(inRegion()).toEqual([])
    // At once, before there is a later point: where copies follow one another, one earlier than a copied one is never made.
    await sql.query("update recovery_copies set next_attempt_at = '2020-01-01' where id = $1", [failed.id])
    const later = await keepWith(8)
    const [first, second] = [await copied(earlier, 'complete'), await copied(later, 'complete')]
    if (inOrder) expect(second.createdAt.getTime()).toBeGreaterThanOrEqual(first.completedAt!.getTime())
    for (const [kept, copy, byte] of [
      [earlier, first, 7],
      [later, second, 8],
    ] as const) {
      expect(copy.members.map(({ source }) => source).toSorted()).toEqual(kept.manifest!.disks.members.map(({ snapshot }) => snapshot).toSorted())
      for (const id of idsOf(copy)) expect(blocks.read(id, 0, 1)[0]).toBe(byte)
    }
    expect(inRegion()).toEqual([...idsOf(first), ...idsOf(second)].toSorted())
    expect(await violationsOf(resource)).toEqual([])
    const kept = earlier.manifest!.disks.members.map(({ snapshot }) => site.snapshotIdOf(snapshot))
    const left = idsOf(second)
    await purge(earlier)
    expect(inRegion()).toEqual(left)
    for (const id of kept) expect(storage.getSnapshot(id)).toBeUndefined()
    expect(await copyOf(earlier)).toMatchObject({ status: 'deleted' })
  } finally {
    await site.close()
  }
})
