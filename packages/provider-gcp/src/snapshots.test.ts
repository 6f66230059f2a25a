import type { Exchange } from '@understudy/cloud-sim'
import { sha256 } from '@understudy/core'
import type { CallContext, InstanceRef, OperationHandle, SnapshotSetRef } from '@understudy/provider'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { restRules } from './testing/rest-rules.ts'
import { gcpWireWorld } from './testing/wire-world.ts'

type World = Awaited<ReturnType<typeof gcpWireWorld>>
const exchanges: Exchange[] = []
let world: World
let keys = 0

beforeAll(async () => {
  world = await gcpWireWorld({ onExchange: (exchange) => void exchanges.push(exchange) })
})
afterAll(async () => {
  await world.close()
})

const contextOf = (): CallContext => ({ idempotencyKey: sha256(`snapshots ${++keys}`).slice(0, 32), tags: {}, actor: 'test', priority: 'background' })
const snapshots = () => {
  if (world.provider.snapshots === undefined) throw new Error('the adapter has snapshots')
  return world.provider.snapshots
}
async function ended<T>(handle: OperationHandle<T>) {
  for (;;) {
    const status = await world.provider.compute.poll(handle)
    if (status.phase !== 'running') return status
    await world.advance(1_000)
  }
}
const captured = async (ref: InstanceRef, context = contextOf()): Promise<SnapshotSetRef> => {
  const status = await ended(await snapshots().capture(ref, context))
  if (status.phase === 'failed') throw new Error(status.error.message)
  return status.result
}
const recordOf = (ref: InstanceRef) => world.server.project.instance(ref.zone ?? '', ref.nativeId)
const disksOf = (ref: InstanceRef) => recordOf(ref).disks.map(({ name }) => world.server.project.disk(ref.zone ?? '', name))
const calls = (from: number, method: string, path: RegExp) =>
  exchanges.slice(from).filter((exchange) => exchange.method === method && path.test(exchange.url.pathname))

describe('a set of several disks', () => {
  it('is taken in one call over a consistency group, which stays for the next one; instant snapshots do not', async () => {
    const ref = await world.makePrimary()
    const from = exchanges.length
    await captured(ref)
    const group = `us-cg-${ref.nativeId}`
    expect(disksOf(ref).map(({ policies }) => policies)).toEqual([[group], [group]])
    await captured(ref)
    expect(calls(from, 'POST', /resourcePolicies$/)).toHaveLength(1)
    expect(calls(from, 'POST', /addResourcePolicies$/)).toHaveLength(2)
    expect(calls(from, 'POST', /instantSnapshotGroups$/)).toHaveLength(2)
    expect(world.server.project.instants).toEqual([])
    expect(world.server.project.instantGroups).toEqual([])
  })

  it('uses the consistency group that its owner has made, beside other policies', async () => {
    const ref = await world.makePrimary()
    const { policies } = world.server.project
    policies.set('nightly', { id: '1', body: { snapshotSchedulePolicy: {} } })
    policies.set('theirs', { id: '2', body: { diskConsistencyGroupPolicy: {} } })
    for (const disk of disksOf(ref)) disk.policies.push('nightly', 'theirs')
    const from = exchanges.length
    await captured(ref)
    expect(calls(from, 'POST', /resourcePolicies$/)).toEqual([])
    expect(disksOf(ref)[0]?.policies).toEqual(['nightly', 'theirs'])
  })

  it('is refused, and nothing is taken, when the disks are in different groups', async () => {
    const ref = await world.makePrimary()
    world.server.project.policies.set('one', { id: '3', body: { diskConsistencyGroupPolicy: {} } })
    disksOf(ref)[1]?.policies.push('one')
    const before = world.server.project.snapshots.length
    await expect(snapshots().capture(ref, contextOf())).rejects.toMatchObject({ shape: { kind: 'conflict', nativeCode: 'ConsistencyGroups' } })
    expect(world.server.project.snapshots).toHaveLength(before)
    expect(disksOf(ref)[0]?.policies).toEqual([])
  })

  it('is finished by another process when the first one ended between two exports', async () => {
    const ref = await world.makePrimary()
    const context = contextOf()
    const handle = await snapshots().capture(ref, context)
    world.server.dataCentre.faults.failNext('snapshots.insert', { kind: 'throttle' })
    await expect(world.provider.compute.poll(handle)).rejects.toMatchObject({ shape: { kind: 'throttled' } })
    const again = await world.freshProvider().snapshots?.capture(ref, context)
    if (again === undefined) throw new Error('the adapter has snapshots')
    expect(await ended(again)).toMatchObject({ phase: 'succeeded' })
    expect((await world.countOf(context.idempotencyKey)).snapshots).toBe(2)
  })

  it('leaves no instant snapshots when the first process ended after the exports', async () => {
    const ref = await world.makePrimary()
    const context = contextOf()
    const handle = await snapshots().capture(ref, context)
    while ((await world.countOf(context.idempotencyKey)).snapshots < 2) {
      await world.provider.compute.poll(handle)
      await world.advance(1_000)
    }
    expect(world.server.project.instants).toHaveLength(2)
    const again = await world.freshProvider().snapshots?.capture(ref, context)
    if (again === undefined) throw new Error('the adapter has snapshots')
    expect(await ended(again)).toMatchObject({ phase: 'succeeded' })
    expect(world.server.project.instants).toEqual([])
    expect(world.server.project.instantGroups).toEqual([])
  })

  it('that was given up halfway leaves nothing when it is deleted', async () => {
    const ref = await world.makePrimary()
    const context = contextOf()
    await snapshots().capture(ref, context)
    expect(world.server.project.instants).toHaveLength(2)
    await snapshots().delete({ setId: context.idempotencyKey }, contextOf())
    expect(world.server.project.instants).toEqual([])
  })

  it('that has lost a member is of no use, and says so', async () => {
    const set = await captured(await world.makePrimary())
    const { project } = world.server
    const lost = project.snapshots.findIndex(({ labels }) => labels['understudy_3aop'] === set.setId)
    project.snapshots.splice(lost, 1)
    expect(await snapshots().get(set)).toMatchObject({ state: 'failed' })
    await expect(snapshots().materialise(set, { zone: world.zoneOther }, contextOf())).rejects.toMatchObject({ shape: { kind: 'conflict' } })
  })
})

it('a single disk is snapshotted by itself, with neither group nor policy', async () => {
  const ref = await world.makePrimary()
  const record = recordOf(ref)
  world.server.project.add({ ...record, disks: record.disks.slice(0, 1) }, [])
  const from = exchanges.length
  const set = await captured(ref)
  expect(calls(from, 'POST', /resourcePolicies|instantSnapshotGroups/i)).toEqual([])
  expect((await snapshots().get(set))?.members).toMatchObject([{ role: 'root', deviceKey: 'boot', state: 'usable' }])
  for (let taken = 1; taken < 6; taken++) await captured(ref)
  await expect(snapshots().capture(ref, contextOf())).rejects.toMatchObject({ shape: { kind: 'throttled' } })
})

it('an instance made of a set knows the image that its source came from, and can be copied from that again', async () => {
  const ref = await world.makePrimary()
  const source = await world.provider.inventory.describe(ref)
  if (source === undefined) throw new Error('the world made it')
  const set = await captured(ref)
  const spec = { name: 'copy', power: 'running', instanceType: source.size.type, purchase: 'on-demand', zone: world.zoneOther } as const
  const made = await ended(await world.provider.compute.provision(source, { ...spec, disks: { from: 'snapshots', set } }, contextOf()))
  if (made.phase === 'failed') throw new Error(made.error.message)
  const copy = await world.provider.inventory.describe(made.result)
  expect(copy?.image).toBe(source.image)
  await snapshots().delete(set, contextOf())
  if (copy === undefined) throw new Error('it was made')
  const next = await ended(await world.provider.compute.provision(copy, { ...spec, zone: world.zoneThird, disks: { from: 'image' } }, contextOf()))
  expect(next).toMatchObject({ phase: 'succeeded' })
})

it('what a set takes is known once Google has counted it, is what has changed, and grows when the set before it goes', async () => {
  const ref = await world.makePrimary()
  const [disk] = disksOf(ref)
  if (disk === undefined) throw new Error('it has a disk')
  const { blocks } = world.server.dataCentre
  const unit = 65_536
  for (let block = 0; block < 10; block++) blocks.write(disk.volumeId, block * unit, new Uint8Array(10).fill(1))
  const stored = snapshots().storedBytes
  if (stored === undefined) throw new Error('Google says it')
  const counted = async (set: SnapshotSetRef): Promise<number> => {
    for (;;) {
      const bytes = await stored(set)
      if (bytes !== undefined) return bytes
      await world.advance(2_000)
    }
  }
  const first = await captured(ref)
  expect(await stored(first)).toBeUndefined()
  const whole = await counted(first)
  expect(whole).toBeGreaterThanOrEqual(10 * unit)
  blocks.write(disk.volumeId, 3 * unit, new Uint8Array(10).fill(2))
  const second = await captured(ref)
  expect(await counted(second)).toBe(unit)
  const id = (await snapshots().get(second))?.members[0]?.snapshot.nativeId ?? ''
  await snapshots().delete(first, contextOf())
  const shown = exchanges.length
  expect(await stored(second)).toBeUndefined()
  // The number of before is shown meanwhile; who took it for the present one would be wrong.
  expect(exchanges[shown]?.responseBody).toMatchObject({ items: [{ id: id.replace('snapshots/', '') }, {}] })
  const { items } = exchanges[shown]!.responseBody as { items: Record<string, string>[] }
  expect(items[0]).toMatchObject({ storageBytesStatus: 'UPDATING', storageBytes: String(unit) })
  expect(await counted(second)).toBe(whole)
  expect(await stored({ setId: 'none' })).toBeUndefined()
})

it('snapshots carry tags, and every exchange is one that Google’s own description allows', async () => {
  const set = await captured(await world.makePrimary())
  const [member] = (await snapshots().get(set))?.members ?? []
  if (member === undefined) throw new Error('the set has members')
  await world.provider.labels.tag([member.snapshot], { kept: 'yes' }, contextOf())
  expect(world.server.project.snapshots.some(({ labels }) => labels['kept'] === 'yes')).toBe(true)
  const disks = await ended(await snapshots().materialise(set, { zone: world.zoneOther }, contextOf()))
  if (disks.phase === 'failed') throw new Error(disks.error.message)
  for (const disk of disks.result) await snapshots().deleteDisk(disk, contextOf())
  await snapshots().delete(set, contextOf())
  const { problemsOf } = restRules()
  expect([...new Set(exchanges.flatMap(problemsOf))]).toEqual([])
})
