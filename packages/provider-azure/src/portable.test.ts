import type { CallContext, CloneSpec, InstanceRef, ResourceDna } from '@understudy/provider'
import { isProviderError } from '@understudy/provider'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { azureClients } from './clients.ts'
import { offered } from './sizes.ts'
import { watched } from './testing/watched.ts'
import { settingsFor, wireWorld } from './testing/wire-world.ts'

let world: Awaited<ReturnType<typeof wireWorld>>
const wire = watched()
beforeAll(async () => {
  world = await wireWorld({ onExchange: wire.onExchange })
  const { network, destroy } = azureClients(settingsFor(world.server))
  await network.networkSecurityGroups.beginCreateOrUpdateAndWait('shop', 'web', { location: world.server.dataCentre.region })
  destroy()
}, 180_000)
afterAll(() => world.close())

const source = () => {
  const { server, provider } = world
  const idOf = (type: string, name: string) => `/subscriptions/${server.subscription}/resourceGroups/shop/providers/${type}/${name}`
  const definition = provider.portable?.define({
    image: idOf('Microsoft.Compute/images', 'shop-image'),
    arch: 'x86_64',
    vcpus: 2,
    memoryMiB: 8192,
    subnet: idOf('Microsoft.Network/virtualNetworks', 'net/subnets/web'),
    securityGroups: [idOf('Microsoft.Network/networkSecurityGroups', 'web')],
    publicAddress: true,
    tags: {},
  })
  if (definition === undefined) throw new Error('Azure makes machines of portable definitions')
  return definition
}
const addresses = () => [...world.server.state.publicIps.values()]
let keys = 0
const newContext = (): CallContext => ({
  idempotencyKey: (keys += 1).toString(16).padStart(12, '0').padEnd(32, '0'),
  tags: { 'understudy:role': 'shadow' },
  actor: 'test',
  priority: 'background',
})
const spec = (more: Partial<CloneSpec> = {}): CloneSpec => ({
  ...{ name: 'shadow', power: 'running', instanceType: 'Standard_D2s_v5', purchase: 'on-demand', zone: '2', disks: { from: 'image' } },
  ...more,
})
async function made(from: ResourceDna, more: Partial<CloneSpec> = {}): Promise<InstanceRef> {
  const { compute } = world.provider
  const handle = await compute.provision(from, spec(more), newContext())
  for (;;) {
    const status = await compute.poll(handle)
    if (status.phase === 'failed') throw new Error(status.error.message)
    if (status.phase === 'succeeded') return status.result
    await world.advance(1_000)
  }
}
async function nicOf(ref: InstanceRef) {
  const dna = await world.provider.inventory.describe(ref)
  if (dna === undefined) throw new Error('it has just been made')
  return { dna, nic: dna.nics[0] }
}

describe('the public address of a stand-in made of a portable definition', () => {
  it('is its own, is seen, and goes with it', async () => {
    const shadow = await made(source())
    const { nic } = await nicOf(shadow)
    const [address] = addresses()
    expect(addresses()).toHaveLength(1)
    expect(nic?.publicIp).toEqual({ ip: address?.ip, allocationId: address?.id, ephemeral: true })
    expect(address?.tags).toMatchObject({ 'understudy:managed': 'true', 'understudy:op': expect.any(String) })
    await world.provider.compute.terminate(shadow, newContext())
    while (world.server.state.vms.size > 0) await world.advance(1_000)
    expect(addresses()).toEqual([])
  })

  it('is had by a clone of it too, each its own, and not by an isolated one', async () => {
    const first = await made(source())
    const { dna, nic } = await nicOf(first)
    const second = await made(dna)
    expect(new Set(addresses().map(({ ip }) => ip)).size).toBe(2)
    expect((await nicOf(second)).nic?.publicIp?.ip).not.toBe(nic?.publicIp?.ip)
    await made(dna, { isolation: { securityGroups: nic?.securityGroups ?? [] } })
    expect(addresses()).toHaveLength(2)
  })

  it('is not left behind by one that found no room, or was refused', async () => {
    const before = addresses().length
    world.exhaust('3', 'Standard_D2s_v5')
    const refused = world.provider.compute.provision(source(), spec({ zone: '3' }), newContext())
    expect(await refused.catch((error: unknown) => isProviderError(error, 'insufficient_capacity'))).toBe(true)
    expect(addresses()).toHaveLength(before)
    // No machine is left of this one that could take it along.
    const invalid = { kind: 'error', code: 'InvalidInstanceType', message: 'The image is of another generation.', status: 400 } as const
    world.server.dataCentre.faults.failNext('VirtualMachines_Put', invalid, 1)
    await expect(world.provider.compute.provision(source(), spec(), newContext())).rejects.toThrow(invalid.message)
    expect(addresses()).toHaveLength(before)
    expect(wire.unseen()).not.toContain('PublicIPAddresses_Delete')
    expect(wire.problems()).toEqual([])
  })
})

describe('sizes', () => {
  it('with credits for vCPUs, and with accelerators, are told by what the catalogue says', () => {
    const sku = (name: string, family: string, gpus?: string) =>
      offered({ name, family, capabilities: gpus === undefined ? [] : [{ name: 'GPUs', value: gpus }] }, 'westeurope')
    expect(sku('Standard_B2ms', 'standardBSFamily')).toMatchObject({ isBurstable: true, hasGpu: false })
    expect(sku('Standard_B2as_v2', 'standardBasv2Family')).toMatchObject({ isBurstable: true })
    expect(sku('Standard_D2s_v5', 'standardDSv5Family', '0')).toMatchObject({ isBurstable: false, hasGpu: false })
    expect(sku('Standard_NC4as_T4_v3', 'Standard NCASv3_T4 Family', '1')).toMatchObject({ hasGpu: true })
  })
})
