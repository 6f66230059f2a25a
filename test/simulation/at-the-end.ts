import { ownTags } from '@understudy/core'
import { describeService, isServed } from './invariants.ts'
import type { SimWorld } from './simulate.ts'

/** After the calm everything has come right: nothing is unfinished, stuck, lost, doubled or forgotten. Answers how operations ended. */
export async function checkAtTheEnd(world: SimWorld): Promise<Readonly<Record<string, number>>> {
  const { stores } = world.control.database
  const { projectId } = world.principal
  const operations = await world.inFlight.track(stores.operations.list(projectId, { after: undefined, limit: 1000 }))
  const counts: Record<string, number> = {}
  for (const operation of operations) {
    const key = `${operation.kind} ${operation.status}`
    counts[key] = (counts[key] ?? 0) + 1
    if (operation.status === 'stuck') throw new Error(`${operation.kind} ${operation.id} is stuck: ${operation.error?.message ?? ''}`)
  }
  const owned = new Set<string>()
  for (const { watched } of world.services) {
    const resource = await world.inFlight.track(stores.resources.findById(watched.resourceId))
    if (!resource) throw new Error(`the resource ${watched.resourceId} has vanished`)
    owned.add(resource.nativeId)
    const shadows = await world.inFlight.track(stores.shadows.listAlive([resource.id]))
    for (const shadow of shadows) if (shadow.nativeId !== undefined) owned.add(shadow.nativeId)
    if (resource.status !== 'protected')
      throw new Error(
        `${resource.id} is ${resource.status} after the calm; shadows: ${shadows.map((shadow) => `${shadow.id} ${shadow.status} ${shadow.lastError ?? ''}`).join(', ') || 'none'}`,
      )
    if (!isServed(world.dc, watched))
      throw new Error(
        `nobody healthy serves ${resource.id} after the calm: ${describeService(world.dc, watched)}; primary ${resource.nativeId} (${resource.status})`,
      )
    const primary = world.dc.instances.get(resource.nativeId)
    if (primary?.state !== 'running')
      throw new Error(`the primary ${resource.nativeId} of ${resource.id} is ${primary?.state ?? 'unknown'} after the calm`)
  }
  for (const instance of world.dc.instances.all()) {
    const ended = instance.state === 'terminated' || instance.state === 'shutting-down'
    if (instance.tags[ownTags.managed] === 'true' && !ended && !owned.has(instance.instanceId)) {
      throw new Error(`${instance.instanceId} (${instance.tags[ownTags.role] ?? 'no role'}, ${instance.state}) belongs to nobody after the calm`)
    }
  }
  return counts
}
