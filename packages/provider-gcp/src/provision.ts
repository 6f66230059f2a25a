import { ownTags } from '@understudy/core'
import { isProviderError, providerError } from '@understudy/provider'
import type { CallContext, CloneSpec, InstanceRef, OperationHandle, OperationStatus, ResourceDna } from '@understudy/provider'
import { failed, handleOf, running, succeeded, textOf } from '@understudy/provider/adapter-kit'
import { instanceRef } from './adapter.ts'
import type { Adapter } from './adapter.ts'
import type { Instance, Operation } from './clients.ts'
import { failureOf, isDone, pollOperation } from './handles.ts'
import { isInGroup } from './host-groups.ts'
import { gone, isInRegion, unlessGone } from './instance-reader.ts'
import { idOf, nativeStateOf, offeringOf, powerStateOf, zoneOf } from './instance-state.ts'
import { labelFilter, readLabels, wishTag } from './label-text.ts'
import { instanceResource, wishOf } from './launch.ts'
import { nameOf, requestIdOf } from './names.ts'
import { repeatSafely } from './repeat.ts'
import { usableMembers } from './snapshot-sets.ts'

export const provisionVerb = 'compute.provision'

/**
 * One key makes one instance: its label is looked for in all zones, its name is taken once per zone, and its request id is
 * answered with the first operation. Whether there was capacity only the operation says, which is `poll`'s to report.
 */
export async function provision(adapter: Adapter, source: ResourceDna, spec: CloneSpec, context: CallContext): Promise<OperationHandle<InstanceRef>> {
  const wish = wishOf(source, spec)
  // What a group has no room for, its zone may have.
  const grouped = isInGroup(source, spec)
  const handle = (operation?: string): OperationHandle<InstanceRef> => {
    const { zone, power, instanceType, purchase } = spec
    const native = {
      zone,
      name: nameOf(context.idempotencyKey),
      power,
      instanceType,
      purchase,
      ...(grouped ? { grouped } : {}),
      ...(operation === undefined ? {} : { operation }),
    }
    return handleOf(adapter, provisionVerb, context, native)
  }
  const [made] = await instancesOf(adapter, context.idempotencyKey)
  if (made !== undefined) {
    sameWish(made, wish)
    return handle()
  }
  const members = spec.disks.from === 'snapshots' ? await usableMembers(adapter, spec.disks.set) : undefined
  const resource = instanceResource(adapter, source, spec, { ...context, members })
  const { zone, instanceType, purchase } = spec
  const offering = grouped ? undefined : { instanceType, zone, purchase }
  const requestId = requestIdOf(context.idempotencyKey, 'insert')
  const insert = (): Promise<Operation> => adapter.calls.insertInstance(zone, resource, requestId, offering, context.signal)
  try {
    return handle((await repeatSafely(adapter, insert, context.signal)).name ?? undefined)
  } catch (error) {
    if (!isProviderError(error, 'already_exists')) throw error
    const taken = await adapter.calls.getInstance(zone, nameOf(context.idempotencyKey), context.signal)
    sameWish(taken, wish)
    return handle()
  }
}

export async function pollProvision(adapter: Adapter, handle: OperationHandle): Promise<OperationStatus<InstanceRef>> {
  const zone = textOf(handle, 'zone')
  const name = textOf(handle, 'name')
  const asked = {
    instanceType: textOf(handle, 'instanceType'),
    zone,
    purchase: textOf(handle, 'purchase') === 'spot' ? ('spot' as const) : ('on-demand' as const),
  }
  const offering = handle.native['grouped'] === true ? undefined : asked
  const unfinished = await pollOperation(adapter, handle, offering)
  if (unfinished !== undefined) return unfinished
  const instance = await unlessGone(adapter.calls.getInstance(zone, name))
  if (instance === undefined) return failed(gone(name))
  return textOf(handle, 'power') === 'running' ? asRunning(adapter, instance) : await asResting(adapter, handle, instance)
}

function asRunning(adapter: Adapter, instance: Instance): OperationStatus<InstanceRef> {
  const state = powerStateOf(instance)
  if (state === 'running') return succeeded(refOf(adapter, instance))
  if (state === 'provisioning' || state === 'repairing') return running(nativeStateOf(instance))
  return failed(endedEarly(instance))
}

/** There is no making of a stopped instance: it starts, and is brought to rest once; what happens to it later is not ours. */
async function asResting(adapter: Adapter, handle: OperationHandle, instance: Instance): Promise<OperationStatus<InstanceRef>> {
  const state = powerStateOf(instance)
  const hasRested = Boolean(instance.lastStopTimestamp) || Boolean(instance.lastSuspendedTimestamp)
  if (state === 'stopped' || state === 'held' || (state === 'running' && hasRested)) return succeeded(refOf(adapter, instance))
  if (state !== 'running') return running(nativeStateOf(instance))
  const target = { zone: zoneOf(instance), instance: idOf(instance), requestId: requestIdOf(handle.idempotencyKey, 'rest') }
  const holds = textOf(handle, 'power') === 'held'
  const operation = await (holds ? adapter.calls.suspendInstance(target) : adapter.calls.stopInstance(target))
  const failure = isDone(operation) ? failureOf(operation) : undefined
  return failure === undefined ? running(holds ? 'SUSPENDING' : 'STOPPING') : failed(failure)
}

const endedEarly = (instance: Instance) => {
  const offering = offeringOf(instance)
  return offering.purchase === 'spot'
    ? providerError('preempted', 'compute.instances.preempted', `${instance.name} was taken back before it could be used.`, {
        avoid: { ...offering, ttlMs: 300_000 },
      })
    : providerError('conflict', 'EndedEarly', `${instance.name} is ${nativeStateOf(instance)}: something else has stopped it.`)
}

function sameWish(instance: Instance, wish: string): void {
  if (readLabels(instance.labels)[wishTag] === wish) return
  throw providerError('idempotency_mismatch', 'alreadyExists', `The key of ${instance.name} has been used for another instance than this one.`)
}

/** What a key has made, from all zones of the region. */
export async function instancesOf({ calls, scope }: Adapter, key: string): Promise<readonly Instance[]> {
  const found: Instance[] = []
  for await (const instance of calls.listInstances(labelFilter({ [ownTags.operation]: key }))) {
    if (isInRegion(instance, scope.region) && powerStateOf(instance) !== 'terminating') found.push(instance)
  }
  return found
}

export const refOf = ({ scope }: Adapter, instance: Instance): InstanceRef => instanceRef(scope, idOf(instance), zoneOf(instance))
