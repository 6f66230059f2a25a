import { ownTags } from '@understudy/core'
import {
  isProviderError,
  providerError,
  type CallContext,
  type CloneSpec,
  type Compute,
  type InstanceRef,
  type Offering,
  type OperationHandle,
  type OperationStatus,
  type PowerResult,
  type ResourceDna,
} from '@understudy/provider'
import { SimError } from '../datacentre/sim-error.ts'
import type { Instance } from '../datacentre/types.ts'
import { settleMs, type SimAdapter } from './adapter.ts'
import { stateReasonError } from './errors.ts'
import { failed, handleOf, running, succeeded, textOf } from '@understudy/provider/adapter-kit'
import { mayBeStale } from './handles.ts'
import { launchInput } from './launch.ts'
import {
  holdVerb,
  pollStart,
  pollStop,
  pollTerminate,
  start,
  startVerb,
  stateOf,
  stop,
  stopNow,
  stopVerb,
  terminate,
  terminateVerb,
} from './power.ts'
import { pollCapture, pollMaterialise, captureVerb, materialiseVerb, snapshotsOf, usableSnapshots } from './snapshots.ts'

const provisionVerb = 'compute.provision'
const resizeVerb = 'compute.resize'

/** A guest needs its agent before it can hibernate. */
const hibernationReadyWithinMs = 10 * 60_000

type Poller = (adapter: SimAdapter, handle: OperationHandle) => Promise<OperationStatus<unknown>>
const pollers: Readonly<Record<string, Poller>> = {
  [provisionVerb]: pollProvision,
  [startVerb]: pollStart,
  [stopVerb]: pollStop,
  [holdVerb]: pollStop,
  [terminateVerb]: pollTerminate,
  [resizeVerb]: pollResize,
  [captureVerb]: pollCapture,
  [materialiseVerb]: pollMaterialise,
}

export function simCompute(adapter: SimAdapter): Compute {
  return {
    provision: (source, spec, context) => provision(adapter, source, spec, context),
    start: (ref, context) => start(adapter, ref, context),
    stop: (ref, { force = false }, context) => stop(adapter, ref, { hibernate: false, force }, context),
    hold: (ref, context) => stop(adapter, ref, { hibernate: true, force: false }, context),
    resize: (ref, to, context) => resize(adapter, ref, to.instanceType, context),
    terminate: (ref, context) => terminate(adapter, ref, context),
    async poll<Result>(handle: OperationHandle<Result>): Promise<OperationStatus<Result>> {
      const poller = pollers[handle.verb]
      if (!poller || handle.provider !== adapter.scope.provider) {
        throw providerError('invalid', 'BadHandle', `No handle of the kind ${handle.provider} ${handle.verb} was given out here.`)
      }
      return (await poller(adapter, handle)) as OperationStatus<Result> // the verb fixes the result's type
    },
    adopt: (key) => adopt(adapter, key),
  }
}

async function provision(adapter: SimAdapter, source: ResourceDna, spec: CloneSpec, context: CallContext): Promise<OperationHandle<InstanceRef>> {
  // What a group has no room for, its zone may have.
  const grouped = spec.hosts !== undefined && spec.zone === source.placement.zone
  const offering: Offering = { instanceType: spec.instanceType, zone: spec.zone, purchase: spec.purchase }
  const { hold } = adapter.likeness.traits
  if (spec.power === 'held' && (!hold.supported || (spec.purchase === 'spot' && !hold.withSpot)))
    throw providerError('unsupported', 'UnsupportedHibernationConfiguration', 'This cloud does not keep the memory of such an instance.')
  if (spec.purchase === 'reserved') throw providerError('unsupported', 'UnsupportedOperation', 'Reserved capacity cannot be launched here.')
  const snapshots = spec.disks.from === 'snapshots' ? await usableSnapshots(adapter, spec.disks.set) : undefined
  const input = await launchInput(adapter, source, spec, snapshots, context)
  const run = () =>
    adapter.call('RunInstances', () => adapter.dc.instances.run(input), { effect: 'token', ...(grouped ? {} : { offering }) }, context.signal, {
      resources: 1,
    })
  const { instances } = await adapter.repeatWithToken(run, context.signal)
  const [instance] = instances
  if (!instance) throw providerError('unknown', 'EmptyAnswer', 'The launch was accepted and no instance named.')
  adapter.noteFresh(instance.instanceId)
  return handleOf(adapter, provisionVerb, context, {
    instanceId: instance.instanceId,
    power: spec.power,
    createdAtMs: instance.createdAtMs,
    instanceType: spec.instanceType,
    zone: spec.zone,
    purchase: spec.purchase,
    ...(source.nics.some((nic) => nic.primary && nic.sourceDestCheck === false) ? { sourceDestCheck: false } : {}),
  })
}

async function pollProvision(adapter: SimAdapter, handle: OperationHandle): Promise<OperationStatus<InstanceRef>> {
  const nativeId = textOf(handle, 'instanceId')
  const wanted = textOf(handle, 'power')
  const instance = await adapter.find(nativeId)
  if (!instance) {
    if (mayBeStale(adapter, handle)) return running('unknown')
    return failed(providerError('not_found', 'InvalidInstanceID.NotFound', `${nativeId}, which was launched, is not known.`))
  }
  const state = stateOf(adapter, instance)
  const offering: Offering = { instanceType: instance.instanceType, zone: instance.zone, purchase: instance.market }
  const ended = () =>
    failed(
      stateReasonError(instance.stateReason, offering) ??
        providerError('conflict', 'Ended', `${nativeId} was ${instance.state} before it was ready.`),
    )
  if (state === 'terminated' || state === 'terminating') return ended()
  if (state === 'provisioning' || state === 'stopping' || state === 'holding') return running(instance.state)
  await restoreSourceDestCheck(adapter, handle, nativeId)
  const ref = adapter.ref(instance)
  if (wanted === 'running') return state === 'running' ? succeeded(ref) : ended()
  if (state === 'held') return succeeded(ref)
  if (state === 'stopped') {
    if (wanted === 'stopped') return succeeded(ref)
    return failed(providerError('unsupported', 'HibernationFellBack', `${nativeId} was stopped without keeping its memory.`))
  }
  // A later start says that it had come to rest and somebody has started it since: not ours to stop again.
  if (instance.launchTimeMs > Number(handle.native['createdAtMs'])) return succeeded(ref)
  return await bringToRest(adapter, handle, nativeId, wanted === 'held')
}

async function bringToRest(adapter: SimAdapter, handle: OperationHandle, nativeId: string, hibernate: boolean): Promise<OperationStatus<never>> {
  try {
    await stopNow(adapter, nativeId, { hibernate, force: false })
  } catch (error) {
    const waitedMs = adapter.clock.nowMs() - Date.parse(handle.startedAt)
    if (hibernate && isProviderError(error, 'unsupported', 'conflict') && waitedMs < hibernationReadyWithinMs) return running('running', 10_000)
    if (isProviderError(error) && !error.shape.retryable) return failed(error)
    throw error
  }
  return running('stopping')
}

async function restoreSourceDestCheck(adapter: SimAdapter, handle: OperationHandle, nativeId: string): Promise<void> {
  if (handle.native['sourceDestCheck'] !== false || adapter.dc.instances.get(nativeId)?.nics[0]?.sourceDestCheck === false) return
  const change = () => adapter.dc.instances.modifyAttribute(nativeId, { attribute: 'sourceDestCheck', value: false })
  await adapter.call('ModifyInstanceAttribute', change, { effect: 'repeatable' })
}

async function resize(adapter: SimAdapter, ref: InstanceRef, instanceType: string, context: CallContext): Promise<OperationHandle<PowerResult>> {
  const instance = await adapter.existing(ref, context)
  const handle = handleOf<PowerResult>(adapter, resizeVerb, context, { instanceId: ref.nativeId, instanceType })
  if (instance.instanceType === instanceType) return handle
  const { resize: ability, hold } = adapter.likeness.traits
  if (instance.market === 'spot' && !(ability.supported && ability.spot))
    throw providerError('unsupported', 'UnsupportedOperation', 'The type of a spot instance cannot be changed.')
  if (hold.supported && hold.enableAt === 'launch' && instance.hibernationConfigured)
    throw providerError('unsupported', 'UnsupportedOperation', 'The type of an instance with hibernation enabled cannot be changed.')
  const change = () => changeType(adapter, instance, instanceType)
  await adapter.lookBeforeRepeating(
    () => adapter.call('ModifyInstanceAttribute', change, { effect: 'once' }, context.signal).then(() => true),
    async () => ((await adapter.find(ref.nativeId, context.signal))?.instanceType === instanceType ? true : undefined),
    context.signal,
  )
  return handle
}

/** The data centre's own call keeps EC2's rules about spot instances and hibernation, which other clouds do not have. */
function changeType(adapter: SimAdapter, { instanceId, market, hibernationConfigured }: Instance, instanceType: string): void {
  const { dc } = adapter
  const isEc2Rule = market === 'spot' || hibernationConfigured
  const instance = isEc2Rule ? dc.instances.get(instanceId) : undefined
  if (instance === undefined) {
    dc.instances.modifyAttribute(instanceId, { attribute: 'instanceType', value: instanceType })
    return
  }
  if (instance.state !== 'stopped' || instance.hibernated)
    throw new SimError('IncorrectInstanceState', `The instance '${instanceId}' is not in the 'stopped' state.`)
  if (dc.catalogue.describeInstanceTypes({ ids: [instanceType] }).items.length > 0) instance.instanceType = instanceType
}

async function pollResize(adapter: SimAdapter, handle: OperationHandle): Promise<OperationStatus<PowerResult>> {
  const nativeId = textOf(handle, 'instanceId')
  const instance = await adapter.find(nativeId)
  if (!instance) return failed(providerError('not_found', 'InvalidInstanceID.NotFound', `There is no instance ${nativeId} (any more).`))
  if (instance.instanceType === textOf(handle, 'instanceType')) return succeeded({ state: stateOf(adapter, instance) })
  if (adapter.clock.nowMs() - Date.parse(handle.startedAt) < settleMs) return running(instance.state)
  return failed(providerError('conflict', 'ResizeHadNoEffect', `${nativeId} is still ${instance.instanceType}: something else has changed it back.`))
}

/** Tags are part of the creating call, so that nothing can exist without being found here. */
async function adopt(adapter: SimAdapter, key: string): ReturnType<Compute['adopt']> {
  const filters = [{ name: `tag:${ownTags.operation}`, values: [key] }]
  const read = { effect: 'read' } as const
  const instances = (await adapter.call('DescribeInstances', () => adapter.dc.instances.describe({ filters }), read)).items.filter(
    (instance) => instance.state !== 'terminated' && instance.state !== 'shutting-down',
  )
  const volumes = (await adapter.call('DescribeVolumes', () => adapter.dc.storage.describeVolumes({ filters }), read)).items
  const snapshots = await snapshotsOf(adapter, key)
  const ids = new Set(instances.map((instance) => instance.instanceId))
  return {
    instances: instances.map((instance) => adapter.ref(instance)),
    // The disks of an adopted instance go with it.
    disks: volumes
      .filter((volume) => !ids.has(volume.attachment?.instanceId ?? ''))
      .map((volume) => ({ ...adapter.scope, nativeId: volume.volumeId, zone: volume.zone })),
    snapshotSets: snapshots.length === 0 ? [] : [{ setId: key }],
  }
}
