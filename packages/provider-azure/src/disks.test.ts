import { sha256 } from '@understudy/core'
import type { CallContext, DiskPlace, InstanceRef, ResourceDna } from '@understudy/provider'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { call } from './adapter.ts'
import { azureClients } from './clients.ts'
import { watched } from './testing/watched.ts'
import { settingsFor, wireWorld } from './testing/wire-world.ts'

const group = 'shop'
let world: Awaited<ReturnType<typeof wireWorld>>
let clients: ReturnType<typeof azureClients>
let keys = 0
const wire = watched()
beforeAll(async () => {
  world = await wireWorld({ onExchange: wire.onExchange })
  clients = azureClients(settingsFor(world.server))
}, 180_000)
afterAll(async () => {
  clients.destroy()
  await world.close()
})

const contextOf = (): CallContext => ({ idempotencyKey: sha256(`disks ${++keys}`).slice(0, 32), tags: {}, actor: 'test', priority: 'background' })
const nameIn = (nativeId: string): string => nativeId.split('/').pop() ?? ''
const dnaOf = async (ref: InstanceRef): Promise<ResourceDna> => (await world.provider.inventory.describe(ref))!
const placesOf = ({ disks }: ResourceDna): DiskPlace[] =>
  disks.map(({ deviceKey, ref, deleteWithInstance }) => ({ deviceKey, disk: ref, deleteWithInstance }))

async function stopped(how: { readonly holdEnabled?: boolean } = {}): Promise<InstanceRef> {
  const ref = await world.makePrimary(how)
  if (how.holdEnabled) await world.advance(10_000) // until the guest's agent is ready for it
  await clients.compute.virtualMachines.deallocate(group, nameIn(ref.nativeId), {
    updateIntervalInMs: 5,
    ...(how.holdEnabled ? { hibernate: true } : {}),
  })
  return ref
}
/** A loose disk, by its id. */
async function loose(
  more: { readonly zones?: string[]; readonly diskSizeGB?: number } = {},
): Promise<{ readonly id: string; readonly name: string }> {
  const name = `loose-${++keys}`
  const location = world.server.dataCentre.region
  const made = await clients.compute.disks.createOrUpdate(
    group,
    name,
    { location, zones: ['1'], sku: { name: 'Premium_LRS' }, diskSizeGB: 40, creationData: { createOption: 'Empty' }, ...more },
    { updateIntervalInMs: 5 },
  )
  return { id: made.id ?? '', name }
}
async function arranged(ref: InstanceRef, places: readonly DiskPlace[]): Promise<void> {
  for (let round = 0; !(await world.freshProvider().disks!.arrange(ref, places, contextOf())).settled; round++) {
    if (round > 20) throw new Error('it does not settle')
  }
}
const refused = async (work: () => PromiseLike<unknown>): Promise<string> => {
  try {
    await call(async () => await work())
    return 'accepted'
  } catch (error) {
    return (error as { readonly shape: { readonly nativeCode: string } }).shape.nativeCode // of a ProviderError
  }
}

describe('what Azure does not allow', () => {
  const swap = (ref: InstanceRef, osDisk: { createOption?: 'Attach' | 'FromImage'; name?: string; managedDisk?: { id: string } }) =>
    refused(() =>
      clients.compute.virtualMachines.update(
        group,
        nameIn(ref.nativeId),
        { storageProfile: { osDisk: { createOption: 'Attach', ...osDisk } } },
        { updateIntervalInMs: 5 },
      ),
    )
  const exchange = (ref: InstanceRef, request: Parameters<typeof clients.compute.virtualMachines.attachDetachDataDisks>[2]) =>
    refused(() => clients.compute.virtualMachines.attachDetachDataDisks(group, nameIn(ref.nativeId), request, { updateIntervalInMs: 5 }))

  it('an OS disk of another size, another zone, another VM, under another name, or of a VM that runs', async () => {
    const ref = await stopped()
    const [fit, small, far] = [await loose(), await loose({ diskSizeGB: 39 }), await loose({ zones: ['2'] })]
    const running = await world.makePrimary()
    const theirs = (await dnaOf(running)).disks[0]!.ref.nativeId
    const as = ({ id, name }: { id: string; name: string }) => ({ name, managedDisk: { id } })
    expect(await swap(ref, as(small))).toBe('InvalidParameter')
    expect(await swap(ref, as(far))).toBe('BadRequest')
    expect(await swap(ref, as({ id: theirs, name: nameIn(theirs) }))).toBe('AttachDiskWhileBeingAttached')
    expect(await swap(ref, { ...as(fit), name: 'another' })).toBe('PropertyChangeNotAllowed')
    expect(await swap(ref, { ...as(fit), createOption: 'FromImage' })).toBe('PropertyChangeNotAllowed')
    expect(await swap(ref, as({ id: `${fit.id}-gone`, name: fit.name }))).toBe('ResourceNotFound')
    expect(await swap(running, as(fit))).toBe('OperationNotAllowed')
    expect(await swap(ref, as(fit))).toBe('accepted')
  })

  it('data disks in a place that is taken, of another zone, that are not there, or in words nobody knows', async () => {
    const ref = await stopped()
    const [fit, far] = [await loose(), await loose({ zones: ['2'] })]
    const present = (await dnaOf(ref)).disks[1]!.ref.nativeId
    expect(await exchange(ref, {})).toBe('InvalidParameter')
    expect(await exchange(ref, { dataDisksToAttach: [{ diskId: fit.id, lun: 0 }] })).toBe('OperationNotAllowed')
    expect(await exchange(ref, { dataDisksToAttach: [{ diskId: fit.id, lun: 0 }], dataDisksToDetach: [{ diskId: present }] })).toBe(
      'OperationNotAllowed',
    )
    expect(await exchange(ref, { dataDisksToAttach: [{ diskId: far.id, lun: 1 }] })).toBe('BadRequest')
    expect(await exchange(ref, { dataDisksToAttach: [{ diskId: fit.id, lun: 1, caching: 'Everything' as 'None' }] })).toBe('InvalidParameter')
    expect(await exchange(ref, { dataDisksToDetach: [{ diskId: fit.id }] })).toBe('InvalidParameter')
    expect(await exchange(ref, { dataDisksToAttach: [{ diskId: fit.id, lun: 1 }] })).toBe('accepted')
  })

  it('any of it on a VM whose memory is kept: the adapter does not ask', async () => {
    const ref = await stopped({ holdEnabled: true })
    const { id } = await loose()
    expect(await exchange(ref, { dataDisksToAttach: [{ diskId: id, lun: 5 }] })).toBe('OperationNotAllowed')
    const places = placesOf(await dnaOf(ref))
    await expect(world.provider.disks!.arrange(ref, places, contextOf())).rejects.toMatchObject({ shape: { kind: 'conflict' } })
  })
})

describe('an exchange', () => {
  it('keeps the cache of the host in the place, also when the former disk returns', async () => {
    const ref = await stopped()
    const vm = nameIn(ref.nativeId)
    const cachingOf = async () =>
      (await clients.compute.virtualMachines.get(group, vm)).storageProfile?.dataDisks?.map(({ lun, caching }) => ({ lun, caching }))
    const [, data] = placesOf(await dnaOf(ref))
    const { id } = await loose()
    await clients.compute.virtualMachines.attachDetachDataDisks(
      group,
      vm,
      { dataDisksToAttach: [{ diskId: id, lun: 3, caching: 'ReadOnly' }] },
      { updateIntervalInMs: 5 },
    )
    const former: DiskPlace = { deviceKey: 'lun:3', disk: { ...data!.disk, nativeId: id }, deleteWithInstance: false }
    await arranged(ref, [{ ...former, disk: { ...former.disk, nativeId: (await loose()).id } }])
    await arranged(ref, [former])
    expect(await cachingOf()).toEqual([
      { lun: 0, caching: undefined },
      { lun: 3, caching: 'ReadOnly' },
    ])
  })

  it('says what becomes of a disk with its VM, and changes nothing else', async () => {
    const ref = await stopped()
    const before = placesOf(await dnaOf(ref))
    const wanted = before.map((place, index) => ({ ...place, deleteWithInstance: index === 0 }))
    await arranged(ref, wanted)
    expect(placesOf(await dnaOf(ref))).toEqual(wanted)
    await arranged(ref, before)
    expect(placesOf(await dnaOf(ref))).toEqual(before)
  })

  it('of the OS disk for one that is plugged in as data takes that out first', async () => {
    const ref = await stopped()
    const [os] = placesOf(await dnaOf(ref))
    const { id } = await loose()
    await clients.compute.virtualMachines.attachDetachDataDisks(
      group,
      nameIn(ref.nativeId),
      { dataDisksToAttach: [{ diskId: id, lun: 9 }] },
      { updateIntervalInMs: 5 },
    )
    await arranged(ref, [{ ...os!, disk: { ...os!.disk, nativeId: id } }])
    expect((await dnaOf(ref)).disks.map(({ deviceKey }) => deviceKey)).toEqual(['os', 'lun:0'])
    expect((await dnaOf(ref)).disks[0]?.ref.nativeId).toBe(id)
  })

  it('that another process has begun is waited for', async () => {
    const ref = await stopped()
    const [, data] = placesOf(await dnaOf(ref))
    const wanted = { ...data!, deviceKey: 'lun:4', disk: { ...data!.disk, nativeId: (await loose()).id } }
    const slower = world.pace!(0.5) // an exchange of some seconds is then still under way when it is looked at
    const request = { dataDisksToAttach: [{ diskId: wanted.disk.nativeId, lun: 4, deleteOption: 'Delete' as const }] }
    const begun = clients.compute.virtualMachines.attachDetachDataDisks(group, nameIn(ref.nativeId), request, { updateIntervalInMs: 5 })
    await begun.submitted()
    expect(await world.provider.disks!.arrange(ref, [wanted], contextOf())).toEqual({ settled: false })
    slower()
    await begun
    expect(await world.provider.disks!.arrange(ref, [wanted], contextOf())).toEqual({ settled: true })
  })
})

it('what went over the wire meanwhile is what Microsoft’s specifications allow', () => {
  expect(wire.unseen()).not.toContain('Disks_Update')
  // Words that nobody knows are what was refused.
  expect(wire.problems().filter((problem) => !problem.includes('/dataDisksToAttach/*/caching must be equal'))).toEqual([])
})
