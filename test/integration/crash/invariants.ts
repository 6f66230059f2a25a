import { verifyAudit } from '@understudy/control'
import { ownTags } from '@understudy/core'
import { expect, vi } from 'vitest'
import type { CrashWorld, Protected } from './crash-world.ts'
import type { WorkerProcess } from './worker-process.ts'

/** What has to be true of one resource when its failover has ended, whatever happened on the way. When it is not, the worker's own words say more. */
export async function expectFailedOver(world: CrashWorld, before: Protected, worker: () => WorkerProcess): Promise<void> {
  try {
    await failedOver(world, before)
  } catch (error) {
    const timeline = await timelineOf(world, before)
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n\n${timeline}\n\nThe last worker said:\n${worker().log()}`, {
      cause: error,
    })
  }
}

async function timelineOf(world: CrashWorld, { resource }: Protected): Promise<string> {
  const { operations } = world.control.database.stores
  const found = await operations.list(world.principal.projectId, { after: undefined, limit: 10, resourceId: resource.id, kind: 'failover' })
  const lines = await Promise.all(
    found.map(async ({ id, status, error }) => {
      const { events } = await operations.timeline(id)
      return `${id} ${status} ${error?.message ?? ''}\n${events.map((event) => `  ${event.step} ${event.type} ${event.attempt}`).join('\n')}`
    }),
  )
  return lines.join('\n') || 'There was no failover.'
}

async function failedOver(world: CrashWorld, before: Protected): Promise<void> {
  const operations = await world.failoversOf(before.resource.id)
  expect(
    operations.map(({ status, error }) => ({ status, error })),
    'one failover, and it succeeded',
  ).toEqual([{ status: 'succeeded', error: undefined }])
  const after = await world.resource(before.resource.id)
  expect(after.primaryEpoch, 'one promotion').toBe(before.resource.primaryEpoch + 1)
  const machines = world.cloud.machines()
  const tagged = machines.filter(({ tags }) => tags[ownTags.role] === 'primary' && tags[ownTags.resource] === after.id)
  expect(
    tagged.map(({ nativeId }) => nativeId),
    'exactly one primary, the same for the cloud and for us',
  ).toEqual([after.nativeId])
  expect(
    machines.map(({ nativeId }) => nativeId),
    'the former primary has been ended',
  ).not.toContain(before.resource.nativeId)
  expect(servingOf(world, before), 'it alone serves, and is healthy').toEqual({
    weights: before.service.weights,
    healthy: [after.nativeId],
    others: [],
  })
}

/** The weights of both groups, who serves, and who is still sent requests although it is not healthy. */
export function servingOf({ cloud }: CrashWorld, { service }: Protected) {
  const { balancers } = cloud.dataCentre
  const nativeIds = new Map(cloud.machines().map(({ instanceId, nativeId }) => [instanceId, nativeId]))
  const [listener] = balancers.describeListeners({ listenerArns: [service.listenerArn] })
  const forward = listener?.defaultActions.find((action) => action.kind === 'forward')
  const groups = forward?.targetGroups ?? []
  const targets = groups
    .filter((group) => group.weight > 0)
    .flatMap((group) => balancers.targetHealth(group.targetGroupArn))
    .filter((target) => target.health !== 'draining' && target.health !== 'unused')
    .map(({ instanceId, health }) => ({ nativeId: nativeIds.get(instanceId) ?? `${instanceId}, which is gone`, isHealthy: health === 'healthy' }))
  return {
    weights: groups.map((group) => group.weight).toSorted((a, b) => a - b),
    healthy: targets.filter(({ isHealthy }) => isHealthy).map(({ nativeId }) => nativeId),
    others: targets.filter(({ isHealthy }) => !isHealthy).map(({ nativeId }) => nativeId),
  }
}

/** After everything has come to rest: each promise is kept, nothing paid is forgotten, and the audit trail holds together. */
export async function expectAtRest(world: CrashWorld, resourceIds: readonly string[]): Promise<void> {
  const { stores } = world.control.database
  await world.untilProtected(resourceIds)
  // Successors are made before those they succeed are retired.
  await vi.waitUntil(
    async () => {
      const counts = Map.groupBy(await stores.shadows.listAlive(resourceIds), (shadow) => shadow.resourceId)
      const unfinished = await stores.operations.listUnfinished({ limit: 100 })
      return resourceIds.every((id) => counts.get(id)?.length === 1) && unfinished.every((operation) => operation.status === 'stuck')
    },
    { timeout: 120_000, interval: 100 },
  )
  expect(await stores.operations.listUnfinished({ limit: 100 }), 'nothing is stuck').toEqual([])
  const resources = await stores.resources.findManyById(resourceIds)
  const shadows = await stores.shadows.listAlive(resourceIds)
  const owned = new Set([...resources.values()].map((resource) => resource.nativeId))
  for (const shadow of shadows) if (shadow.nativeId !== undefined) owned.add(shadow.nativeId)
  const forgotten = world.cloud.machines().filter(({ tags, nativeId }) => tags[ownTags.managed] === 'true' && !owned.has(nativeId))
  expect(
    forgotten.map(({ nativeId, tags }) => ({ nativeId, tags })),
    'every instance of ours is a primary or a living shadow',
  ).toEqual([])
  expect(world.cloud.leftovers(), 'nothing of ours is left that belongs to no instance').toEqual([])
  const audit = await verifyAudit(world.control, world.principal)
  expect(audit).toMatchObject({ ok: true })
  expect(audit.checked).toBeGreaterThan(0)
}
