import {
  isProviderError,
  providerError,
  type CallContext,
  type InstanceRef,
  type Offering,
  type OperationHandle,
  type OperationStatus,
  type PowerResult,
} from '@understudy/provider'
import type { Instance } from '../datacentre/types.ts'
import { gone, type SimAdapter } from './adapter.ts'
import { powerStateOf } from './dna.ts'
import { stateReasonError } from './errors.ts'
import { failed, handleOf, running, succeeded, textOf } from '@understudy/provider/adapter-kit'
import { mayBeStale } from './handles.ts'

export const startVerb = 'compute.start'
export const stopVerb = 'compute.stop'
export const holdVerb = 'compute.hold'
export const terminateVerb = 'compute.terminate'

/** Starts or resumes; one that is still stopping is started by the poll. */
export async function start(adapter: SimAdapter, ref: InstanceRef, context: CallContext): Promise<OperationHandle<PowerResult>> {
  const instance = await adapter.existing(ref, context)
  const state = stateOf(adapter, instance)
  const atRest = state === 'stopped' || state === 'held'
  const native = before(instance, atRest)
  if (atRest) await startNow(adapter, instance, context.signal)
  return handleOf(adapter, startVerb, context, native)
}

export async function pollStart(adapter: SimAdapter, handle: OperationHandle): Promise<OperationStatus<PowerResult>> {
  const nativeId = textOf(handle, 'instanceId')
  const instance = await adapter.find(nativeId)
  if (!instance) return failed(gone(nativeId))
  const state = stateOf(adapter, instance)
  if (state === 'running') return succeeded({ state })
  if (state === 'terminated' || state === 'terminating') return failed(ended(instance))
  if (state !== 'stopped' && state !== 'held') return running(instance.state)
  if (handle.native['issued'] !== true) return await issued('pending', () => startNow(adapter, instance))
  if (instance.launchTimeMs > Number(handle.native['launchTimeMs']) && !isStale(adapter, instance)) {
    return failed(
      stateReasonError(instance.stateReason, offeringOf(instance)) ??
        conflict('StoppedAgain', `${nativeId} was started and has been stopped again since.`),
    )
  }
  if (mayBeStale(adapter, handle)) return running('stopped')
  return failed(providerError('unavailable', 'StartHadNoEffect', `The start of ${nativeId} was accepted, but it stays stopped.`))
}

/** Stops, or with `hibernate` keeps the memory; one that is still starting is stopped by the poll. */
export async function stop(
  adapter: SimAdapter,
  ref: InstanceRef,
  how: { readonly hibernate: boolean; readonly force: boolean },
  context: CallContext,
): Promise<OperationHandle<PowerResult>> {
  const instance = await adapter.existing(ref, context)
  const { hold } = adapter.likeness.traits
  const canHold = hold.supported && (hold.withSpot || instance.market !== 'spot') && (hold.enableAt !== 'launch' || instance.hibernationConfigured)
  if (how.hibernate && !canHold) {
    throw providerError(
      'unsupported',
      'UnsupportedHibernationConfiguration',
      `${ref.nativeId} cannot be hibernated, or was not launched with hibernation enabled.`,
    )
  }
  const isRunning = stateOf(adapter, instance) === 'running'
  const native = { ...before(instance, isRunning), force: how.force }
  if (isRunning) await stopNow(adapter, ref.nativeId, how, context.signal)
  return handleOf(adapter, how.hibernate ? holdVerb : stopVerb, context, native)
}

export async function pollStop(adapter: SimAdapter, handle: OperationHandle): Promise<OperationStatus<PowerResult>> {
  const nativeId = textOf(handle, 'instanceId')
  const instance = await adapter.find(nativeId)
  if (!instance) return failed(gone(nativeId))
  const state = stateOf(adapter, instance)
  if (state === 'stopped' || state === 'held') return succeeded({ state })
  if (state === 'terminated' || state === 'terminating') return failed(ended(instance))
  if (state !== 'running') return running(instance.state)
  const how = { hibernate: handle.verb === holdVerb, force: handle.native['force'] === true }
  if (handle.native['issued'] !== true) return await issued('stopping', () => stopNow(adapter, nativeId, how))
  if (instance.launchTimeMs > Number(handle.native['launchTimeMs']))
    return failed(conflict('StartedAgain', `${nativeId} had stopped and has been started again since.`))
  if (mayBeStale(adapter, handle)) return running('running')
  return failed(providerError('unavailable', 'StopHadNoEffect', `The stop of ${nativeId} was accepted, but it keeps running.`))
}

/** Ends the instance and withdraws a persistent spot request first, which would launch another one in its place. */
export async function terminate(adapter: SimAdapter, ref: InstanceRef, context: CallContext): Promise<OperationHandle<PowerResult>> {
  const handle = handleOf<PowerResult>(adapter, terminateVerb, context, { instanceId: ref.nativeId })
  const instance = await adapter.patiently([ref.nativeId], () => adapter.find(ref.nativeId, context.signal), context.signal)
  if (!instance || instance.state === 'terminated' || instance.state === 'shutting-down') return handle
  if (instance.disableApiTermination) throw providerError('protected', 'OperationNotPermitted', `${ref.nativeId} is protected against termination.`)
  const requestId = instance.spot?.requestId
  if (requestId !== undefined) {
    await adapter.call(
      'CancelSpotInstanceRequests',
      () => adapter.dc.market.cancelSpotRequests([requestId]),
      { effect: 'repeatable' },
      context.signal,
    )
  }
  adapter.noteOurs(ref.nativeId)
  try {
    await adapter.call('TerminateInstances', () => adapter.dc.instances.terminate([ref.nativeId]), { effect: 'repeatable' }, context.signal, {
      resources: 1,
    })
  } catch (error) {
    if (!isProviderError(error, 'not_found')) throw error
  }
  return handle
}

export async function pollTerminate(adapter: SimAdapter, handle: OperationHandle): Promise<OperationStatus<PowerResult>> {
  const nativeId = textOf(handle, 'instanceId')
  const instance = await adapter.find(nativeId)
  const state = instance ? stateOf(adapter, instance) : 'terminated'
  if (state === 'terminated') return succeeded({ state })
  if (state === 'terminating' || mayBeStale(adapter, handle)) return running(instance?.state ?? 'unknown')
  return failed(providerError('unavailable', 'TerminateHadNoEffect', `The termination of ${nativeId} was accepted, but it is ${state}.`))
}

/** As a reader of the API sees it, which may lag. */
export const stateOf = (adapter: SimAdapter, instance: Instance) => powerStateOf(adapter.dc.instances.seenState(instance), instance)
const isStale = (adapter: SimAdapter, instance: Instance): boolean => adapter.dc.instances.seenState(instance) !== instance.state

export const offeringOf = (instance: Instance): Offering => ({ instanceType: instance.instanceType, zone: instance.zone, purchase: instance.market })
const conflict = (code: string, message: string) => providerError('conflict', code, message)
const ended = (instance: Instance) => stateReasonError(instance.stateReason, offeringOf(instance)) ?? gone(instance.instanceId)

const before = (instance: Instance, wasIssued: boolean) => ({
  instanceId: instance.instanceId,
  launchTimeMs: instance.launchTimeMs,
  issued: wasIssued,
})

async function startNow(adapter: SimAdapter, instance: Instance, signal?: AbortSignal): Promise<void> {
  const facts = { effect: 'repeatable', offering: offeringOf(instance) } as const
  await adapter.call('StartInstances', () => adapter.dc.instances.start([instance.instanceId]), facts, signal, { resources: 1 })
}

export async function stopNow(
  adapter: SimAdapter,
  nativeId: string,
  how: { readonly hibernate: boolean; readonly force: boolean },
  signal?: AbortSignal,
): Promise<void> {
  adapter.noteOurs(nativeId)
  await adapter.call('StopInstances', () => stopAs(adapter, nativeId, how), { effect: 'repeatable' }, signal, { resources: 1 })
}

/** In the data centre a flag of the launch allows hibernation; where a cloud needs no preparation it is set when it is wanted. */
function stopAs({ dc, likeness }: SimAdapter, nativeId: string, how: { readonly hibernate: boolean; readonly force: boolean }): void {
  const { hold } = likeness.traits
  const instance = dc.instances.get(nativeId)
  if (how.hibernate && hold.supported && hold.enableAt === 'never-needed' && instance !== undefined) instance.hibernationConfigured = true
  dc.instances.stop([nativeId], how)
}

/** A call made by a poll: a refusal is the operation's end, anything transient the caller's to repeat. */
export async function issued(nativeState: string, call: () => Promise<void>): Promise<OperationStatus<never>> {
  try {
    await call()
  } catch (error) {
    if (isProviderError(error) && !error.shape.retryable) return failed(error)
    throw error
  }
  return running(nativeState)
}
