import {
  captureRecoveryPoint,
  createAccount,
  createPolicy,
  getRecoveryPoint,
  listRecoveryPoints,
  prepareRollback,
  startRollback,
  verifyRecoveryPoint,
} from '@understudy/control'
import type { RecoveryPoint, Resource } from '@understudy/control'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { azureSite } from './rollback/azure-site.ts'
import { googleSite } from './rollback/google-site.ts'
import { letPass, type Site } from './rollback/site.ts'
import { createWorld } from './world.ts'
import type { World } from './world.ts'

const blockBytes = 512 * 1024
let world: World
beforeAll(async () => {
  world = await createWorld({ sim: { listeners: false } })
  await createPolicy(world.control, world.principal, { name: 'digests', rules: { digests: 'incremental' } })
}, 180_000)
afterAll(() => world.close())

const patience = { timeout: 300_000, interval: 100 }
const point = (id: string): Promise<RecoveryPoint> => getRecoveryPoint(world.control, world.principal, { id })

async function adopted(site: Site, name: string): Promise<Resource> {
  const account = await createAccount(world.control, world.principal, site.account)
  const nativeId = await site.make(name)
  return world.imported({ accountId: account.id, nativeId, name })
}

/** Captured, and read. */
async function keep(site: Site, resource: Resource): Promise<RecoveryPoint> {
  await letPass(site, 21 * 60_000)
  const operation = await world.ended(await captureRecoveryPoint(world.control, world.principal, { resourceId: resource.id, reason: 'a test' }))
  expect({ status: operation.status, error: operation.error }).toEqual({ status: 'succeeded', error: undefined })
  const { pointId } = operation.params as { pointId: string }
  return vi.waitUntil(async () => {
    await world.wake('recovery-digests')
    const found = await point(pointId)
    return found.digests === undefined ? undefined : found
  }, patience)
}

async function verify({ id }: RecoveryPoint, share: number): Promise<NonNullable<RecoveryPoint['verification']>> {
  const operation = await world.ended(await verifyRecoveryPoint(world.control, world.principal, { id, share }))
  expect({ status: operation.status, error: operation.error }).toEqual({ status: 'succeeded', error: undefined })
  return (await point(id)).verification!
}

test(
  'on Azure points are read through addresses that are taken back, and corrupted bytes are named before anything is stopped',
  { timeout: 900_000 },
  async ({ onTestFinished }) => {
    const site = await azureSite()
    onTestFinished(() => site.close())
    const resource = await adopted(site, 'read')
    const disks = () => site.attachments(resource.nativeId)
    const data = () => disks()[1]!
    const write = (index: number, value: number) => site.dataCentre.blocks.write(data().volumeId, index * blockBytes, new Uint8Array(100).fill(value))
    for (let index = 0; index < 5; index++) write(index, 1)
    const first = await keep(site, resource)
    expect(first.digests).toMatchObject({ state: 'complete' })
    const digestOf = ({ digests }: RecoveryPoint) => digests!.document!.disks.find(({ device }) => device === data().device)!
    expect(digestOf(first)).toMatchObject({ since: null, blocks: 5, read: 5 })
    write(2, 2)
    const second = await keep(site, resource)
    // Azure counts pages: of the block that has changed it keeps the part that was written.
    expect(digestOf(second)).toMatchObject({ since: first.id, blocks: 5, read: 1, keptBytes: 65_536 })
    expect(second.manifest!.digests).toEqual([{ point: first.id, hash: first.digests!.hash }])
    expect(await verify(second, 1)).toMatchObject({ findings: [] })
    expect(site.openAddresses?.()).toBe(0)
    const { planHash } = await prepareRollback(world.control, world.principal, { recoveryPointId: second.id })
    const member = second.manifest!.disks.members.find(({ device }) => device === data().device)!
    const before = disks()
    for (const { snapshot } of second.manifest!.disks.members) {
      const id = site.snapshotIdOf(snapshot)
      const { blocks, storage } = site.dataCentre
      for (const index of blocks.written(id)) storage.corruptSnapshot(id, { offset: index * 65_536, length: 10 })
    }
    const request = { recoveryPointId: second.id }
    const operation = await world.ended(await startRollback(world.control, world.principal, { ...request, planHash, reason: 'a test' }))
    expect(operation).toMatchObject({
      status: 'failed',
      error: { code: 'point_damaged', message: expect.stringContaining('bytes_changed: ') as string },
    })
    const { findings } = await verify(second, 1)
    expect(findings).toContainEqual(
      expect.objectContaining({
        kind: 'bytes_changed',
        message: `The bytes of ${data().device} (${member.snapshot}) at 0–${5 * blockBytes - 1} are not those that were kept.`,
      }) as object,
    )
    await expect(prepareRollback(world.control, world.principal, request)).rejects.toMatchObject({ kind: 'point_damaged' })
    expect(site.dataCentre.instances.get(site.instanceIdOf(resource.nativeId))?.state).toBe('running')
    expect(disks()).toEqual(before)
    expect(site.openAddresses?.()).toBe(0)
    // An address opens a disk to whoever has it: it is nowhere in what is stored.
    const { stores } = world.control.database
    const rows = await stores.audit.list(resource.projectId, { after: 0, limit: 1000 })
    expect(rows.some(({ action }) => action === 'snapshots.read')).toBe(true)
    expect(JSON.stringify([rows, operation, second])).not.toContain('sig=')
  },
)

test(
  'on Google Cloud nobody can read a snapshot: the point says so, and why; and what it takes is what Google counts',
  { timeout: 600_000 },
  async ({ onTestFinished }) => {
    const site = await googleSite()
    onTestFinished(() => site.close())
    const resource = await adopted(site, 'unread')
    const write = (block: number, value: number) =>
      site.dataCentre.blocks.write(site.attachments(resource.nativeId)[1]!.volumeId, block * 65_536, new Uint8Array(100).fill(value))
    for (let block = 0; block < 5; block++) write(block, 1)
    const kept = await keep(site, resource)
    expect(kept.digests).toMatchObject({ state: 'unavailable', reason: expect.stringContaining('test rollback') as string })
    expect(await verify(kept, 1)).toMatchObject({ findings: [] })
    const measured = async (id: string): Promise<RecoveryPoint> => {
      await letPass(site, 60_000)
      return vi.waitUntil(async () => {
        await world.wake('recovery-space')
        const found = await point(id)
        return found.space?.usedBytes === undefined ? undefined : found
      }, patience)
    }
    const { usedBytes: whole, fullBytes } = (await measured(kept.id)).space!
    expect(whole).toBeGreaterThanOrEqual(5 * 65_536)
    expect(fullBytes).toBeUndefined()
    write(2, 2)
    const next = await measured((await keep(site, resource)).id)
    expect(next.space?.usedBytes).toBe(65_536)
    expect((await listRecoveryPoints(world.control, world.principal, { pageSize: 1, resourceId: resource.id })).space).toEqual({
      ...{ points: 2, usedBytes: whole! + 65_536, fullBytes: undefined, savedBytes: undefined },
      reason: 'What a full copy would take is unknown of 2 of 2 points.',
    })
  },
)
