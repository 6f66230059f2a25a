import { isProviderError, providerError } from '@understudy/provider'
import type { CallContext } from '@understudy/provider'
import type { Adapter } from './adapter.ts'
import type { Disk, Instance } from './clients.ts'
import { untilDone } from './handles.ts'
import { unlessGone } from './instance-reader.ts'
import { idOf, zoneOf } from './instance-state.ts'
import { lastPart, nameOf, requestIdOf } from './names.ts'
import { repeatSafely } from './repeat.ts'
import type { InstantSnapshot } from './storage-calls.ts'

/** Of an instance rather than of a key: it stays on the disks, and the next set finds it there. */
const policyNameOf = (instance: Instance): string => `us-cg-${idOf(instance)}`

/**
 * The consistency group that these disks share. Google snapshots several disks of one moment only in such a group, of which a disk
 * is in one at most: the owner's own is used when all of them are in it; without one, ours is made and stays on the disks.
 */
export async function sharedGroup(adapter: Adapter, instance: Instance, disks: readonly Disk[], context: CallContext): Promise<string> {
  const found = await Promise.all(disks.map((disk) => groupOf(adapter, disk)))
  const names = new Set(found)
  const [only] = names
  if (names.size === 1 && only !== undefined) return only
  const ours = policyNameOf(instance)
  // A capture that was interrupted has left some in ours and some in none.
  if (found.some((name) => name !== undefined && name !== ours)) {
    throw providerError(
      'conflict',
      'ConsistencyGroups',
      `The disks of ${instance.name} are in different consistency groups, or only some of them in one, so that they cannot be snapshotted at one moment. Put all of them into the same one.`,
    )
  }
  await makePolicy(adapter, ours, instance, context)
  for (const [index, disk] of disks.entries()) if (found[index] === undefined) await join(adapter, disk, ours, context)
  return ours
}

async function groupOf({ calls, scope }: Adapter, { resourcePolicies }: Disk): Promise<string | undefined> {
  for (const url of resourcePolicies ?? []) {
    if (!url.includes(`/regions/${scope.region}/`)) continue
    const name = lastPart(url)
    // Snapshot schedules are policies of a disk too.
    if ((await unlessGone(calls.getPolicy(name)))?.diskConsistencyGroupPolicy) return name
  }
  return undefined
}

async function makePolicy(adapter: Adapter, name: string, instance: Instance, context: CallContext): Promise<void> {
  const description = `Understudy: the disks of ${instance.name}, so that they can be snapshotted at one moment`
  const requested = { requestId: requestIdOf(context.idempotencyKey, `policy ${name}`), signal: context.signal }
  try {
    await untilDone(
      adapter,
      await repeatSafely(adapter, () => adapter.calls.insertPolicy(name, description, requested), context.signal),
      context.signal,
    )
  } catch (error) {
    if (!isProviderError(error, 'already_exists')) throw error
  }
}

async function join(adapter: Adapter, disk: Disk, policy: string, context: CallContext): Promise<void> {
  const url = `projects/${adapter.scope.account}/regions/${adapter.scope.region}/resourcePolicies/${policy}`
  const requested = { requestId: requestIdOf(context.idempotencyKey, `join ${disk.name} ${policy}`), signal: context.signal }
  const add = () => adapter.calls.addDiskPolicy(lastPart(disk.zone), disk.name ?? '', url, requested)
  await untilDone(adapter, await repeatSafely(adapter, add, context.signal), context.signal)
}

/** All disks of the group at one moment, in seconds, beside the disks. The name follows from the key, and is taken once per zone. */
export async function takeGroup(adapter: Adapter, instance: Instance, policy: string, context: CallContext): Promise<void> {
  const group = {
    zone: zoneOf(instance),
    name: nameOf(context.idempotencyKey),
    description: `Understudy: ${context.idempotencyKey}, all disks of ${instance.name}`,
    policy: `projects/${adapter.scope.account}/regions/${adapter.scope.region}/resourcePolicies/${policy}`,
  }
  const requested = { requestId: requestIdOf(context.idempotencyKey, 'group'), signal: context.signal }
  try {
    await untilDone(adapter, await repeatSafely(adapter, () => adapter.calls.insertInstantGroup(group, requested), context.signal), context.signal)
  } catch (error) {
    if (!isProviderError(error, 'already_exists')) throw error
  }
}

/** What a key has taken; `undefined` when the group is gone. */
export async function instantsOf(
  { calls }: Adapter,
  zone: string,
  key: string,
): Promise<{ readonly status: string; readonly instants: readonly InstantSnapshot[] } | undefined> {
  const group = await unlessGone(calls.getInstantGroup(zone, nameOf(key)))
  if (group === undefined) return undefined
  const instants: InstantSnapshot[] = []
  for await (const instant of calls.listInstantSnapshots(zone))
    if (lastPart(instant.sourceInstantSnapshotGroup) === nameOf(key)) instants.push(instant)
  return { status: String(group.status ?? ''), instants }
}

/** Removes the group and its members. They only were the way to snapshots that outlive the zone, and keep disks from being deleted. */
export async function dropGroup(adapter: Adapter, zone: string, key: string, signal?: AbortSignal): Promise<void> {
  const found = await instantsOf(adapter, zone, key)
  if (found === undefined) return
  const requested = (what: string) => ({ requestId: requestIdOf(key, `drop ${what}`), signal })
  const drop = async (call: Promise<unknown>): Promise<void> => void (await unlessGone(call))
  for (const { name } of found.instants) await drop(adapter.calls.deleteInstantSnapshot(zone, name ?? '', requested(name ?? '')))
  await drop(adapter.calls.deleteInstantGroup(zone, nameOf(key), requested('group')))
}
