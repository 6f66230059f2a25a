import type { ArmExchange } from '@understudy/cloud-sim'
import { sha256 } from '@understudy/core'
import { type CallContext, type InstanceRef, type SnapshotSetRef } from '@understudy/provider'
import { captured, describeOf, newContext, until } from '@understudy/provider/conformance'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { nameOf } from './arm-id.ts'
import { azureClients } from './clients.ts'
import { refused } from './testing/refused.ts'
import { watched } from './testing/watched.ts'
import { settingsFor, wireWorld } from './testing/wire-world.ts'

const group = 'shop'
const exchanges: ArmExchange[] = []
const wire = watched()
let world: Awaited<ReturnType<typeof wireWorld>>
let clients: ReturnType<typeof azureClients>
let keys = 0
beforeAll(async () => {
  const onExchange = (exchange: ArmExchange): void => {
    exchanges.push(exchange)
    wire.onExchange(exchange)
  }
  world = await wireWorld({ onExchange })
  clients = azureClients(settingsFor(world.server))
})
afterEach(() => world.pace!(200)())
afterAll(async () => {
  clients.destroy()
  await world.close()
})

const contextOf = (): CallContext => ({
  idempotencyKey: sha256(`disk snapshots ${++keys}`).slice(0, 32),
  tags: {},
  actor: 'test',
  priority: 'background',
})
const snapshots = () => world.provider.snapshots!
const puts = (name: string): readonly ArmExchange[] =>
  exchanges.filter(({ method, url }) => method === 'PUT' && url.pathname.endsWith(`/snapshots/${name}`))
const idOf = (type: string, name: string): string =>
  `/subscriptions/${world.server.subscription}/resourceGroups/${group}/providers/Microsoft.Compute/${type}/${name}`

/** With a data disk of which Azure makes no restore points. */
async function withPremiumV2(): Promise<InstanceRef> {
  const ref = await world.makePrimary({ dataDisk: false })
  const name = `fast-${++keys}`
  await clients.compute.disks.createOrUpdate(
    group,
    name,
    { location: ref.region, zones: ['1'], sku: { name: 'PremiumV2_LRS' }, diskSizeGB: 8, creationData: { createOption: 'Empty' } },
    { updateIntervalInMs: 5 },
  )
  const disk = { ...world.provider.scope, nativeId: idOf('disks', name) }
  const context = newContext()
  await until(world, 'the disk is plugged in', async () => (await world.provider.disks!.plug(ref, disk, { readOnly: false }, context)).settled)
  return ref
}

describe('a machine with one disk', () => {
  it('is kept by an incremental, zone-redundant snapshot with our tags, made once, also when the answer was lost', async () => {
    const ref = await world.makePrimary({ dataDisk: false })
    const context = { ...contextOf(), tags: { 'understudy:role': 'recovery-point' } }
    await snapshots().capture(ref, context)
    const { disks } = await describeOf(world, ref)
    expect(puts(nameOf(context.idempotencyKey, 'os')).map(({ requestBody }) => requestBody)).toMatchObject([
      {
        sku: { name: 'Standard_ZRS' },
        properties: { incremental: true, osType: 'Linux', creationData: { createOption: 'Copy', sourceResourceId: disks[0]?.ref.nativeId } },
        tags: {
          ...{ 'understudy:managed': 'true', 'understudy:op': context.idempotencyKey },
          ...{ 'understudy:role': 'recovery-point', 'understudy:source': ref.nativeId },
        },
      },
    ])
    const lost = contextOf()
    world.server.dataCentre.faults.failNext('Snapshots_CreateOrUpdate', { kind: 'reset_after' })
    await expect(snapshots().capture(ref, lost)).rejects.toMatchObject({ shape: { ambiguous: true } })
    await world.freshProvider().snapshots!.capture(ref, lost)
    // The one that was cut off has made it; the repetition has only looked.
    expect(puts(nameOf(lost.idempotencyKey, 'os'))).toEqual([])
    expect(await world.countOf(lost.idempotencyKey)).toMatchObject({ snapshots: 1 })
  })

  it('is not bound to three restore points in an hour, but to seven snapshots in five minutes', async () => {
    const ref = await world.makePrimary({ dataDisk: false })
    world.pace!(1)
    for (let made = 0; made < 7; made++) await captured(world, ref)
    const refusal: unknown = await snapshots()
      .capture(ref, contextOf())
      .catch((error: unknown) => error)
    expect(refusal).toMatchObject({ shape: { kind: 'throttled', nativeCode: 'TooManyRequests' } })
    expect((refusal as { shape: { retryAfterMs: number } }).shape.retryAfterMs).toBeGreaterThan(200_000)
  })

  it('has nothing changed of a snapshot of that name which is not ours', async () => {
    const ref = await world.makePrimary({ dataDisk: false })
    const { disks } = await describeOf(world, ref)
    const context = contextOf()
    const name = nameOf(context.idempotencyKey, 'os')
    await clients.compute.snapshots.createOrUpdate(
      group,
      name,
      { location: ref.region, creationData: { createOption: 'Copy', sourceResourceId: disks[0]?.ref.nativeId ?? '' }, tags: { whose: 'theirs' } },
      { updateIntervalInMs: 5 },
    )
    await expect(snapshots().capture(ref, context)).rejects.toMatchObject({ shape: { kind: 'idempotency_mismatch' } })
    await snapshots().delete({ setId: context.idempotencyKey }, context)
    expect(world.server.state.snapshots.get(idOf('snapshots', name).toLowerCase())?.tags).toEqual({ whose: 'theirs' })
  })

  it('outlives the machine: its set is read, and disks are made of it', async () => {
    const ref = await world.makePrimary({ dataDisk: false })
    const { disks } = await describeOf(world, ref)
    world.writeDisk(disks[0]!.ref, 61)
    const set = await captured(world, ref)
    await world.provider.compute.terminate(ref, contextOf())
    await until(world, 'the machine and its disk are gone', async () => !world.server.state.disks.has(disks[0]!.ref.nativeId.toLowerCase()))
    expect(await snapshots().get(set)).toMatchObject({ state: 'usable', source: { nativeId: ref.nativeId } })
    const handle = await snapshots().materialise(set, { zone: '3' }, contextOf())
    await until(world, 'the disk is there', async () => (await world.provider.compute.poll(handle)).phase === 'succeeded')
    const { names } = handle.native as { readonly names: readonly string[] } // as the adapter writes it
    expect(world.readDisk({ ...world.provider.scope, nativeId: idOf('disks', names[0] ?? '') })).toBe(61)
  })
})

describe('a machine with a disk of which there are no restore points', () => {
  const startCapture = async (): Promise<{ readonly set: SnapshotSetRef; readonly goOn: () => void; readonly context: CallContext }> => {
    const ref = await withPremiumV2()
    const context = contextOf()
    const goOn = world.pace!(0.01)
    await snapshots().capture(ref, context)
    return { set: { setId: context.idempotencyKey }, goOn, context }
  }

  it('is kept disk by disk, which is said, and usable when the copies behind it are complete', async () => {
    const { set, goOn, context } = await startCapture()
    const before = await snapshots().get(set)
    expect(before).toMatchObject({
      ...{ state: 'pending', consistency: 'none' },
      members: [
        { deviceKey: 'os', state: 'usable' },
        { deviceKey: 'lun:0', state: 'pending' },
      ],
    })
    expect(before!.progressPercent).toBeLessThan(100)
    expect(await refused(() => snapshots().materialise(set, { zone: '2' }, contextOf()))).toBe('conflict SnapshotSet.NotUsable')
    const early = {
      location: world.provider.scope.region,
      zones: ['2'],
      creationData: { createOption: 'Copy', sourceResourceId: before!.members[1]!.snapshot.nativeId },
    }
    expect(await refused(async () => clients.compute.disks.createOrUpdate(group, 'early', early))).toBe('conflict OperationNotAllowed')
    goOn()
    await until(world, 'it is copied', async () => (await snapshots().get(set))?.state === 'usable')
    const handle = await snapshots().materialise(set, { zone: '2' }, contextOf())
    await until(world, 'the disks are there', async () => (await world.provider.compute.poll(handle)).phase === 'succeeded')
    expect(
      [...world.server.state.disks.values()]
        .filter(({ tags }) => tags['understudy:op'] === handle.idempotencyKey)
        .map(({ sku, zone }) => [sku, zone]),
    ).toEqual([
      ['Premium_LRS', '2'],
      ['PremiumV2_LRS', '2'],
    ])
    await snapshots().delete(set, context)
    expect(await world.countOf(set.setId)).toMatchObject({ snapshots: 0 })
  })

  it('says which of its snapshots is gone, and the others go with the set', async () => {
    const { set, goOn, context } = await startCapture()
    goOn()
    await until(world, 'it is copied', async () => (await snapshots().get(set))?.state === 'usable')
    await clients.compute.snapshots.delete(group, nameOf(set.setId, 'os'), { updateIntervalInMs: 5 })
    expect(await snapshots().get(set)).toMatchObject({ state: 'failed', members: [{ deviceKey: 'lun:0', state: 'usable' }] })
    expect(await refused(() => snapshots().materialise(set, { zone: '2' }, contextOf()))).toBe('not_found SnapshotSet.NotFound')
    await snapshots().delete(set, context)
    expect(await snapshots().get(set)).toBeUndefined()
    expect(await world.countOf(set.setId)).toMatchObject({ snapshots: 0 })
  })

  it('is completed by a repetition under the same key when the first attempt was cut off between two disks', async () => {
    const ref = await withPremiumV2()
    const context = contextOf()
    world.server.dataCentre.faults.failNext('Snapshots_CreateOrUpdate', { kind: 'reset_after' })
    await snapshots()
      .capture(ref, context)
      .catch(() => undefined)
    expect(await world.countOf(context.idempotencyKey)).toMatchObject({ snapshots: 1 })
    const handle = await world.freshProvider().snapshots!.capture(ref, context)
    await until(world, 'it is kept', async () => (await world.freshProvider().compute.poll(handle)).phase === 'succeeded')
    expect(await world.countOf(context.idempotencyKey)).toMatchObject({ snapshots: 2 })
  })
})

describe('Azure refuses', () => {
  const of = (diskId: string, more: object = {}) => ({
    location: world.provider.scope.region,
    incremental: true,
    creationData: { createOption: 'Copy', sourceResourceId: diskId },
    ...more,
  })
  const put = (name: string, body: ReturnType<typeof of>) =>
    refused(async () => clients.compute.snapshots.createOrUpdate(group, name, body, { updateIntervalInMs: 5 }))

  it('a snapshot under a name that has another one, a full one of a disk that has none, and more than there may be of a disk', async () => {
    const { disks } = await describeOf(world, await withPremiumV2())
    const [os = '', fast = ''] = disks.map(({ ref }) => ref.nativeId)
    expect(await put('mine', of(os))).toBe('no failure')
    expect(await put('mine', of(fast))).toBe('invalid PropertyChangeNotAllowed')
    expect(await put('mine', of(os, { incremental: false }))).toBe('invalid PropertyChangeNotAllowed')
    expect(await put('full', of(fast, { incremental: false }))).toMatch(/OperationNotAllowed/)
    expect(await put('nowhere', of(os, { location: 'northeurope' }))).toBe('invalid InvalidParameter')
    expect(await put('of-nothing', of(`${os}x`))).toBe('not_found ResourceNotFound')
    const [record] = [...world.server.state.snapshots.values()].filter(({ name }) => name === 'mine')
    for (let made = 0; made < 500; made++) world.server.state.snapshots.set(`filler ${made}`, { ...record!, id: `filler ${made}`, createdAtMs: 0 })
    expect(await put('one-more', of(os))).toBe('quota_exceeded OperationNotAllowed')
    for (let made = 0; made < 500; made++) world.server.state.snapshots.delete(`filler ${made}`)
  })

  it('a restore point of such a machine, and three more copies at once', async () => {
    const ref = await withPremiumV2()
    const { restorePointCollections, restorePoints } = clients.compute
    await restorePointCollections.createOrUpdate(group, 'points', { location: ref.region, source: { id: ref.nativeId } })
    expect(await refused(async () => restorePoints.create(group, 'points', 'one', { consistencyMode: 'CrashConsistent' }))).toBe(
      'conflict OperationNotAllowed',
    )
    const { disks } = await describeOf(world, ref)
    world.pace!(0.01)
    const names = ['a', 'b', 'c', 'd']
    const ends: string[] = []
    for (const name of names) ends.push(await put(`copy-${name}`, of(disks[1]!.ref.nativeId)))
    expect(ends).toEqual(['no failure', 'no failure', 'no failure', 'conflict OperationNotAllowed'])
  })

  it('to delete a snapshot that is open, more than five addresses for one disk, and to compare what is of another family', async () => {
    const ref = await world.makePrimary({ dataDisk: false })
    const set = await captured(world, ref)
    const { snapshot } = (await snapshots().get(set))!.members[0]!
    const blocks = world.provider.blocks!
    await blocks.open([snapshot, snapshot, snapshot, snapshot, snapshot], { seconds: 600 }, contextOf())
    await expect(blocks.open([snapshot], { seconds: 600 }, contextOf())).rejects.toMatchObject({ shape: { kind: 'conflict' } })
    await expect(snapshots().delete(set, contextOf())).rejects.toMatchObject({ shape: { kind: 'conflict', nativeCode: 'OperationNotAllowed' } })
    await blocks.close([snapshot], contextOf())
    const { disks } = await describeOf(world, ref)
    await put('full-copy', of(disks[0]!.ref.nativeId, { incremental: false }))
    const full = { ...world.provider.scope, nativeId: idOf('snapshots', 'full-copy') }
    await blocks.open([snapshot, full], { seconds: 600 }, contextOf())
    expect(await blocks.list(full, { from: 0, since: snapshot })).toBe('unrelated')
    await blocks.close([snapshot, full], contextOf())
    await snapshots().delete(set, contextOf())
  })
})

it('what went over the wire meanwhile is what Microsoft’s specifications allow', () => {
  // Newer than the specifications at hand.
  expect(wire.problems().filter((problem) => !problem.endsWith(': snapshotAccessState'))).toEqual([])
  expect(wire.unseen()).not.toContain('Snapshots_CreateOrUpdate')
})
