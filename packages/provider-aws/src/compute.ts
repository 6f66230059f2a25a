import { ownTags } from '@understudy/core'
import { providerError } from '@understudy/provider'
import type { CallContext, Compute, InstanceRef, OperationHandle, OperationStatus, PowerResult } from '@understudy/provider'
import { diskRef, instanceRef } from './adapter.ts'
import type { Adapter } from './adapter.ts'
import { failed, handleOf, running, succeeded, textOf, pollBy } from '@understudy/provider/adapter-kit'
import { mayBeStale } from './handles.ts'
import type { Poller } from '@understudy/provider/adapter-kit'
import { pagesOfInstances } from './instance-reader.ts'
import { powerStateOf } from './instance-state.ts'
import { existing, holdVerb, pollStart, pollStop, pollTerminate, start, startVerb, stop, stopVerb, terminate, terminateVerb } from './power.ts'
import { powerCalls } from './power-calls.ts'
import { pollProvision, provision, provisionVerb } from './provision.ts'
import { lookBeforeRepeating } from './repeat.ts'
import { snapshotsOf } from './snapshot-sets.ts'

const resizeVerb = 'compute.resize'

/** Instances on EC2. `otherPollers` read the handles that other capabilities give out. */
export function awsCompute(adapter: Adapter, otherPollers: Readonly<Record<string, Poller>>): Compute {
  const power = powerCalls(adapter)
  const pollers: Readonly<Record<string, Poller>> = {
    [provisionVerb]: (handle) => pollProvision(adapter, power, handle),
    [startVerb]: (handle) => pollStart(adapter, power, handle),
    [stopVerb]: (handle) => pollStop(adapter, power, handle),
    [holdVerb]: (handle) => pollStop(adapter, power, handle),
    [terminateVerb]: (handle) => pollTerminate(adapter, handle),
    [resizeVerb]: (handle) => pollResize(adapter, handle),
    ...otherPollers,
  }
  return {
    provision: (source, spec, context) => provision(adapter, source, spec, context),
    start: (ref, context) => start(adapter, power, ref, context),
    stop: (ref, { force = false }, context) => stop(adapter, power, ref, { hibernate: false, force }, context),
    hold: (ref, context) => stop(adapter, power, ref, { hibernate: true, force: false }, context),
    resize: (ref, to, context) => resize(adapter, ref, to.instanceType, context),
    terminate: (ref, context) => terminate(adapter, power, ref, context),
    poll: (handle) => pollBy(pollers, adapter.scope, handle),
    adopt: (key) => adopt(adapter, key),
  }
}

/** EC2 changes the type of a stopped instance only, and never of a spot instance or of one with hibernation enabled. */
async function resize(adapter: Adapter, ref: InstanceRef, instanceType: string, context: CallContext): Promise<OperationHandle<PowerResult>> {
  const instance = await existing(adapter, ref, context)
  const handle = handleOf<PowerResult>(adapter, resizeVerb, context, { instanceId: ref.nativeId, instanceType })
  if (instance.InstanceType === instanceType) return handle
  if (instance.InstanceLifecycle === 'spot')
    throw providerError('unsupported', 'UnsupportedOperation', 'EC2 cannot change the type of a spot instance.')
  if (instance.HibernationOptions?.Configured === true) {
    throw providerError('unsupported', 'UnsupportedOperation', 'EC2 cannot change the type of an instance with hibernation enabled.')
  }
  // Whether it is stopped is EC2's to say: what it described may be the state before.
  await lookBeforeRepeating(adapter, {
    attempt: () =>
      adapter.calls.modifyInstanceAttribute({ InstanceId: ref.nativeId, InstanceType: { Value: instanceType } }, context.signal).then(() => true),
    look: async () => ((await adapter.instances.one(ref.nativeId))?.InstanceType === instanceType ? true : undefined),
    signal: context.signal,
  })
  return handle
}

async function pollResize(adapter: Adapter, handle: OperationHandle): Promise<OperationStatus<PowerResult>> {
  const nativeId = textOf(handle, 'instanceId')
  const instance = await adapter.instances.one(nativeId)
  if (instance === undefined) return failed(providerError('not_found', 'InvalidInstanceID.NotFound', `There is no instance ${nativeId} (any more).`))
  if (instance.InstanceType === textOf(handle, 'instanceType')) return succeeded({ state: powerStateOf(instance) })
  if (mayBeStale(adapter, handle)) return running(instance.State?.Name ?? 'unknown')
  return failed(providerError('conflict', 'ResizeHadNoEffect', `${nativeId} is still ${instance.InstanceType}: something else has changed it back.`))
}

/** Tags are written by the creating call itself, so that nothing can exist without being found here. */
async function adopt(adapter: Adapter, key: string): ReturnType<Compute['adopt']> {
  const filter = { Name: `tag:${ownTags.operation}`, Values: [key] }
  const [instances, disks, snapshots] = await Promise.all([instancesOf(adapter, filter), disksOf(adapter, filter), snapshotsOf(adapter, key)])
  const ids = new Set(instances.map(({ nativeId }) => nativeId))
  return {
    instances,
    // The volumes of an adopted instance carry its tag and go with it.
    disks: disks.filter(({ attachedTo }) => attachedTo === undefined || !ids.has(attachedTo)).map(({ ref }) => ref),
    snapshotSets: snapshots.length === 0 ? [] : [{ setId: key }],
  }
}

type TagFilter = { readonly Name: string; readonly Values: string[] }

async function instancesOf({ calls, scope }: Adapter, filter: TagFilter): Promise<InstanceRef[]> {
  const refs: InstanceRef[] = []
  for await (const instance of pagesOfInstances(calls, [filter])) {
    const state = powerStateOf(instance)
    if (instance.InstanceId === undefined || state === 'terminated' || state === 'terminating') continue
    refs.push(instanceRef(scope, instance.InstanceId, instance.Placement?.AvailabilityZone))
  }
  return refs
}

async function disksOf({ calls, scope }: Adapter, filter: TagFilter) {
  const { Volumes: volumes = [] } = await calls.describeVolumes({ Filters: [filter], MaxResults: 500 })
  return volumes
    .filter(({ State }) => State !== 'deleting' && State !== 'deleted')
    .map(({ VolumeId = '', AvailabilityZone, Attachments }) => ({
      ref: diskRef(scope, VolumeId, AvailabilityZone),
      attachedTo: Attachments?.[0]?.InstanceId,
    }))
}
