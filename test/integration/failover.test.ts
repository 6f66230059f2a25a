import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createWorld } from './world.ts'
import type { World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(async () => {
  await world.close()
})

const failoverOf = (resourceId: string) =>
  vi.waitUntil(
    async () => {
      const [operation] = await world.control.database.stores.operations.list(world.principal.projectId, {
        after: undefined,
        limit: 1,
        resourceId,
        kind: 'failover',
      })
      return operation && ['succeeded', 'failed', 'stuck', 'cancelled'].includes(operation.status) ? operation : undefined
    },
    { timeout: 120_000, interval: 100 },
  )

describe('an announced interruption', () => {
  test('moves the traffic to the proven shadow, promotes it, ends the former primary, and has a new shadow made', async () => {
    const resource = await world.protect(await world.adopt(await world.seed('web')))
    const [shadow] = await world.control.database.stores.shadows.listAlive([resource.id])
    expect(shadow).toMatchObject({ status: 'ready', readiness: 'hot' })
    expect(shadow?.zone).not.toBe(resource.zone)

    world.sim.dataCentre.market.interrupt(resource.nativeId, {})
    const operation = await failoverOf(resource.id)
    expect(operation.error).toBeUndefined()
    expect(operation.status).toBe('succeeded')

    const after = await world.resource(resource.id)
    expect(after.nativeId).toBe(shadow?.nativeId)
    expect(after.primaryEpoch).toBe(resource.primaryEpoch + 1)
    const former = world.sim.dataCentre.instances.get(resource.nativeId)
    expect(['shutting-down', 'terminated']).toContain(former?.state)
    await vi.waitUntil(async () => (await world.resource(resource.id)).status === 'protected', { timeout: 120_000, interval: 100 })
    const alive = await world.control.database.stores.shadows.listAlive([resource.id])
    expect(alive).toHaveLength(1)
    expect(alive[0]?.id).not.toBe(shadow?.id)
    expect(world.errors).toEqual([])
  })
})
