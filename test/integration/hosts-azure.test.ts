import { createAccount, getResourceCapabilities, protectResource, shadowsReconciler } from '@understudy/control'
import type { Resource, Shadow, Tier } from '@understudy/control'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { azureSite } from './rollback/azure-site.ts'
import { createWorld, hotTier } from './world.ts'
import type { World } from './world.ts'

type Site = Awaited<ReturnType<typeof azureSite>>
let world: World
let site: Site
let accountId: string
beforeAll(async () => {
  world = await createWorld({ sim: { listeners: false } })
  site = await azureSite({ dataDisks: 0, availabilitySet: 'web' })
  accountId = (await createAccount(world.control, world.principal, site.account)).id
}, 180_000)
afterAll(async () => {
  await site.close()
  await world.close()
})

const patience = { timeout: 200_000, interval: 100 }

async function adopted(name: string): Promise<Resource> {
  const nativeId = await site.make(name)
  return world.imported({ accountId, nativeId, name })
}
async function shadowOf(resource: Resource, tier: Partial<Tier>): Promise<Shadow> {
  const asked = { ...hotTier, purchase: 'on-demand', zones: 'any', ...tier } as const
  await protectResource(world.control, world.principal, { id: resource.id, seenVersion: resource.version, tier: asked })
  return vi.waitUntil(async () => {
    await shadowsReconciler.pass(world.control).catch(() => undefined)
    return (await world.control.database.stores.shadows.listAlive([resource.id])).find(({ status }) => status === 'ready')
  }, patience)
}
const domainOf = (nativeId: string): string => site.dataCentre.hostGroups.hardwareOf(site.instanceIdOf(nativeId))

describe('a machine in an availability set, and so in no zone', () => {
  test('has its shadow in the set, in no zone either', { timeout: 300_000 }, async () => {
    const resource = await adopted('together')
    expect(resource).toMatchObject({ zone: undefined, dna: { placement: { hostGroup: { strategy: 'partitions', separable: true } } } })
    const shadow = await shadowOf(resource, { hosts: 'same-group' })
    const group = resource.dna.placement.hostGroup?.id
    expect(shadow).toMatchObject({ zone: '', hosts: { rule: 'same-group', group } })
    expect(site.dataCentre.instances.get(site.instanceIdOf(shadow.nativeId!))?.placementGroup).toBe(group?.toLowerCase())
  })

  test('has one that shall be separate in another fault domain, which no zone could promise', { timeout: 300_000 }, async () => {
    const resource = await adopted('apart')
    const { capabilities } = await getResourceCapabilities(world.control, world.principal, { id: resource.id })
    expect(capabilities).toContainEqual({ name: 'separate-hosts', supported: true, details: { by: ['group'] } })
    const shadow = await shadowOf(resource, { hosts: 'separate' })
    expect(shadow).toMatchObject({ zone: '', hosts: { rule: 'separate' } })
    expect(domainOf(shadow.nativeId!)).not.toBe(domainOf(resource.nativeId))
  })
})
