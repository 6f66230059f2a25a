import type { Snapshot } from '@azure/arm-compute'
import { ownTags } from '@understudy/core'
import { isProviderError } from '@understudy/provider'
import type { Compute } from '@understudy/provider'
import type { Poller } from '@understudy/provider/adapter-kit'
import { pollBy } from '@understudy/provider/adapter-kit'
import { type Adapter, call, diskRef, listed } from './adapter.ts'
import { isIn } from './arm-id.ts'
import { summaryOf } from './vm-state.ts'
import {
  holdVerb,
  pollResize,
  pollStart,
  pollStop,
  pollTerminate,
  resize,
  resizeVerb,
  start,
  startVerb,
  stop,
  stopVerb,
  terminate,
  terminateVerb,
} from './power.ts'
import { traced } from './trace.ts'
import { pollProvision, provision, provisionVerb } from './provision.ts'

/** Virtual machines on Azure. */
export function azureCompute(adapter: Adapter, more: Readonly<Record<string, Poller>>): Compute {
  const pollers: Readonly<Record<string, Poller>> = {
    [provisionVerb]: (handle) => pollProvision(adapter, handle),
    [startVerb]: (handle) => pollStart(adapter, handle),
    [stopVerb]: (handle) => pollStop(adapter, handle),
    [holdVerb]: (handle) => pollStop(adapter, handle),
    [terminateVerb]: (handle) => pollTerminate(adapter, handle),
    [resizeVerb]: (handle) => pollResize(adapter, handle),
    ...more,
  }
  return {
    provision: (source, spec, context) => traced(context, () => provision(adapter, source, spec, context)),
    start: (ref, context) => traced(context, () => start(adapter, ref, context)),
    // Deallocation has no forced form: powering off first would keep the host, billed.
    stop: (ref, _how, context) => traced(context, () => stop(adapter, ref, false, context)),
    hold: (ref, context) => traced(context, () => stop(adapter, ref, true, context)),
    resize: (ref, to, context) => traced(context, () => resize(adapter, ref, to.instanceType, context)),
    terminate: (ref, context) => traced(context, () => terminate(adapter, ref, context)),
    // What a poll still has to do (start what was stopping, bring to rest) belongs to the same intent.
    poll: (handle) => traced(handle, () => pollBy(pollers, adapter.scope, handle)),
    adopt: (key) => adopt(adapter, key),
  }
}

/** Whoever may not even read snapshots, as roles of before could not, has made none. */
function noneOfOurs(error: unknown): readonly Snapshot[] {
  if (isProviderError(error, 'unauthorized')) return []
  throw error
}

/** Tags are written by the creating calls themselves, so that nothing can exist without being found here. */
async function adopt({ clients, scope }: Adapter, key: string): ReturnType<Compute['adopt']> {
  const isOurs = ({ tags }: { readonly tags?: Record<string, string> }): boolean => tags?.[ownTags.operation] === key
  const [vms, disks, collections, snapshots] = await Promise.all([
    call(async () => listed(clients.compute.virtualMachines.listAll())),
    call(async () => listed(clients.compute.disks.list())),
    call(async () => listed(clients.compute.restorePointCollections.listAll())),
    call(async () => listed(clients.compute.snapshots.list())).catch(noneOfOurs),
  ])
  return {
    instances: vms.filter((vm) => isOurs(vm) && vm.provisioningState !== 'Deleting').map((vm) => summaryOf(scope, vm).ref),
    // The disks of an adopted VM carry its tag and go with it.
    disks: disks.filter((disk) => isOurs(disk) && disk.managedBy === undefined).map((disk) => diskRef(scope, disk.id ?? '', disk.zones?.[0])),
    // What is in another region is a copy of a set, and not one.
    snapshotSets: [...collections, ...snapshots].some((one) => isOurs(one) && isIn(one.location, scope.region)) ? [{ setId: key }] : [],
  }
}
