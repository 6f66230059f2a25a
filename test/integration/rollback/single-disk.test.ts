import {
  captureRecoveryPoint,
  createAccount,
  deleteRecoveryPoint,
  getRecoveryPoint,
  getRestoreDrill,
  getRestoredDisk,
  listRecoveryPoints,
  prepareRollback,
  releaseRestoredDisk,
  restoreDisk,
  startRollback,
  startTestRollback,
} from '@understudy/control'
import type { Operation, RecoveryPoint, Resource } from '@understudy/control'
import pg from 'pg'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createWorld } from '../world.ts'
import type { World } from '../world.ts'
import { azureSite } from './azure-site.ts'

let world: World
let site: Awaited<ReturnType<typeof azureSite>>
let resource: Resource
beforeAll(async () => {
  world = await createWorld({ sim: { listeners: false } })
  site = await azureSite({ dataDisks: 0 })
  const account = await createAccount(world.control, world.principal, site.account)
  const nativeId = await site.make('alone')
  resource = await world.imported({ accountId: account.id, nativeId, name: 'alone' })
}, 180_000)
afterAll(async () => {
  await site.close()
  await world.close()
})

const patience = { timeout: 200_000, interval: 100 }
const limit = { timeout: 300_000 }

async function done(started: Promise<Operation>): Promise<Operation> {
  const operation = await world.ended(await started, patience)
  expect({ status: operation.status, error: operation.error }).toEqual({ status: 'succeeded', error: undefined })
  return operation
}

const root = () => site.attachments(resource.nativeId)[0]!
const written = (volumeId = root().volumeId): number => site.dataCentre.blocks.read(volumeId, 4096, 1)[0] ?? 0
const write = (value: number): void => site.dataCentre.blocks.write(root().volumeId, 4096, Uint8Array.of(value))

async function keep(value: number): Promise<RecoveryPoint> {
  write(value)
  const { params } = await done(captureRecoveryPoint(world.control, world.principal, { resourceId: resource.id, reason: 'a test' }))
  return getRecoveryPoint(world.control, world.principal, { id: (params as { pointId: string }).pointId })
}

async function goBack({ id }: RecoveryPoint): Promise<Operation> {
  const { planHash } = await prepareRollback(world.control, world.principal, { recoveryPointId: id })
  return done(startRollback(world.control, world.principal, { recoveryPointId: id, planHash, reason: 'a test' }))
}

test(
  'a machine with one disk goes back to any of more points than Azure makes restore points in an hour, and to its safety point',
  limit,
  async () => {
    const points: RecoveryPoint[] = []
    for (let made = 1; made <= 4; made++) points.push(await keep(made))
    expect(points.map(({ manifest }) => manifest!.disks)).toMatchObject(
      points.map(() => ({ consistency: 'crash', members: [{ device: 'os', snapshot: expect.stringContaining('/snapshots/us-') as string }] })),
    )
    write(9)
    const safety = await goBack(points[0]!)
    expect(written()).toBe(1)
    await goBack(points[2]!)
    expect(written()).toBe(3)
    const { safetyPointId } = safety.params as { safetyPointId: string }
    await goBack(await getRecoveryPoint(world.control, world.principal, { id: safetyPointId }))
    expect(written()).toBe(9)
    expect(site.dataCentre.instances.get(site.instanceIdOf(resource.nativeId))?.state).toBe('running')
  },
)

test('a rollback of it is rehearsed on a clone that nothing stays of, and a copy of its disk stands beside it for a time', limit, async () => {
  const point = await keep(5)
  write(6)
  const rehearsed = await done(startTestRollback(world.control, world.principal, { id: point.id, reason: 'a test' }))
  const { drillId } = rehearsed.params as { drillId: string }
  expect(await getRestoreDrill(world.control, world.principal, { id: drillId })).toMatchObject({
    status: 'passed',
    record: { removed: { instances: 1 } },
  })
  const { params } = await done(restoreDisk(world.control, world.principal, { id: point.id, device: 'os', reason: 'a test', ttlSeconds: 86_400 }))
  const { restoredDiskId: id } = params as { restoredDiskId: string }
  const beside = site.attachments(resource.nativeId).find(({ volumeId }) => volumeId !== root().volumeId)!
  expect([written(), written(beside.volumeId)]).toEqual([6, 5])
  // Kept meanwhile, it is still a machine with one disk.
  expect((await keep(7)).manifest!.disks).toMatchObject({ members: [{ device: 'os' }], leftOut: [{ device: beside.device }] })
  await done(releaseRestoredDisk(world.control, world.principal, { id }))
  expect(await getRestoredDisk(world.control, world.principal, { id })).toMatchObject({ status: 'released' })
  expect(site.attachments(resource.nativeId)).toHaveLength(1)
})

test('its snapshots go with the points that are purged, and with no others', limit, async () => {
  const { control, principal } = world
  const { items: recoveryPoints } = await listRecoveryPoints(control, principal, { pageSize: 100, resourceId: resource.id })
  const [kept, ...unwanted] = recoveryPoints
  expect(site.snapshots()).toHaveLength(recoveryPoints.length)
  const sql = new pg.Client({ connectionString: world.databaseUrl })
  await sql.connect()
  for (const { id } of unwanted) {
    const { version: seenVersion } = await getRecoveryPoint(control, principal, { id })
    await deleteRecoveryPoint(control, principal, { id, seenVersion })
    await sql.query("update recovery_points set purge_time = '2020-01-01' where id = $1", [id])
  }
  await sql.end()
  await world.wake('recovery-points')
  await vi.waitUntil(() => site.snapshots().length === 1, patience)
  const { manifest } = await getRecoveryPoint(control, principal, { id: kept!.id })
  expect(site.snapshots()).toEqual(manifest!.disks.members.map(({ snapshot }) => snapshot))
})
