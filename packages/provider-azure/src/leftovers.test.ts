import { ownTags, sha256 } from '@understudy/core'
import type { CallContext, CloneSpec, ResourceDna } from '@understudy/provider'
import { newContext, until } from '@understudy/provider/conformance'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { nameOf } from './arm-id.ts'
import { azureClients } from './clients.ts'
import { watched } from './testing/watched.ts'
import { settingsFor, wireWorld } from './testing/wire-world.ts'

const group = 'shop'
const wire = watched()
let world: Awaited<ReturnType<typeof wireWorld>>
let clients: ReturnType<typeof azureClients>
let keys = 0
beforeAll(async () => {
  world = await wireWorld({ onExchange: wire.onExchange })
  clients = azureClients(settingsFor(world.server))
  // As a stand-in from elsewhere names it.
  await clients.network.networkSecurityGroups.beginCreateOrUpdateAndWait(group, 'web', { location: world.provider.scope.region })
})
afterAll(async () => {
  clients.destroy()
  await world.close()
})

const tags = { [ownTags.managed]: 'true', [ownTags.installation]: 'conformance' }
const contextOf = (): CallContext => ({
  idempotencyKey: sha256(`leftovers ${++keys}`).slice(0, 32),
  tags: { [ownTags.resource]: 'res_one' },
  actor: 'test',
  priority: 'background',
})
const idOf = (type: string, name: string): string => `/subscriptions/${world.server.subscription}/resourceGroups/${group}/providers/${type}/${name}`
const addressOf = (key: string): string => idOf('Microsoft.Network/publicIPAddresses', nameOf(key, 'ip'))
const isThere = (key: string): boolean => world.server.state.publicIps.has(addressOf(key).toLowerCase())
const left = async (): Promise<readonly string[]> =>
  (await world.freshProvider().leftovers!.list({ tags, instances: [] })).map(({ nativeId }) => nativeId)

/** A stand-in with a public address of its own. */
function wanted(): { readonly source: ResourceDna; readonly spec: CloneSpec } {
  const source = world.provider.portable!.define({
    ...{ image: idOf('Microsoft.Compute/images', 'shop-image'), arch: 'x86_64', vcpus: 2, memoryMiB: 8192, tags: {}, publicAddress: true },
    subnet: idOf('Microsoft.Network/virtualNetworks', 'net/subnets/web'),
    securityGroups: [idOf('Microsoft.Network/networkSecurityGroups', 'web')],
  })
  const spec: CloneSpec = {
    name: 'stand-in',
    power: 'running',
    instanceType: 'Standard_D2s_v5',
    purchase: 'on-demand',
    zone: '2',
    disks: { from: 'image' },
  }
  return { source, spec }
}

/** A worker that dies between the address and the interface that shall have it. */
async function cutOff(): Promise<CallContext> {
  const context = contextOf()
  const { source, spec } = wanted()
  world.server.dataCentre.faults.failNext('NetworkInterfaces_CreateOrUpdate', { kind: 'reset_before' })
  await expect(world.provider.compute.provision(source, spec, context)).rejects.toMatchObject({ shape: { retryable: true } })
  return context
}

describe('the public address of a stand-in that never came to be', () => {
  it('is found by its tags, released, and releasing it again is no error', async () => {
    const { idempotencyKey } = await cutOff()
    expect(await left()).toEqual([addressOf(idempotencyKey)])
    for (let times = 0; times < 2; times++)
      await world.freshProvider().leftovers!.remove({ kind: 'address', nativeId: addressOf(idempotencyKey) }, newContext())
    expect({ left: await left(), there: isThere(idempotencyKey) }).toEqual({ left: [], there: false })
  })

  it('goes with the disks of the same key when the attempt is undone', async () => {
    const { idempotencyKey } = await cutOff()
    const { disks } = await world.provider.compute.adopt(idempotencyKey)
    expect({ disks: disks.length, there: isThere(idempotencyKey) }).toEqual({ disks: 1, there: true })
    for (const disk of disks) await world.provider.snapshots!.deleteDisk(disk, newContext())
    expect(isThere(idempotencyKey)).toBe(false)
  })

  it('is no leftover when the attempt is repeated and has it: whoever would release it is refused', async () => {
    const context = await cutOff()
    const { source, spec } = wanted()
    const handle = await world.freshProvider().compute.provision(source, spec, context)
    await until(world, 'it runs', async () => (await world.provider.compute.poll(handle)).phase === 'succeeded')
    expect(await left()).toEqual([])
    const release = world.provider.leftovers!.remove({ kind: 'address', nativeId: addressOf(context.idempotencyKey) }, newContext())
    await expect(release).rejects.toMatchObject({ shape: { kind: 'conflict' } })
    expect(isThere(context.idempotencyKey)).toBe(true)
    // Unplugged by somebody, but its machine is there.
    const record = world.server.state.publicIps.get(addressOf(context.idempotencyKey).toLowerCase())!
    const { nicId } = record
    record.nicId = undefined
    expect(await left()).toEqual([])
    record.nicId = nicId
  })

  it('is nothing of ours with other tags, in another resource group, or of another installation', async () => {
    const body = { location: world.provider.scope.region, sku: { name: 'Standard' }, publicIPAllocationMethod: 'Static' }
    const ours = { ...tags, [ownTags.operation]: 'k' }
    await clients.network.publicIPAddresses.beginCreateOrUpdateAndWait(group, 'theirs', { ...body, tags: { team: 'shop' } })
    await clients.network.publicIPAddresses.beginCreateOrUpdateAndWait(group, 'others', {
      ...body,
      tags: { ...ours, [ownTags.installation]: 'other' },
    })
    await clients.network.publicIPAddresses.beginCreateOrUpdateAndWait('elsewhere', 'ours', { ...body, tags: ours })
    expect(await left()).toEqual([])
  })
})

it('what went over the wire meanwhile is what Microsoft’s specifications allow', () => {
  expect(wire.unseen()).not.toContain('PublicIPAddresses_Delete')
  expect(wire.problems()).toEqual([])
})
