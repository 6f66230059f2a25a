import { captureRecoveryPoint, createPolicy, getRecoveryPoint, prepareRollback, startRollback, verifyRecoveryPoint } from '@understudy/control'
import type { RecoveryPoint, Resource } from '@understudy/control'
import pg from 'pg'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createWorld } from './world.ts'
import type { World } from './world.ts'

const blockBytes = 512 * 1024
let world: World
let sql: pg.Client
let resource: Resource
beforeAll(async () => {
  world = await createWorld({ sim: { speed: 60, listeners: false } })
  sql = new pg.Client({ connectionString: world.databaseUrl })
  await sql.connect()
  resource = await world.adopt(await world.seed('kept', { purchase: 'on-demand' }))
  await createPolicy(world.control, world.principal, { name: 'digests', rules: { digests: 'incremental' } })
}, 300_000)
afterAll(async () => {
  await sql.end()
  await world.close()
})

const patience = { timeout: 300_000, interval: 100 }
const limit = { timeout: 900_000 }

const point = (id: string): Promise<RecoveryPoint> => getRecoveryPoint(world.control, world.principal, { id })

/** Captured, and read. */
async function keep(): Promise<RecoveryPoint> {
  const operation = await world.ended(await captureRecoveryPoint(world.control, world.principal, { resourceId: resource.id, reason: 'a test' }))
  expect({ status: operation.status, error: operation.error }).toEqual({ status: 'succeeded', error: undefined })
  const { pointId } = operation.params as { pointId: string }
  return vi.waitUntil(async () => {
    await world.wake('recovery-digests')
    const found = await point(pointId)
    return found.digests === undefined ? undefined : found
  }, patience)
}

const instance = () => world.sim.dataCentre.instances.get(resource.nativeId)!
const root = () => instance().blockDevices.find(({ deviceName }) => deviceName === instance().rootDeviceName)!
const write = (index: number, value: number) =>
  world.sim.dataCentre.blocks.write(root().volumeId, index * blockBytes + 100, new Uint8Array(5000).fill(value))
const rootOf = ({ digests }: RecoveryPoint) => digests!.document!.disks.find(({ device }) => device === instance().rootDeviceName)!
const snapshotOf = ({ manifest }: RecoveryPoint) => manifest!.disks.members.find(({ device }) => device === instance().rootDeviceName)!.snapshot

async function verify({ id }: RecoveryPoint, share: number): Promise<NonNullable<RecoveryPoint['verification']>> {
  const operation = await world.ended(await verifyRecoveryPoint(world.control, world.principal, { id, share }))
  expect({ status: operation.status, error: operation.error }).toEqual({ status: 'succeeded', error: undefined })
  return (await point(id)).verification!
}

test('points are read after they were kept, only what has changed; the digests are in the chain, and room is told', limit, async () => {
  for (let index = 0; index < 20; index++) write(index, 1)
  write(9000, 1)
  const first = await keep()
  expect(first.digests).toMatchObject({ state: 'complete' })
  const whole = rootOf(first)
  expect(whole).toMatchObject({ since: null, line: 1, blockBytes, snapshot: snapshotOf(first) })
  expect(whole.read).toBe(whole.blocks)
  expect(whole.blocks).toBeGreaterThanOrEqual(21)
  write(3, 2)
  write(9001, 2)
  const second = await keep()
  expect(rootOf(second)).toMatchObject({ since: first.id, line: 1, read: 2, blocks: whole.blocks + 1, keptBytes: 2 * blockBytes })
  const { usedBytes, fullBytes } = second.space!
  expect({ usedBytes, fullBytes }).toEqual({
    usedBytes: 2 * blockBytes,
    fullBytes: second.digests!.document!.disks.reduce((sum, { blocks }) => sum + blocks * blockBytes, 0),
  })
  // The second manifest was sealed after the first one's digests were there, and names them.
  expect(second.manifest!.digests).toEqual([{ point: first.id, hash: first.digests!.hash }])
  expect(await verify(second, 1)).toMatchObject({ findings: [], bytes: { of: usedOf(second) } })
  expect(await verify(second, 0.01)).toMatchObject({ findings: [] })
})
const usedOf = ({ digests }: RecoveryPoint): number => digests!.document!.disks.reduce((sum, { blocks }) => sum + blocks, 0)

test('what is left of a purged point goes over to the next one, which reads as before', limit, async () => {
  for (const index of [20, 21, 22]) write(index, 4)
  const gone = await keep()
  write(21, 5)
  write(23, 5)
  const next = await keep()
  expect([rootOf(gone), rootOf(next)]).toMatchObject([{ read: 3 }, { read: 2, since: gone.id }])
  await sql.query("update recovery_points set delete_time = '2020-01-01', purge_time = '2020-01-01' where id = $1", [gone.id])
  const rowsOf = async ({ id }: RecoveryPoint): Promise<number> =>
    (await sql.query(`select 1 from digest_chunks where point_id = $1`, [id])).rowCount ?? 0
  expect(await rowsOf(gone)).toBeGreaterThan(0)
  await vi.waitUntil(async () => {
    for (const name of ['recovery-points', 'recovery-compaction']) await world.wake(name)
    return (await point(gone.id)).status === 'purged' && (await rowsOf(gone)) === 0
  }, patience)
  const now = await vi.waitUntil(async () => {
    const found = await point(next.id)
    return found.space?.usedBytes === next.space!.usedBytes ? undefined : found
  }, patience)
  expect(now).toMatchObject({ digests: next.digests, manifestHash: next.manifestHash, version: next.version })
  // Blocks 20 to 23: those that only the purged one had changed, and its own.
  expect(now.space).toEqual({ basis: 'digests', usedBytes: 4 * blockBytes, fullBytes: next.space!.fullBytes })
  expect(await verify(next, 1)).toMatchObject({ findings: [], bytes: { read: usedOf(next), of: usedOf(next) } })
  const later = await keep()
  expect(rootOf(later)).toMatchObject({ since: next.id, read: 0 })
  expect(await verify(later, 1)).toMatchObject({ findings: [] })
})

test('bytes that have changed behind the cloud’s back are named, and refuse a rollback before anything is stopped', limit, async () => {
  const kept = await keep()
  const { planHash } = await prepareRollback(world.control, world.principal, { recoveryPointId: kept.id })
  const stopped = instance().launchTimeMs
  const volumes = () => instance().blockDevices.map(({ volumeId }) => volumeId)
  const before = volumes()
  const fault = await fetch(`${world.sim.url}/_sim/fault`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ corruptSnapshot: { snapshotId: snapshotOf(kept), offset: 3 * blockBytes + 200, length: 1 } }),
  })
  expect(fault.status).toBe(200)
  // The cloud sees nothing: a look that reads no bytes finds nothing.
  expect((await verify(kept, 0)).findings).toEqual([])
  const { findings, bytes } = await verify(kept, 1)
  const device = instance().rootDeviceName
  expect(findings).toEqual([
    {
      kind: 'bytes_changed',
      message: `The bytes of ${device} (${snapshotOf(kept)}) at ${3 * blockBytes}–${4 * blockBytes - 1} are not those that were kept.`,
      data: { device, snapshot: snapshotOf(kept), blocks: 1, ranges: [{ from: 3 * blockBytes, to: 4 * blockBytes - 1 }] },
    },
  ])
  expect(bytes).toMatchObject({ read: usedOf(kept), of: usedOf(kept) })
  // Known now: neither planned nor carried out.
  const refused = { kind: 'point_damaged', message: expect.stringContaining('bytes_changed: ') as string }
  const request = { recoveryPointId: kept.id }
  await expect(prepareRollback(world.control, world.principal, request)).rejects.toMatchObject(refused)
  await expect(startRollback(world.control, world.principal, { ...request, planHash, reason: 'a test' })).rejects.toMatchObject(refused)
  expect({ state: instance().state, launches: instance().launchTimeMs, volumes: volumes() }).toEqual({
    state: 'running',
    launches: stopped,
    volumes: before,
  })
})

test('a sample before the rollback finds what nobody had found yet: the operation ends before anything is stopped', limit, async () => {
  const kept = await keep()
  const { planHash } = await prepareRollback(world.control, world.principal, { recoveryPointId: kept.id })
  const before = instance().blockDevices.map(({ volumeId }) => volumeId)
  // All of it is other bytes, so that whichever block is read is one of them.
  const { blocks, storage } = world.sim.dataCentre
  for (const { snapshot } of kept.manifest!.disks.members)
    for (const index of blocks.written(snapshot)) storage.corruptSnapshot(snapshot, { offset: index * 65_536, length: 65_536 })
  const operation = await world.ended(await startRollback(world.control, world.principal, { recoveryPointId: kept.id, planHash, reason: 'a test' }))
  expect(operation).toMatchObject({
    status: 'failed',
    error: { code: 'point_damaged', message: expect.stringContaining('bytes_changed: ') as string },
  })
  expect(instance().state).toBe('running')
  expect(instance().blockDevices.map(({ volumeId }) => volumeId)).toEqual(before)
})

test('digests that were edited in the database are found, whichever row it was', limit, async () => {
  const kept = await keep()
  const next = await keep()
  const flipped = 'set_byte(entries, 5, (get_byte(entries, 5) + 1) % 256)'
  await sql.query(`update digest_chunks set entries = ${flipped} where resource_id = $1 and device = $2 and chunk = 0`, [
    resource.id,
    instance().rootDeviceName,
  ])
  expect((await verify(next, 1)).findings.map(({ kind }) => kind)).toContain('digests_changed')
  await sql.query(`update recovery_points set digests = jsonb_set(digests, '{document,disks,0,root}', '"${'0'.repeat(64)}"') where id = $1`, [
    kept.id,
  ])
  expect((await verify(kept, 0)).findings.map(({ kind }) => kind)).toEqual(['digests_changed'])
  // Somebody who writes the hash too is found out by the audit trail, and by the next manifest.
  await sql.query(`update recovery_points set digests = jsonb_set(digests, '{hash}', '"${'1'.repeat(64)}"') where id = $1`, [kept.id])
  expect((await verify(kept, 0)).findings.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['audit_differs', 'digests_changed']))
  expect((await verify(next, 0)).findings).toEqual([
    expect.objectContaining({ kind: 'digests_changed', message: `The digests of ${kept.id} are not those that ${next.id} names.` }) as object,
  ])
})
