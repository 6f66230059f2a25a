import { createAccount, leftoversReconciler } from '@understudy/control'
import type { Account, Operation, Resource } from '@understudy/control'
import { ownTags, randomIds, sha256 } from '@understudy/core'
import type { CallContext, CloneSpec, Provider } from '@understudy/provider'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { azureSite } from './rollback/azure-site.ts'
import { createWorld } from './world.ts'
import type { World } from './world.ts'

let world: World
let site: Awaited<ReturnType<typeof azureSite>>
let account: Account
let provider: Provider
beforeAll(async () => {
  world = await createWorld({ sim: { listeners: false } })
  site = await azureSite()
  account = await createAccount(world.control, world.principal, site.account)
  provider = await world.control.providers.open(account)
}, 180_000)
afterAll(async () => {
  await site.close()
  await world.close()
})

const patience = { timeout: 200_000, interval: 100 }

async function adopted(name: string): Promise<Resource> {
  const nativeId = await site.make(name)
  return world.imported({ accountId: account.id, nativeId, name })
}

/** As an operation of the resource would, that is over or not. */
async function operation(resource: Resource, status: 'failed' | 'stuck'): Promise<void> {
  const at = new Date(world.control.clock.nowMs())
  const one: Operation = {
    ...{ id: randomIds.next('operation'), projectId: resource.projectId, kind: 'recovery.rollback', version: 1, resourceId: resource.id },
    ...{ shadowId: undefined, status, params: {}, plan: {}, planHash: undefined, deadline: undefined, priority: 60, lockKey: undefined },
    ...{ requestedBy: 'a test', reason: 'a test', createdAt: at, startedAt: at, finishedAt: status === 'failed' ? at : undefined },
    ...{ error: undefined, output: {}, cancelRequestedAt: undefined, updatedAt: at },
  }
  await world.control.database.stores.operations.insertUnlocked([one])
}

let keys = 0
const contextFor = ({ id }: Resource): CallContext => ({
  idempotencyKey: sha256(`left behind ${++keys}`).slice(0, 32),
  tags: { [ownTags.resource]: id },
  actor: 'a test',
  priority: 'background',
})

/** What a worker does that dies before it lets go of what its script has said. */
async function scriptOf(resource: Resource): Promise<void> {
  const context = contextFor(resource)
  const ref = { ...provider.scope, nativeId: resource.nativeId }
  const script = { text: 'echo done', timeoutSeconds: 60 }
  await vi.waitUntil(async () => {
    try {
      return (await provider.commands!.run(ref, script, context)).phase === 'ended'
    } catch {
      return false
    }
  }, patience)
}

/** And one that dies between a stand-in's address and the interface that shall have it. */
async function addressFor(resource: Resource): Promise<void> {
  const inGroup = (type: string, name: string): string => resource.nativeId.replace(/\/providers\/.*$/, `/providers/${type}/${name}`)
  const source = provider.portable!.define({
    ...{ image: inGroup('Microsoft.Compute/images', 'shop'), arch: 'x86_64', vcpus: 2, memoryMiB: 8192, tags: {}, publicAddress: true },
    ...{ subnet: inGroup('Microsoft.Network/virtualNetworks', 'net/subnets/web'), securityGroups: [] },
  })
  const spec: CloneSpec = {
    ...{ name: 'stand-in', power: 'running', instanceType: 'Standard_D2s_v5', purchase: 'on-demand', zone: '2', disks: { from: 'image' } },
  }
  site.dataCentre.faults.failNext('NetworkInterfaces_CreateOrUpdate', { kind: 'reset_before' })
  await expect(provider.compute.provision(source, spec, contextFor(resource))).rejects.toMatchObject({ shape: { retryable: true } })
}

test('what dead workers have left on Azure is found and removed, unless something is under way where it belongs', { timeout: 300_000 }, async () => {
  const [idle, busy] = [await adopted('idle'), await adopted('busy')]
  await operation(idle, 'failed')
  await operation(busy, 'stuck')
  for (let left = 0; left < 25; left++) await scriptOf(idle)
  const oneMore = provider.commands!.run({ ...provider.scope, nativeId: idle.nativeId }, { text: 'true', timeoutSeconds: 60 }, contextFor(idle))
  await expect(oneMore).rejects.toMatchObject({ shape: { kind: 'conflict' } })
  await scriptOf(busy)
  await addressFor(idle)
  await addressFor(busy)
  expect(site.leftovers()).toMatchObject({ addresses: 2, commands: 26 })

  const { result } = await leftoversReconciler.pass(world.control)
  expect(result).toEqual({ addresses: 1, commands: 25, sweeps: 1, failingAccounts: {} })
  const [sweep] = await world.control.database.stores.operations.list(idle.projectId, { after: undefined, limit: 10, kind: 'account.sweep' })
  expect(await world.ended(sweep!, patience)).toMatchObject({ status: 'succeeded' })
  expect(site.leftovers()).toEqual({ addresses: 1, commands: 1 })
  const trail = await world.control.database.stores.audit.list(idle.projectId, { after: 0, limit: 1000 })
  expect(trail.filter(({ action }) => action === 'leftovers.remove')).toHaveLength(26)
  expect(trail.find(({ action }) => action === 'accounts.leftovers_removed')?.details).toMatchObject({ addresses: 1, commands: 25 })
  // There is room again, and nothing more to do.
  await scriptOf(idle)
  expect((await leftoversReconciler.pass(world.control)).result).toMatchObject({ addresses: 0, commands: 1 })
  expect(world.errors).toEqual([])
})
