import type { Snapshot } from '@azure/arm-compute'
import type { InstanceRef } from '@understudy/provider'
import { captured, newContext, until } from '@understudy/provider/conformance'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { nameOf } from './arm-id.ts'
import { azureClients } from './clients.ts'
import { refused } from './testing/refused.ts'
import { watched } from './testing/watched.ts'
import { settingsFor, wireWorld } from './testing/wire-world.ts'

const group = 'shop'
const region = 'sim-west-1'
const wire = watched()
let world: Awaited<ReturnType<typeof wireWorld>>
let clients: ReturnType<typeof azureClients>
beforeAll(async () => {
  world = await wireWorld({ onExchange: wire.onExchange })
  clients = azureClients(settingsFor(world.server))
})
afterEach(() => world.pace!(200)())
afterAll(async () => {
  clients.destroy()
  await world.close()
})

const copies = () => world.provider.copies!
const aSet = async (primary: InstanceRef) => {
  const set = await captured(world, primary)
  return { set, members: (await world.provider.snapshots!.get(set))!.members } // as just taken
}
/** With a data disk of which Azure makes no restore points. */
async function withPremiumV2(): Promise<InstanceRef> {
  const ref = await world.makePrimary({ dataDisk: false })
  const disk = { location: ref.region, zones: ['1'], sku: { name: 'PremiumV2_LRS' }, diskSizeGB: 8, creationData: { createOption: 'Empty' } }
  const { id = '' } = await clients.compute.disks.createOrUpdate(group, 'fast', disk, { updateIntervalInMs: 5 })
  const context = newContext()
  const plugged = { ...world.provider.scope, nativeId: id }
  await until(world, 'the disk is plugged in', async () => (await world.provider.disks!.plug(ref, plugged, { readOnly: false }, context)).settled)
  return ref
}
const oneDisk = () => world.makePrimary({ dataDisk: false })
const usable = (ref: { readonly copyId: string; readonly region: string }) =>
  until(world, 'the copy is usable', async () => (await copies().get(ref))?.state === 'usable')
const readIn = (id: string): Uint8Array => world.server.dataCentre.blocks.read(id, 0, 4)
const behind = (id: string): string => {
  const { snapshots, restorePointCollections } = world.server.state
  const members = [...restorePointCollections.values()].flatMap(({ points }) => [...points.values()]).flatMap((point) => point.members)
  return snapshots.get(id.toLowerCase())?.snapshotId ?? members.find((member) => member.id === id)?.snapshotId ?? ''
}
/** With a copy that is under way as long as time stands almost still. */
async function copying(primary: InstanceRef) {
  const { set, members } = await aSet(primary)
  world.pace!(1)
  const context = newContext()
  await copies().copy(set, { region }, context)
  return { set, members, context, ref: { copyId: context.idempotencyKey, region } }
}

describe('copies of incremental snapshots', () => {
  it('have the bytes and our tags in their region alone, once, also when an answer was lost', async () => {
    const { set, members } = await aSet(await oneDisk())
    const context = newContext()
    world.server.dataCentre.faults.failNext('Snapshots_CreateOrUpdate', { kind: 'reset_after' })
    await expect(copies().copy(set, { region }, context)).rejects.toMatchObject({ shape: { ambiguous: true } })
    await world.freshProvider().copies!.copy(set, { region }, context)
    const ref = { copyId: context.idempotencyKey, region }
    await usable(ref)
    const made = (await copies().get(ref))!.members
    expect(made.map(({ source }) => source)).toEqual(members.map(({ snapshot }) => snapshot.nativeId))
    const [{ nativeId, source }] = made as [(typeof made)[number]]
    expect(readIn(behind(nativeId))).toEqual(readIn(behind(source)))
    expect(world.server.state.snapshots.get(nativeId.toLowerCase())).toMatchObject({
      ...{ location: region, incremental: true, copyOf: source },
      tags: { 'understudy:managed': 'true', 'understudy:op': context.idempotencyKey, 'understudy:copy-of': source, 'understudy:device': 'os' },
    })
    // Nothing in this region can be made of it.
    const disk = { location: world.provider.scope.region, zones: ['1'], creationData: { createOption: 'Copy', sourceResourceId: nativeId } }
    expect(await refused(async () => clients.compute.disks.createOrUpdate(group, 'stray', disk))).toBe('invalid InvalidParameter')
    await copies().delete(ref, newContext())
    expect(world.server.state.snapshots.get(nativeId.toLowerCase())).toBeUndefined()
  })

  it('of one disk are made one at a time, and no earlier one after a later one', async () => {
    const primary = await oneDisk()
    const earlier = await aSet(primary)
    const { context, ref, members } = await copying(primary)
    expect(await copies().get(ref)).toMatchObject({ state: 'pending' })
    const busy: unknown = await copies()
      .copy(earlier.set, { region }, newContext())
      .catch((error: unknown) => error)
    expect(busy).toMatchObject({ shape: { kind: 'throttled', retryable: true } })
    // Azure itself refuses it, and to make a disk of what has not come over.
    const started = (id: string, more: Partial<Snapshot> = {}): Snapshot => ({
      ...{ location: region, incremental: true, creationData: { createOption: 'CopyStart', sourceResourceId: id } },
      ...more,
    })
    const put = (name: string, what: Snapshot) => refused(async () => clients.compute.snapshots.createOrUpdate(group, name, what))
    expect(await put('second', started(earlier.members[0]!.snapshot.nativeId))).toBe('conflict OperationNotAllowed')
    const copied = (await copies().get(ref))!.members[0]!.nativeId
    const disk = { location: region, creationData: { createOption: 'Copy', sourceResourceId: copied } }
    expect(await refused(async () => clients.compute.disks.createOrUpdate(group, 'early', disk))).toBe('conflict OperationNotAllowed')
    await copies().copy(earlier.set, { region: 'sim-east-1' }, newContext()) // another region is another matter
    world.pace!(200)
    await usable(ref)
    expect(await refused(() => copies().copy(earlier.set, { region }, newContext()))).toBe('conflict OperationNotAllowed')
    // What has the name stays what it is.
    expect(await put(nameOf(context.idempotencyKey, 'os'), started(earlier.members[0]!.snapshot.nativeId))).toBe('invalid PropertyChangeNotAllowed')
    expect(await put('whole', started(members[0]!.snapshot.nativeId, { incremental: false }))).toBe('invalid InvalidParameter')
    expect(await put('nowhere', started(members[0]!.snapshot.nativeId, { location: 'atlantis' }))).toMatch('LocationNotAvailableForResourceType')
  })

  it('of a machine that is kept disk by disk are one each, and gone on with by whoever comes next', async () => {
    const { set, members } = await aSet(await withPremiumV2())
    expect(members).toHaveLength(2)
    const context = newContext()
    const ref = { copyId: context.idempotencyKey, region }
    world.server.dataCentre.faults.failNext('Snapshots_CreateOrUpdate', { kind: 'reset_after' })
    await expect(copies().copy(set, { region }, context)).rejects.toMatchObject({ shape: { ambiguous: true } })
    expect((await copies().get(ref))?.members).toHaveLength(1)
    await world.freshProvider().copies!.copy(set, { region }, context)
    await usable(ref)
    const made = (await copies().get(ref))!.members
    expect(made.map(({ deviceKey, source }) => [deviceKey, source])).toEqual(members.map(({ deviceKey, snapshot }) => [deviceKey, snapshot.nativeId]))
    await copies().delete(ref, newContext())
    expect([...world.server.state.snapshots.values()].filter(({ tags }) => tags['understudy:op'] === ref.copyId)).toEqual([])
  })

  it('fail when what they are of is deleted before it has come over', async () => {
    const { set, ref } = await copying(await oneDisk())
    await world.provider.snapshots!.delete(set, newContext())
    expect(await copies().get(ref)).toMatchObject({ state: 'failed', members: [{ state: 'failed' }] })
    const { copyCompletionError } = await clients.compute.snapshots.get(group, nameOf(ref.copyId, 'os'))
    expect(copyCompletionError?.errorCode).toBe('CopySourceNotFound')
    await copies().delete(ref, newContext())
    expect(await copies().get(ref)).toBeUndefined()
  })
})

describe('copies of restore points', () => {
  it('are a collection of their own in the other region, with all disks, once, also when an answer was lost', async () => {
    const { set, members } = await aSet(await world.makePrimary())
    const context = newContext()
    const ref = { copyId: context.idempotencyKey, region }
    for (const lost of ['RestorePointCollections_CreateOrUpdate', 'RestorePoints_Create']) {
      world.server.dataCentre.faults.failNext(lost, { kind: 'reset_after' })
      await expect(world.freshProvider().copies!.copy(set, { region }, context)).rejects.toMatchObject({ shape: { ambiguous: true } })
    }
    await world.freshProvider().copies!.copy(set, { region }, context)
    await usable(ref)
    const made = (await copies().get(ref))!.members
    expect(made.map(({ deviceKey, source }) => [deviceKey, source])).toEqual(members.map(({ deviceKey, snapshot }) => [deviceKey, snapshot.nativeId]))
    for (const { nativeId, source } of made) expect(readIn(behind(nativeId))).toEqual(readIn(behind(source)))
    const collection = await clients.compute.restorePointCollections.get(group, nameOf(ref.copyId))
    expect(collection).toMatchObject({
      ...{ location: region, source: { location: world.provider.scope.region } },
      tags: { 'understudy:managed': 'true', 'understudy:op': context.idempotencyKey },
    })
    expect(collection.tags?.['understudy:copy-of']).toBe(collection.source?.id)
    const disk = {
      ...{ location: world.provider.scope.region, zones: ['1'] },
      creationData: { createOption: 'Restore', sourceResourceId: made[0]!.nativeId },
    }
    expect(await refused(async () => clients.compute.disks.createOrUpdate(group, 'stray', disk))).toBe('invalid InvalidParameter')
    await copies().delete(ref, newContext())
    expect(await refused(async () => clients.compute.restorePointCollections.get(group, nameOf(ref.copyId)))).toBe('not_found ResourceNotFound')
  })

  it('leave no empty collection behind', async () => {
    const { set } = await aSet(await world.makePrimary())
    const context = newContext()
    world.server.dataCentre.faults.failNext('RestorePoints_Create', { kind: 'unavailable' })
    await expect(copies().copy(set, { region }, context)).rejects.toMatchObject({ shape: { kind: 'unavailable' } })
    const ref = { copyId: context.idempotencyKey, region }
    expect(await copies().get(ref)).toBeUndefined()
    await copies().delete(ref, newContext())
    expect(await refused(async () => clients.compute.restorePointCollections.get(group, nameOf(ref.copyId)))).toBe('not_found ResourceNotFound')
  })

  it('fail when what they are of is deleted before it has come over, and are of other regions only', async () => {
    const { set, ref } = await copying(await world.makePrimary())
    expect(await copies().get(ref)).toMatchObject({ state: 'pending' })
    const source = (await clients.compute.restorePointCollections.get(group, nameOf(set.setId))).id ?? ''
    const here = { location: world.provider.scope.region, source: { id: source } }
    expect(await refused(async () => clients.compute.restorePointCollections.createOrUpdate(group, 'here', here))).toBe('invalid InvalidParameter')
    await world.provider.snapshots!.delete(set, newContext())
    expect(await copies().get(ref)).toMatchObject({ state: 'failed' })
    await copies().delete(ref, newContext())
  })
})

it('regions are those of the subscription, without what is of none', async () => {
  expect(await copies().regions()).toEqual([world.provider.scope.region, region, 'sim-central-1', 'sim-east-1'])
})

it('what went over the wire is what Microsoft’s specifications allow', () => {
  expect(wire.problems().filter((problem) => !problem.endsWith('additional properties: snapshotAccessState'))).toEqual([])
})
