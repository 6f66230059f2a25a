import { captureRecoveryPoint, deleteRecoveryPoint, getRecoveryPoint, manifestHash, verifyRecoveryPoint } from '@understudy/control'
import type { RecoveryPoint, Resource } from '@understudy/control'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createWorld } from './world.ts'
import type { World } from './world.ts'

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

async function keep(resource: Resource): Promise<RecoveryPoint> {
  const operation = await world.ended(await captureRecoveryPoint(world.control, world.principal, { resourceId: resource.id, reason: 'a test' }))
  expect({ status: operation.status, error: operation.error }).toEqual({ status: 'succeeded', error: undefined })
  return point((operation.params as { pointId: string }).pointId)
}

const point = (id: string): Promise<RecoveryPoint> => getRecoveryPoint(world.control, world.principal, { id })

async function findingsOf({ id }: RecoveryPoint): Promise<readonly string[]> {
  const operation = await world.ended(await verifyRecoveryPoint(world.control, world.principal, { id }))
  expect(operation.status).toBe('succeeded')
  return (await point(id)).verification!.findings.map(({ kind }) => kind)
}

describe('recovery points over the wire', () => {
  test('form a chain, hold what the cloud holds, and are intact', { timeout: 600_000 }, async () => {
    const resource = await world.adopt(await world.seed('kept'))
    const first = await keep(resource)
    const second = await keep(resource)
    expect(second).toMatchObject({ status: 'usable', sequence: 2, manifest: { parent: { point: first.id, hash: first.manifestHash } } })
    const { disks } = second.manifest!
    const instance = world.sim.dataCentre.instances.get(resource.nativeId)!
    expect(disks.members.map(({ device }) => device).toSorted()).toEqual(instance.blockDevices.map(({ deviceName }) => deviceName).toSorted())
    for (const { snapshot } of disks.members) {
      expect(world.sim.dataCentre.storage.getSnapshot(snapshot)?.tags).toMatchObject({
        'understudy:resource': resource.id,
        'understudy:op': disks.set,
      })
    }
    expect(await findingsOf(second)).toEqual([])
    // A verified point is still the one that was sealed.
    expect((await point(second.id)).manifestHash).toBe(second.manifestHash)
  })

  test('say what is wrong with them: a lost snapshot, an edited manifest, a broken chain', { timeout: 600_000 }, async () => {
    const resource = await world.adopt(await world.seed('damaged'))
    const first = await keep(resource)
    const second = await keep(resource)
    world.sim.dataCentre.storage.deleteSnapshot(second.manifest!.disks.members[0]!.snapshot)
    expect(await findingsOf(second)).toEqual(['snapshot_missing'])
    await sql.query(`update recovery_points set manifest = jsonb_set(manifest, '{instance}', '"i-forged"') where id = $1`, [first.id])
    expect(await findingsOf(first)).toEqual(['manifest_changed'])
    expect(await findingsOf(second)).toEqual(['manifest_changed', 'snapshot_missing'])
    // Somebody who also writes the hash is found out by the next point, and by the audit trail.
    const forged = manifestHash((await point(first.id)).manifest!)
    await sql.query('update recovery_points set manifest_hash = $2 where id = $1', [first.id, forged])
    expect(await findingsOf(first)).toEqual(['audit_differs'])
    expect(await findingsOf(second)).toEqual(['chain_broken', 'snapshot_missing'])
  })

  test('are purged when their time has come, snapshots and all', { timeout: 600_000 }, async () => {
    const resource = await world.adopt(await world.seed('purged'))
    const kept = await keep(resource)
    await deleteRecoveryPoint(world.control, world.principal, { id: kept.id, seenVersion: kept.version })
    await sql.query("update recovery_points set purge_time = '2020-01-01' where id = $1", [kept.id])
    await world.wake('recovery-points')
    await vi.waitUntil(async () => (await point(kept.id)).status === 'purged', patience)
    for (const { snapshot } of kept.manifest!.disks.members) expect(world.sim.dataCentre.storage.getSnapshot(snapshot)).toBeUndefined()
  })
})
