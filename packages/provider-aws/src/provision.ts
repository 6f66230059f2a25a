import type { Instance } from '@aws-sdk/client-ec2'
import { isProviderError, providerError } from '@understudy/provider'
import type { CallContext, CloneSpec, InstanceRef, Offering, OperationHandle, OperationStatus, ResourceDna } from '@understudy/provider'
import { instanceRef } from './adapter.ts'
import type { Adapter } from './adapter.ts'
import { stateReasonError } from './errors.ts'
import { failed, handleOf, running, succeeded, textOf } from '@understudy/provider/adapter-kit'
import { mayBeStale } from './handles.ts'
import { powerStateOf, stateReasonOf } from './instance-state.ts'
import { launchInput } from './launch.ts'
import type { PowerCalls } from './power-calls.ts'
import { repeatWithToken } from './repeat.ts'
import { usableSnapshots } from './snapshot-sets.ts'

export const provisionVerb = 'compute.provision'
/** A guest needs its agent before it can hibernate; EC2 refuses until then. */
const hibernationReadyWithinMs = 10 * 60_000

/** Launches the clone. EC2 has no way to make a stopped one: `pollProvision` stops it once it runs. */
export async function provision(adapter: Adapter, source: ResourceDna, spec: CloneSpec, context: CallContext): Promise<OperationHandle<InstanceRef>> {
  // What a group has no room for, its zone may have.
  const offering: Offering | undefined =
    spec.hosts === undefined || spec.zone !== source.placement.zone
      ? { instanceType: spec.instanceType, zone: spec.zone, purchase: spec.purchase }
      : undefined
  const snapshots = spec.disks.from === 'snapshots' ? await usableSnapshots(adapter, spec.disks.set) : undefined
  const input = await launchInput(adapter, source, spec, snapshots, context)
  const answer = await repeatWithToken(adapter, () => adapter.calls.runInstances(input, offering, context.signal), context.signal)
  const instance = answer.Instances?.[0]
  if (instance?.InstanceId === undefined) throw providerError('unknown', 'EmptyAnswer', 'EC2 accepted the launch and named no instance.')
  adapter.fresh.note(instance.InstanceId, instance.LaunchTime?.getTime())
  return handleOf(adapter, provisionVerb, context, {
    instanceId: instance.InstanceId,
    power: spec.power,
    launchedAt: launchedAt(instance),
    zone: spec.zone,
    instanceType: spec.instanceType,
    purchase: spec.purchase,
    ...(offering === undefined ? { grouped: true } : {}),
    // RunInstances cannot switch this check off; a router or a NAT instance needs it off.
    ...(source.nics.some(({ primary, sourceDestCheck }) => primary && sourceDestCheck === false) ? { sourceDestCheck: false } : {}),
  })
}

export async function pollProvision(adapter: Adapter, power: PowerCalls, handle: OperationHandle): Promise<OperationStatus<InstanceRef>> {
  const instanceId = textOf(handle, 'instanceId')
  const wanted = textOf(handle, 'power')
  adapter.fresh.note(instanceId, Date.parse(handle.startedAt))
  const instance = await adapter.instances.one(instanceId)
  if (instance === undefined) {
    if (mayBeStale(adapter, handle)) return running('unknown')
    return failed(providerError('not_found', 'InvalidInstanceID.NotFound', `EC2 does not know ${instanceId}, which it said it had launched.`))
  }
  const state = powerStateOf(instance)
  const ref = instanceRef(adapter.scope, instanceId, instance.Placement?.AvailabilityZone)
  if (state === 'terminated' || state === 'terminating') return failed(endedBeforeReady(handle, instance))
  if (state === 'provisioning' || state === 'stopping' || state === 'holding' || state === 'unknown')
    return running(instance.State?.Name ?? 'unknown')
  await restoreSourceDestCheck(adapter, handle, instance)
  if (wanted === 'running') return state === 'running' ? succeeded(ref) : failed(endedBeforeReady(handle, instance))
  if (state === 'held') return succeeded(ref)
  if (state === 'stopped') {
    if (wanted === 'stopped') return succeeded(ref)
    return failed(providerError('unsupported', 'HibernationFellBack', `EC2 stopped ${instanceId} without keeping its memory.`))
  }
  // It runs. A later launch time says that it had come to rest and somebody has started it since: not ours to stop again.
  if (launchedAt(instance) > textOf(handle, 'launchedAt')) return succeeded(ref)
  return await bringToRest(adapter, power, handle, instanceId, wanted === 'held')
}

async function bringToRest(
  adapter: Adapter,
  power: PowerCalls,
  handle: OperationHandle,
  nativeId: string,
  hibernate: boolean,
): Promise<OperationStatus<never>> {
  try {
    await power.stop({ nativeId, hibernate, force: false }, { urgent: false })
  } catch (error) {
    const isTooEarly = hibernate && isProviderError(error, 'unsupported', 'conflict')
    const waitedMs = adapter.clock.nowMs() - Date.parse(handle.startedAt)
    if (isTooEarly && waitedMs < hibernationReadyWithinMs) return running('running', 10_000)
    if (isProviderError(error) && !error.shape.retryable) return failed(error)
    throw error
  }
  return running('stopping')
}

async function restoreSourceDestCheck(adapter: Adapter, handle: OperationHandle, instance: Instance): Promise<void> {
  if (handle.native['sourceDestCheck'] !== false || instance.SourceDestCheck === false) return
  await adapter.calls.modifyInstanceAttribute({ InstanceId: instance.InstanceId ?? '', SourceDestCheck: { Value: false } })
}

function endedBeforeReady(handle: OperationHandle, instance: Instance) {
  const asked: Offering = {
    instanceType: textOf(handle, 'instanceType'),
    zone: textOf(handle, 'zone'),
    purchase: textOf(handle, 'purchase') as NonNullable<Offering['purchase']>, // written by `provision`
  }
  const offering = handle.native['grouped'] === true ? undefined : asked
  const reason = stateReasonOf(instance)
  return (
    stateReasonError(reason, offering) ??
    providerError(
      'conflict',
      reason?.code ?? 'Ended',
      `${instance.InstanceId} was ${instance.State?.Name} before it was ready: ${reason?.message ?? 'no reason given'}.`,
    )
  )
}

/** When the instance was last started, as text that sorts. EC2 renews it at every start. */
export const launchedAt = (instance: Instance): string => instance.LaunchTime?.toISOString() ?? ''
