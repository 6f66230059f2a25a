import { isProviderError, providerError } from '@understudy/provider'
import type {
  CallContext,
  InstanceRef,
  Offering,
  OperationHandle,
  OperationStatus,
  PowerResult,
  PowerState,
  PurchaseModel,
} from '@understudy/provider'
import type { Adapter } from './adapter.ts'
import type { Instance, Operation } from './clients.ts'
import { failed, handleOf, running, succeeded, textOf } from '@understudy/provider/adapter-kit'
import { failureOf, isDone, pollOperation } from './handles.ts'
import { existing, gone, readInstance } from './instance-reader.ts'
import { idOf, nativeStateOf, offeringOf, powerStateOf, typeOf, zoneOf } from './instance-state.ts'
import { requestIdOf } from './names.ts'
import { repeatSafely } from './repeat.ts'

export const startVerb = 'compute.start'
export const stopVerb = 'compute.stop'
export const holdVerb = 'compute.hold'
export const terminateVerb = 'compute.terminate'
export const resizeVerb = 'compute.resize'

/** Starts a stopped instance, resumes a suspended one. One that is still coming to rest is started by a later poll. */
export async function start(adapter: Adapter, ref: InstanceRef, context: CallContext): Promise<OperationHandle<PowerResult>> {
  const instance = await existing(adapter, ref, context)
  const state = powerStateOf(instance)
  if (state !== 'stopped' && state !== 'held') return handleFor(adapter, startVerb, instance, context)
  const operation = await repeatSafely(adapter, () => raise(adapter, instance, context.idempotencyKey, context.signal), context.signal)
  return handleFor(adapter, startVerb, instance, context, operation)
}

export async function pollStart(adapter: Adapter, handle: OperationHandle): Promise<OperationStatus<PowerResult>> {
  const unfinished = await pollOperation(adapter, handle, offeringIn(handle))
  if (unfinished !== undefined) return unfinished
  const instance = await readInstance(adapter, refIn(handle))
  if (instance === undefined) return failed(gone(textOf(handle, 'nativeId')))
  const state = powerStateOf(instance)
  if (state === 'running') return succeeded({ state })
  if (state !== 'stopped' && state !== 'held') return running(nativeStateOf(instance))
  // Its own start has ended and it rests again: it was taken back, or somebody has stopped it.
  if (handle.native['operation'] !== undefined) return failed(stoppedAgain(instance))
  return await issued('STAGING', offeringOf(instance), () => raise(adapter, instance, handle.idempotencyKey))
}

function raise(adapter: Adapter, instance: Instance, key: string, signal?: AbortSignal): Promise<Operation> {
  const resumes = powerStateOf(instance) === 'held'
  const target = targetOf(instance, key, resumes ? 'resume' : 'start')
  return resumes
    ? adapter.calls.resumeInstance(target, offeringOf(instance), signal)
    : adapter.calls.startInstance(target, offeringOf(instance), signal)
}

/** Releases compute; with `holds` the memory is kept. */
export async function stop(adapter: Adapter, ref: InstanceRef, holds: boolean, context: CallContext): Promise<OperationHandle<PowerResult>> {
  const verb = holds ? holdVerb : stopVerb
  const instance = await existing(adapter, ref, context)
  const state = powerStateOf(instance)
  if (state !== 'running') {
    if (holds && (state === 'stopped' || state === 'stopping'))
      throw providerError('conflict', 'resourceNotReady', `${instance.name} is ${nativeStateOf(instance)}: it has no memory to keep.`)
    return handleFor(adapter, verb, instance, context)
  }
  const operation = await repeatSafely(adapter, () => lower(adapter, instance, holds, context.idempotencyKey, context.signal), context.signal)
  return handleFor(adapter, verb, instance, context, operation)
}

export async function pollStop(adapter: Adapter, handle: OperationHandle): Promise<OperationStatus<PowerResult>> {
  const unfinished = await pollOperation(adapter, handle)
  if (unfinished !== undefined) return unfinished
  const instance = await readInstance(adapter, refIn(handle))
  if (instance === undefined) return failed(gone(textOf(handle, 'nativeId')))
  const state = powerStateOf(instance)
  if (state === 'stopped' || state === 'held') return succeeded({ state })
  if (state !== 'running') return running(nativeStateOf(instance))
  if (handle.native['operation'] !== undefined) {
    return failed(providerError('conflict', 'StartedAgain', `${instance.name} had come to rest and has been started again since.`))
  }
  const holds = handle.verb === holdVerb
  return await issued(holds ? 'SUSPENDING' : 'STOPPING', undefined, () => lower(adapter, instance, holds, handle.idempotencyKey))
}

function lower(adapter: Adapter, instance: Instance, holds: boolean, key: string, signal?: AbortSignal): Promise<Operation> {
  const target = targetOf(instance, key, holds ? 'suspend' : 'stop')
  return holds ? adapter.calls.suspendInstance(target, signal) : adapter.calls.stopInstance(target, signal)
}

/** Only a stopped instance can be changed. Google's own word for any other state is a plain 400, so that it is asked first. */
export async function resize(adapter: Adapter, ref: InstanceRef, machineType: string, context: CallContext): Promise<OperationHandle<PowerResult>> {
  const instance = await existing(adapter, ref, context)
  if (typeOf(instance) === machineType) return handleFor(adapter, resizeVerb, instance, context, undefined, { machineType })
  if (powerStateOf(instance) !== 'stopped') {
    throw providerError(
      'conflict',
      'resourceNotReady',
      `${instance.name} is ${nativeStateOf(instance)}: Google changes the type of a stopped instance only.`,
    )
  }
  const target = { ...targetOf(instance, context.idempotencyKey, `resize ${machineType}`), machineType }
  const operation = await repeatSafely(adapter, () => adapter.calls.setMachineType(target, context.signal), context.signal)
  return handleFor(adapter, resizeVerb, instance, context, operation, { machineType })
}

export async function pollResize(adapter: Adapter, handle: OperationHandle): Promise<OperationStatus<PowerResult>> {
  const unfinished = await pollOperation(adapter, handle)
  if (unfinished !== undefined) return unfinished
  const instance = await readInstance(adapter, refIn(handle))
  if (instance === undefined) return failed(gone(textOf(handle, 'nativeId')))
  if (typeOf(instance) === textOf(handle, 'machineType')) return succeeded({ state: powerStateOf(instance) })
  return failed(providerError('conflict', 'ResizeHadNoEffect', `${instance.name} is still ${typeOf(instance)}: something else has changed it back.`))
}

/** Ends the instance. One that is gone already is not an error. */
export async function terminate(adapter: Adapter, ref: InstanceRef, context: CallContext): Promise<OperationHandle<PowerResult>> {
  const ended = handleOf<PowerResult>(adapter, terminateVerb, context, { nativeId: ref.nativeId, zone: ref.zone ?? '' })
  const instance = await readInstance(adapter, ref, context.signal)
  if (instance === undefined) return ended
  if (powerStateOf(instance) === 'terminating') return handleFor(adapter, terminateVerb, instance, context)
  try {
    const target = targetOf(instance, context.idempotencyKey, 'delete')
    const operation = await repeatSafely(adapter, () => adapter.calls.deleteInstance(target, context.signal), context.signal)
    return handleFor(adapter, terminateVerb, instance, context, operation)
  } catch (error) {
    if (isProviderError(error, 'not_found')) return ended
    throw error
  }
}

export async function pollTerminate(adapter: Adapter, handle: OperationHandle): Promise<OperationStatus<PowerResult>> {
  const terminated: PowerState = 'terminated'
  if (textOf(handle, 'zone') === '') return succeeded({ state: terminated })
  const unfinished = await pollOperation(adapter, handle)
  if (unfinished !== undefined) return unfinished
  const instance = await readInstance(adapter, refIn(handle))
  if (instance === undefined) return succeeded({ state: terminated })
  if (powerStateOf(instance) === 'terminating') return running(nativeStateOf(instance))
  return failed(
    providerError('unavailable', 'TerminateHadNoEffect', `Google ended the deletion of ${instance.name}, but it is ${nativeStateOf(instance)}.`),
  )
}

/** A call made by a poll. A repeated one is answered with the operation of the first, whose failure is this one's end. */
async function issued(nativeState: string, offering: Offering | undefined, call: () => Promise<Operation>): Promise<OperationStatus<never>> {
  try {
    const operation = await call()
    const failure = isDone(operation) ? failureOf(operation, offering) : undefined
    return failure === undefined ? running(nativeState) : failed(failure)
  } catch (error) {
    // Between the reading and the call it has moved on: the next poll sees where to.
    if (isProviderError(error, 'conflict')) return running(nativeState)
    if (isProviderError(error) && !error.shape.retryable) return failed(error)
    throw error
  }
}

const stoppedAgain = (instance: Instance) => {
  const offering = offeringOf(instance)
  return offering.purchase === 'spot'
    ? providerError('preempted', 'compute.instances.preempted', `${instance.name} was taken back while it started.`, {
        avoid: { ...offering, ttlMs: 300_000 },
      })
    : providerError('conflict', 'StoppedAgain', `${instance.name} was started and is ${nativeStateOf(instance)} again.`)
}

const targetOf = (instance: Instance, key: string, step: string) => ({
  zone: zoneOf(instance),
  instance: idOf(instance),
  requestId: requestIdOf(key, `${step} ${idOf(instance)}`),
})

function handleFor(
  adapter: Adapter,
  verb: string,
  instance: Instance,
  context: CallContext,
  operation?: Operation,
  more: Readonly<Record<string, string>> = {},
): OperationHandle<PowerResult> {
  const { instanceType, purchase, zone } = offeringOf(instance)
  const name = operation?.name
  return handleOf(adapter, verb, context, { nativeId: idOf(instance), zone, instanceType, purchase, ...(name ? { operation: name } : {}), ...more })
}

const refIn = (handle: OperationHandle) => ({ nativeId: textOf(handle, 'nativeId'), zone: textOf(handle, 'zone') })
const offeringIn = (handle: OperationHandle): Offering => ({
  instanceType: textOf(handle, 'instanceType'),
  zone: textOf(handle, 'zone'),
  purchase: textOf(handle, 'purchase') as PurchaseModel, // written by `handleFor`
})
