import { ownTags } from '@understudy/core'
import type { Compute, DiskRef } from '@understudy/provider'
import { pollBy } from '@understudy/provider/adapter-kit'
import { diskRef } from './adapter.ts'
import type { Adapter } from './adapter.ts'
import type { Poller } from '@understudy/provider/adapter-kit'
import { labelFilter } from './label-text.ts'
import { lastPart } from './names.ts'
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
import { instancesOf, pollProvision, provision, provisionVerb, refOf } from './provision.ts'
import { membersOf } from './snapshot-sets.ts'

/** Instances on Compute Engine. */
export function gcpCompute(adapter: Adapter, more: Readonly<Record<string, Poller>>): Compute {
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
    provision: (source, spec, context) => provision(adapter, source, spec, context),
    start: (ref, context) => start(adapter, ref, context),
    // Google always asks the guest first and switches off after its grace: there is no harder stop.
    stop: (ref, _how, context) => stop(adapter, ref, false, context),
    hold: (ref, context) => stop(adapter, ref, true, context),
    resize: (ref, to, context) => resize(adapter, ref, to.instanceType, context),
    terminate: (ref, context) => terminate(adapter, ref, context),
    poll: (handle) => pollBy(pollers, adapter.scope, handle),
    async adopt(key) {
      const [instances, disks, members] = await Promise.all([instancesOf(adapter, key), looseDisksOf(adapter, key), membersOf(adapter, key)])
      return { instances: instances.map((instance) => refOf(adapter, instance)), disks, snapshotSets: members.length === 0 ? [] : [{ setId: key }] }
    },
  }
}

/** The disks of an adopted instance carry its label and go with it; what nobody uses stands alone. */
async function looseDisksOf({ calls, scope }: Adapter, key: string): Promise<DiskRef[]> {
  const refs: DiskRef[] = []
  for await (const disk of calls.listDisks(labelFilter({ [ownTags.operation]: key }))) {
    const zone = lastPart(disk.zone)
    if (zone.startsWith(`${scope.region}-`) && (disk.users ?? []).length === 0) refs.push(diskRef(scope, String(disk.id ?? ''), zone))
  }
  return refs
}
