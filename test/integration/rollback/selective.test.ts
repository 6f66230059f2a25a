import { GuestFiles } from '@understudy/cloud-sim'
import {
  captureRecoveryPoint,
  createAccount,
  getRecoveryPoint,
  getRestoredDisk,
  prepareRollback,
  releaseRestoredDisk,
  restoreDisk,
  startRollback,
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

const patience = { timeout: 200_000, interval: 100 }
const ended = (operation: Operation): Promise<Operation> => world.ended(operation, patience)

type Looked = Pick<Site, 'dataCentre' | 'make' | 'instanceIdOf' | 'attachments' | 'close'>
type Opened = { readonly site: Looked; readonly accountId: string }
const withAccount = async (site: Site): Promise<Opened> => ({
  site,
  accountId: (await createAccount(world.control, world.principal, site.account)).id,
})

async function done(started: Promise<Operation>): Promise<Operation> {
  const operation = await ended(await started)
  expect({ status: operation.status, error: operation.error }).toEqual({ status: 'succeeded', error: undefined })
  return operation
}

async function adopted({ site, accountId }: Opened, name: string): Promise<Resource> {
  const nativeId = await site.make(name)
  return world.imported({ accountId, nativeId, name })
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
    const planned = () => prepareRollback(world.control, world.principal, { recoveryPointId: point.id })
    const { planHash } = await planned()
    const operation = await done(
      restoreDisk(world.control, world.principal, { id: point.id, device, reason: 'a file is missing', ttlSeconds: 86_400 }),
    )
    // What was approved before is approved still.
    expect((await planned()).planHash).toBe(planHash)
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

    // What is kept meanwhile is what is its own, and says what it has left out.
    const meanwhile = await keep(resource)
    expect(meanwhile.manifest!.disks.members.map((member) => member.device)).toEqual(point.manifest!.disks.members.map((member) => member.device))
    expect(meanwhile.manifest!.disks.leftOut).toEqual([
      {
        disk: restored.disk,
        device: restored.place,
        reason: expect.stringContaining(`${restored.id}: a copy of ${device} of ${point.id}`) as string,
      },
    ])
    expect(meanwhile.manifest!.definition.hash).toBe(point.manifest!.definition.hash)
    await done(releaseRestoredDisk(world.control, world.principal, { id: restored.id }))
    expect(await getRestoredDisk(world.control, world.principal, { id: restored.id })).toMatchObject({ status: 'released' })
    expect(site.attachments(nativeId)).toEqual(present)
    expect(site.dataCentre.storage.getVolume(beside.volumeId)).toBeUndefined()
    // Gone back to as a whole, when it is gone.
    for (const [index, { volumeId }] of present.entries()) write(site, volumeId, `later ${index} .`)
    const whole = { recoveryPointId: meanwhile.id }
    const { planHash: agreed } = await prepareRollback(world.control, world.principal, whole)
    await done(startRollback(world.control, world.principal, { ...whole, planHash: agreed, reason: 'a test' }))
    expect(site.attachments(nativeId).map(({ volumeId }) => read(site, volumeId))).toEqual(['now  0 ..', 'now  1 ..', 'now  2 ..'])
    await expect(releaseRestoredDisk(world.control, world.principal, { id: restored.id })).rejects.toMatchObject({ kind: 'conflict' })
    const nowhere = restoreDisk(world.control, world.principal, { id: point.id, device: 'nowhere', reason: 'a test' })
    await expect(nowhere).rejects.toMatchObject({ message: expect.stringContaining('device') as string })
  })

  test('fields of the definition are set back alone, and back again by the safety point', { timeout: 600_000 }, async ({ onTestFinished }) => {
    const opened = await open()
    const { site } = opened
    onTestFinished(() => site.close())
    const resource = await adopted(opened, 'fields')
    const { control, principal } = world
    const account = await control.database.stores.accounts.findById(opened.accountId)
    const provider = await control.providers.open(account!)
    const ref = { ...provider.scope, nativeId: resource.nativeId }
    const context = { idempotencyKey: 'f'.repeat(32), tags: {}, actor: 'a person', priority: 'background' } as const
    const seen = async () => {
      const { tags, protection, size, disks, state } = (await provider.inventory.describe(ref))!
      const own = Object.fromEntries(Object.entries(tags).filter(([key]) => !key.startsWith('understudy:')))
      return { tags: own, terminate: protection.terminate, size: size.type, disks: disks.map(({ ref: disk }) => disk.nativeId), state }
    }
    await provider.labels.tag([ref], { team: 'blue', gone: 'yes' }, context)
    const then = await seen()
    const point = await keep(resource)
    await provider.labels.tag([ref], { team: 'red', gone: undefined, extra: '1' }, context)
    await provider.labels.setProtection(ref, { terminate: true }, context)
    const changed = await seen()
    expect(changed).not.toEqual(then)
    const instance = () => site.dataCentre.instances.get(site.instanceIdOf(resource.nativeId))!
    const { launchTimeMs } = instance()
    const request = { recoveryPointId: point.id, fields: ['tags', 'protection'] as const }
    const { plan, planHash } = await prepareRollback(control, principal, request)
    expect(plan).toMatchObject({ selection: { what: 'fields', fields: ['tags', 'protection'] }, devices: [], downtimeSeconds: 0 })
    const operation = await done(startRollback(control, principal, { ...request, reason: 'a test', planHash }))
    expect(await seen()).toEqual(then)
    expect(instance()).toMatchObject({ state: 'running', launchTimeMs })
    // What it was before is in the safety point, and is had back in the same way.
    const { safetyPointId } = operation.params as { safetyPointId: string }
    const back = { recoveryPointId: safetyPointId, fields: ['tags', 'protection'] as const }
    await done(startRollback(control, principal, { ...back, reason: 'a test', planHash: (await prepareRollback(control, principal, back)).planHash }))
    expect(await seen()).toEqual(changed)
    await expect(prepareRollback(control, principal, back)).rejects.toMatchObject({
      message: expect.stringContaining('nothing to set back') as string,
    })
  })

  test('paths are copied back inside of the running instance, and nothing is left behind', { timeout: 600_000 }, async ({ onTestFinished }) => {
    const opened = await open()
    const { site } = opened
    onTestFinished(() => site.close())
    const resource = await adopted(opened, 'paths')
    const { control, principal } = world
    const { nativeId } = resource
    const files = new GuestFiles(site.dataCentre, site.instanceIdOf(nativeId))
    const content = (directory: string) => Object.fromEntries(files.below(directory).map((path) => [path, files.read(path)?.toString()]))
    for (const [path, text] of Object.entries({ '/etc/shop.conf': 'then', '/srv/app/a': 'then', '/srv/app/b': 'then', '/etc/other': 'then' }))
      files.write(path, Buffer.from(text))
    const point = await keep(resource)
    files.write('/etc/shop.conf', Buffer.from('now'))
    files.write('/etc/other', Buffer.from('now'))
    files.write('/srv/app/a', Buffer.from('now'))
    files.remove('/srv/app/b')
    files.write('/srv/app/c', Buffer.from('now'))
    const present = site.attachments(nativeId)
    const volumes = () => site.dataCentre.storage.describeVolumes().items
    // What was there before may lose its place: on AWS the machines of other tests are in the same region.
    const known = new Set(volumes().map(({ volumeId }) => volumeId))
    const left = () => volumes().filter(({ volumeId, attachment }) => attachment === undefined && !known.has(volumeId))
    const instance = () => site.dataCentre.instances.get(site.instanceIdOf(nativeId))!
    const { launchTimeMs } = instance()
    const { device: root } = point.manifest!.disks.members.find(({ role }) => role === 'root')!
    const chosen = (paths: readonly string[]) => ({
      recoveryPointId: point.id,
      paths: { device: root, mountedAt: '/', paths: [...paths] },
    })
    const account = await control.database.stores.accounts.findById(opened.accountId)
    const { commands } = (await control.providers.open(account!)).traits
    if (!commands.supported) {
      await expect(prepareRollback(control, principal, chosen(['/etc/shop.conf']))).rejects.toMatchObject({
        message: expect.stringContaining(commands.reason) as string,
      })
      return
    }
    const start = async (request: ReturnType<typeof chosen>): Promise<Operation> => {
      const { planHash } = await prepareRollback(control, principal, request)
      return startRollback(control, principal, { ...request, reason: 'a test', planHash })
    }
    // One that the point does not have: everything is put back.
    const before = content('/')
    const failed = await ended(await start(chosen(['/etc/shop.conf', '/etc/never'])))
    expect(failed).toMatchObject({ status: 'failed', error: { message: 'The disk of the point has no /etc/never.' } })
    expect(content('/')).toEqual(before)
    expect(site.attachments(nativeId)).toEqual(present)

    const operation = await done(start(chosen(['/etc/shop.conf', '/srv/app'])))
    expect(content('/')).toEqual({ '/etc/shop.conf': 'then', '/srv/app/a': 'then', '/srv/app/b': 'then', '/etc/other': 'now' })
    expect(site.attachments(nativeId)).toEqual(present)
    expect(instance()).toMatchObject({ state: 'running', launchTimeMs })
    const { restoredDiskId } = operation.params as { restoredDiskId: string }
    expect(await getRestoredDisk(control, principal, { id: restoredDiskId })).toMatchObject({
      status: 'released',
      cleanedAt: expect.any(Date) as Date,
    })
    await vi.waitFor(() => expect(left()).toEqual([]), patience)
  })
})
