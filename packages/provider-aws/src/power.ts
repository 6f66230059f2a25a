import type { Instance } from '@aws-sdk/client-ec2'
import { isProviderError, providerError } from '@understudy/provider'
import type { CallContext, InstanceRef, Offering, OperationHandle, OperationStatus, PowerResult } from '@understudy/provider'
import { isUrgent } from './adapter.ts'
import type { Adapter } from './adapter.ts'
import { stateReasonError, withOffering } from './errors.ts'
import { failed, handleOf, running, succeeded, textOf } from '@understudy/provider/adapter-kit'
import { mayBeStale, settleMs } from './handles.ts'
import { powerStateOf, purchaseOf, stateReasonOf } from './instance-state.ts'
import type { PowerCalls } from './power-calls.ts'
import { launchedAt } from './provision.ts'

export const startVerb = 'compute.start'
export const stopVerb = 'compute.stop'
export const holdVerb = 'compute.hold'
export const terminateVerb = 'compute.terminate'

/**
 * Starts or resumes. EC2 is asked whatever state it described, which may be an old one: a start of what runs is no error.
 * One that is still stopping is started by the poll, as soon as it has stopped.
 */
export async function start(adapter: Adapter, power: PowerCalls, ref: InstanceRef, context: CallContext): Promise<OperationHandle<PowerResult>> {
  const instance = await existing(adapter, ref, context)
  const wasIssued = await unlessWrongState(() => startNow(power, instance, isUrgent(context)))
  return handleOf(adapter, startVerb, context, before(instance, wasIssued))
}

export async function pollStart(adapter: Adapter, power: PowerCalls, handle: OperationHandle): Promise<OperationStatus<PowerResult>> {
  const instance = await adapter.instances.one(textOf(handle, 'instanceId'))
  if (instance === undefined) return failed(gone(textOf(handle, 'instanceId')))
  const state = powerStateOf(instance)
  const reason = stateReasonOf(instance)
  if (state === 'running') return succeeded({ state })
  if (state === 'terminated' || state === 'terminating')
    return failed(stateReasonError(reason, offeringOf(instance)) ?? gone(textOf(handle, 'instanceId')))
  if (state !== 'stopped' && state !== 'held') return running(instance.State?.Name ?? 'unknown')
  // At rest. EC2 tells a start that failed by a new reason, and one that worked and ended again by a later launch time.
  const failure = stateReasonError(reason, offeringOf(instance))
  const isNewReason = reason?.code !== handle.native['reasonBefore']
  if (failure !== undefined && isNewReason) return failed(failure)
  if (launchedAt(instance) > textOf(handle, 'launchedAt')) {
    if (isRecent(adapter, instance)) return running('stopped')
    return failed(providerError('conflict', 'StoppedAgain', `${instance.InstanceId} was started and has been stopped again since.`))
  }
  if (handle.native['issued'] === true) {
    if (mayBeStale(adapter, handle)) return running('stopped')
    return failed(providerError('unavailable', 'StartHadNoEffect', `EC2 accepted the start of ${instance.InstanceId}, but it stays stopped.`))
  }
  return await issued('pending', () => startNow(power, instance, { urgent: true }))
}

async function startNow(power: PowerCalls, instance: Instance, urgency: { readonly urgent: boolean }): Promise<void> {
  try {
    await power.start(instance.InstanceId ?? '', urgency)
  } catch (error) {
    throw withOffering(error, offeringOf(instance))
  }
}

/** Stops, or with `hibernate` keeps the memory. One that is still starting is stopped by the poll, as soon as it runs. */
export async function stop(
  adapter: Adapter,
  power: PowerCalls,
  ref: InstanceRef,
  how: { readonly hibernate: boolean; readonly force: boolean },
  context: CallContext,
): Promise<OperationHandle<PowerResult>> {
  const instance = await existing(adapter, ref, context)
  if (how.hibernate && instance.HibernationOptions?.Configured !== true) {
    throw providerError(
      'unsupported',
      'UnsupportedHibernationConfiguration',
      `${ref.nativeId} was not launched with hibernation enabled, and EC2 can enable it at launch only.`,
    )
  }
  // Asked whatever state was described, as in `start`; but what rests already cannot be hibernated any more.
  const rests = how.hibernate && (powerStateOf(instance) === 'stopped' || powerStateOf(instance) === 'held')
  const wasIssued = !rests && (await unlessWrongState(() => power.stop({ nativeId: ref.nativeId, ...how }, isUrgent(context))))
  return handleOf(adapter, how.hibernate ? holdVerb : stopVerb, context, { ...before(instance, wasIssued), force: how.force })
}

export async function pollStop(adapter: Adapter, power: PowerCalls, handle: OperationHandle): Promise<OperationStatus<PowerResult>> {
  const nativeId = textOf(handle, 'instanceId')
  const instance = await adapter.instances.one(nativeId)
  if (instance === undefined) return failed(gone(nativeId))
  const state = powerStateOf(instance)
  // EC2 answers a hibernation that it could not do with a plain stop: the state says which it was.
  if (state === 'stopped' || state === 'held') return succeeded({ state })
  if (state === 'terminated' || state === 'terminating')
    return failed(stateReasonError(stateReasonOf(instance), offeringOf(instance)) ?? gone(nativeId))
  if (state !== 'running') return running(instance.State?.Name ?? 'unknown')
  if (launchedAt(instance) > textOf(handle, 'launchedAt')) {
    return failed(providerError('conflict', 'StartedAgain', `${nativeId} had stopped and has been started again since.`))
  }
  if (handle.native['issued'] === true) {
    if (mayBeStale(adapter, handle)) return running('running')
    return failed(providerError('unavailable', 'StopHadNoEffect', `EC2 accepted the stop of ${nativeId}, but it keeps running.`))
  }
  const how = { nativeId, hibernate: handle.verb === holdVerb, force: handle.native['force'] === true }
  return await issued('stopping', () => power.stop(how, { urgent: true }))
}

/** Ends the instance. One that is gone already is not an error. */
export async function terminate(adapter: Adapter, power: PowerCalls, ref: InstanceRef, context: CallContext): Promise<OperationHandle<PowerResult>> {
  const instance = await adapter.fresh.patiently([ref.nativeId], () => adapter.instances.one(ref.nativeId), context.signal)
  const state = instance === undefined ? 'terminated' : powerStateOf(instance)
  if (instance !== undefined && state !== 'terminated' && state !== 'terminating') {
    await withdrawSpotRequest(adapter, instance)
    try {
      await power.terminate(ref.nativeId, isUrgent(context))
    } catch (error) {
      if (!isProviderError(error, 'not_found')) throw error
    }
  }
  return handleOf(adapter, terminateVerb, context, { instanceId: ref.nativeId })
}

export async function pollTerminate(adapter: Adapter, handle: OperationHandle): Promise<OperationStatus<PowerResult>> {
  const instance = await adapter.instances.one(textOf(handle, 'instanceId'))
  const state = instance === undefined ? 'terminated' : powerStateOf(instance)
  if (state === 'terminated') return succeeded({ state })
  if (state === 'terminating' || mayBeStale(adapter, handle)) return running(instance?.State?.Name ?? 'unknown')
  return failed(
    providerError('unavailable', 'TerminateHadNoEffect', `EC2 accepted the termination of ${textOf(handle, 'instanceId')}, but it is ${state}.`),
  )
}

/**
 * A persistent spot request launches a new instance in place of the one that ends, so it is withdrawn first; not for an
 * instance that EC2 will refuse to terminate, which would be left half done.
 */
async function withdrawSpotRequest({ calls }: Adapter, instance: Instance): Promise<void> {
  const { InstanceId: nativeId = '', SpotInstanceRequestId: requestId = '' } = instance
  if (instance.InstanceLifecycle !== 'spot' || requestId === '') return
  const attribute = await calls.describeInstanceAttribute({ InstanceId: nativeId, Attribute: 'disableApiTermination' })
  if (attribute.DisableApiTermination?.Value === true) {
    throw providerError('protected', 'OperationNotPermitted', `${nativeId} is protected against termination. Remove its protection first.`)
  }
  try {
    await calls.cancelSpotInstanceRequests({ SpotInstanceRequestIds: [requestId] })
  } catch (error) {
    if (!isProviderError(error, 'not_found', 'unsupported')) throw error
  }
}

/** The instance, or `not_found`; a terminated one counts as gone. */
export async function existing(adapter: Adapter, ref: InstanceRef, context: CallContext): Promise<Instance> {
  const instance = await adapter.fresh.patiently([ref.nativeId], () => adapter.instances.one(ref.nativeId), context.signal)
  const state = instance === undefined ? 'terminated' : powerStateOf(instance)
  if (instance === undefined || state === 'terminated' || state === 'terminating') throw gone(ref.nativeId)
  return instance
}

const gone = (nativeId: string) => providerError('not_found', 'InvalidInstanceID.NotFound', `There is no instance ${nativeId} (any more).`)

/** What a later poll compares the described state with. `issued`: the call has been accepted, not merely planned. */
function before(instance: Instance, wasIssued: boolean) {
  const reason = stateReasonOf(instance)
  return {
    instanceId: instance.InstanceId ?? '',
    launchedAt: launchedAt(instance),
    issued: wasIssued,
    ...(reason === undefined ? {} : { reasonBefore: reason.code }),
  }
}

/** Makes the call; false when EC2 says that the instance is on its way from one state to another. */
async function unlessWrongState(call: () => Promise<void>): Promise<boolean> {
  try {
    await call()
    return true
  } catch (error) {
    if (isProviderError(error, 'conflict')) return false
    throw error
  }
}

/** Started so lately that the state described beside it may be the one before. */
const isRecent = (adapter: Adapter, instance: Instance): boolean => adapter.clock.nowMs() - (instance.LaunchTime?.getTime() ?? 0) < settleMs

const offeringOf = (instance: Instance): Offering => ({
  instanceType: instance.InstanceType ?? '',
  ...(instance.Placement?.AvailabilityZone === undefined ? {} : { zone: instance.Placement.AvailabilityZone }),
  purchase: purchaseOf(instance),
})

/** A call made by a poll: a refusal is the operation's end, anything transient the caller's to repeat. */
async function issued(nativeState: string, call: () => Promise<void>): Promise<OperationStatus<never>> {
  try {
    await call()
  } catch (error) {
    if (isProviderError(error) && !error.shape.retryable) return failed(error)
    throw error
  }
  return running(nativeState)
}
