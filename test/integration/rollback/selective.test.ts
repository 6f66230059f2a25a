import {
  captureRecoveryPoint,
  createAccount,
  getRecoveryPoint,
  getRestoredDisk,
  importResource,
  releaseRestoredDisk,
  restoreDisk,
} from '@understudy/control'
import type { Operation, RecoveryPoint, Resource } from '@understudy/control'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createWorld } from '../world.ts'
import type { World } from '../world.ts'
import { awsSite } from './aws-site.ts'
import { azureSite } from './azure-site.ts'
import { googleSite } from './google-site.ts'
import type { Site } from './site.ts'

let world: World
beforeAll(async () => {
  world = await createWorld({ sim: { speed: 120, listeners: false } })
}, 180_000)
afterAll(() => world.close())

const patience = { timeout: 200_000, interval: 50 }

type Looked = Pick<Site, 'dataCentre' | 'make' | 'instanceIdOf' | 'attachments' | 'close'>
type Opened = { readonly site: Looked; readonly accountId: string }
const withAccount = async (site: Site): Promise<Opened> => ({
  site,
  accountId: (await createAccount(world.control, world.principal, site.account)).id,
})

const ended = ({ id }: Operation): Promise<Operation> =>
  vi.waitUntil(async () => {
    const found = await world.control.database.stores.operations.findById(id)
    return found?.finishedAt === undefined ? undefined : found
  }, patience)

async function done(started: Promise<Operation>): Promise<Operation> {
  const operation = await ended(await started)
  expect({ status: operation.status, error: operation.error }).toEqual({ status: 'succeeded', error: undefined })
  return operation
}

async function adopted({ site, accountId }: Opened, name: string): Promise<Resource> {
  const nativeId = await site.make(name)
  await importResource(world.control, world.principal, { accountId, nativeId, name })
  return vi.waitUntil(async () => (await world.control.database.stores.resources.findByNativeIds(accountId, [nativeId]))[0], patience)
}

async function keep(resource: Resource): Promise<RecoveryPoint> {
  const { params } = await done(captureRecoveryPoint(world.control, world.principal, { resourceId: resource.id, reason: 'a test' }))
  return getRecoveryPoint(world.control, world.principal, { id: (params as { pointId: string }).pointId })
}

const read = ({ dataCentre }: Looked, volumeId: string): string => Buffer.from(dataCentre.blocks.read(volumeId, 4096, 9)).toString()
const write = ({ dataCentre }: Looked, volumeId: string, text: string): void => dataCentre.blocks.write(volumeId, 4096, Buffer.from(text))

describe.concurrent.each([
  ['AWS', () => Promise.resolve({ site: awsSite(world), accountId: world.account.id }), false],
  ['Azure', async () => withAccount(await azureSite()), false],
  ['Google Cloud', async () => withAccount(await googleSite()), true],
] as const)('selective restore on %s', (_cloud, open, keepsFromWriting) => {
  test('a disk of a point stands beside those of now with the bytes of then, and goes again', { timeout: 600_000 }, async ({ onTestFinished }) => {
    const opened = await open()
    const { site } = opened
    onTestFinished(() => site.close())
    const resource = await adopted(opened, 'beside')
    const { nativeId } = resource
    const present = site.attachments(nativeId)
    for (const [index, { volumeId }] of present.entries()) write(site, volumeId, `then ${index} ..`)
    const point = await keep(resource)
    for (const [index, { volumeId }] of present.entries()) write(site, volumeId, `now  ${index} ..`)
    const instance = () => site.dataCentre.instances.get(site.instanceIdOf(nativeId))!
    const { launchTimeMs } = instance()
    const { device } = present[2]!
    const operation = await done(
      restoreDisk(world.control, world.principal, { id: point.id, device, reason: 'a file is missing', ttlSeconds: 86_400 }),
    )
    const { restoredDiskId } = operation.params as { restoredDiskId: string }
    const restored = await getRestoredDisk(world.control, world.principal, { id: restoredDiskId })
    expect(restored).toMatchObject({ status: 'attached', device, instance: nativeId, readOnly: keepsFromWriting, cleanedAt: undefined })
    const beside = site.attachments(nativeId).find(({ volumeId }) => !present.some((former) => former.volumeId === volumeId))!
    expect(beside).toMatchObject({ device: restored.place, deletes: false })
    expect(read(site, beside.volumeId)).toBe('then 2 ..')
    // What was there stays as it is, and went on all the time.
    expect(site.attachments(nativeId).filter(({ volumeId }) => volumeId !== beside.volumeId)).toEqual(present)
    expect(present.map(({ volumeId }) => read(site, volumeId))).toEqual(['now  0 ..', 'now  1 ..', 'now  2 ..'])
    expect(instance()).toMatchObject({ state: 'running', launchTimeMs })

    await done(releaseRestoredDisk(world.control, world.principal, { id: restored.id }))
    expect(await getRestoredDisk(world.control, world.principal, { id: restored.id })).toMatchObject({ status: 'released' })
    expect(site.attachments(nativeId)).toEqual(present)
    expect(site.dataCentre.storage.getVolume(beside.volumeId)).toBeUndefined()
    await expect(releaseRestoredDisk(world.control, world.principal, { id: restored.id })).rejects.toMatchObject({ kind: 'conflict' })
    const nowhere = restoreDisk(world.control, world.principal, { id: point.id, device: 'nowhere', reason: 'a test' })
    await expect(nowhere).rejects.toMatchObject({ message: expect.stringContaining('device') as string })
  })
})
