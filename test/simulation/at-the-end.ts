import { ownTags } from '@understudy/core'
import { describeService, isServed } from './invariants.ts'
import type { SimWorld } from './world.ts'

const lookEveryMs = 15_000
const patienceMs = 20 * 60_000

/**
 * After the calm everything comes right: a moment is reached in which every resource is protected and served, nothing is stuck, and
 * nothing that we pay for belongs to nobody. Not every moment is such a one, because drills and renewals go on. Answers how the
 * operations ended.
 */
export async function checkAtTheEnd(
  world: SimWorld,
  runUntil: (world: SimWorld, untilMs: number) => Promise<void>,
): Promise<Readonly<Record<string, number>>> {
  const untilMs = world.clock.nowMs() + patienceMs
  for (;;) {
    const problems = [...(await stuckOnes(world)), ...(await unprotectedOnes(world)), ...(await orphans(world))]
    if (problems.length === 0) return countOperations(world)
    if (world.clock.nowMs() >= untilMs) throw new Error(`${patienceMs / 60_000} minutes after the calm: ${problems.join('; ')}`)
    await runUntil(world, world.clock.nowMs() + lookEveryMs)
  }
}

export const readOperations = (world: SimWorld) =>
  world.control.database.stores.operations.list(world.principal.projectId, { after: undefined, limit: 1000 })

async function countOperations(world: SimWorld): Promise<Readonly<Record<string, number>>> {
  const counts: Record<string, number> = {}
  for (const { kind, status } of await readOperations(world)) counts[`${kind} ${status}`] = (counts[`${kind} ${status}`] ?? 0) + 1
  return counts
}

async function stuckOnes(world: SimWorld): Promise<readonly string[]> {
  const stuck = (await readOperations(world)).filter((operation) => operation.status === 'stuck')
  return stuck.map((operation) => `${operation.kind} ${operation.id} is stuck: ${operation.error?.message ?? ''}`)
}

async function unprotectedOnes(world: SimWorld): Promise<readonly string[]> {
  const { stores } = world.control.database
  const problems: string[] = []
  for (const { watched, site } of world.services) {
    const resource = await stores.resources.findById(watched.resourceId)
    if (!resource) throw new Error(`the resource ${watched.resourceId} has vanished`)
    if (resource.status !== 'protected') {
      const shadows = await stores.shadows.listAlive([resource.id])
      problems.push(
        `${resource.id} is ${resource.status}; shadows: ${shadows.map((shadow) => `${shadow.id} ${shadow.status} ${shadow.lastError ?? ''}`).join(', ') || 'none'}`,
      )
    }
    const primary = site.dc.instances.get(resource.nativeId)
    if (primary?.state !== 'running') problems.push(`the primary ${resource.nativeId} of ${resource.id} is ${primary?.state ?? 'unknown'}`)
    if (!isServed(watched)) problems.push(`nobody healthy serves ${resource.id}: ${describeService(watched)}`)
  }
  return problems
}

async function orphans(world: SimWorld): Promise<readonly string[]> {
  const { stores } = world.control.database
  const owned = new Set<string>()
  for (const { watched } of world.services) {
    const resource = await stores.resources.findById(watched.resourceId)
    if (resource) owned.add(resource.nativeId)
    for (const shadow of await stores.shadows.listAlive([watched.resourceId])) if (shadow.nativeId !== undefined) owned.add(shadow.nativeId)
  }
  return world.sites
    .flatMap(({ dc }) => [...dc.instances.all()])
    .filter((instance) => instance.tags[ownTags.managed] === 'true' && instance.state !== 'terminated' && instance.state !== 'shutting-down')
    .filter((instance) => !owned.has(instance.instanceId))
    .map((instance) => `${instance.instanceId} (${instance.tags[ownTags.role] ?? 'no role'}, ${instance.state}) belongs to nobody`)
}
