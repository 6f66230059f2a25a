import { providerError } from '@understudy/provider'
import type { CallContext, Disks, InstanceRef } from '@understudy/provider'
import { nextMoves } from '@understudy/provider/adapter-kit'
import type { DiskMove, Plug } from '@understudy/provider/adapter-kit'
import type { Instance, Volume } from '../datacentre/types.ts'
import type { SimAdapter } from './adapter.ts'
import { stateOf } from './power.ts'

/** Volumes of a stopped instance. */
export function simDisks(adapter: SimAdapter): Disks {
  return {
    async arrange(ref, places, context) {
      const instance = await adapter.existing(ref, context)
      const state = stateOf(adapter, instance)
      if (state !== 'stopped') {
        throw providerError('conflict', 'IncorrectInstanceState', `${ref.nativeId} is ${state}: its disks can be exchanged when it is stopped.`)
      }
      const { settled, moves } = nextMoves(places, await plugsNow(adapter, instance, context))
      for (const move of moves) await make(adapter, ref, move, context)
      return { settled }
    },
    async plug(ref, disk, { readOnly }, context) {
      const { readOnlyDisks } = adapter.likeness.traits
      if (readOnly && !readOnlyDisks.supported) throw providerError('invalid', 'ReadOnlyNotSupported', readOnlyDisks.reason)
      const plugs = await plugsNow(adapter, await adapter.existing(ref, context), context)
      const present = plugs.find(({ diskId }) => diskId === disk.nativeId)
      if (present !== undefined)
        return present.state === 'plugged' ? { settled: true, deviceKey: present.deviceKey, inGuest: [present.deviceKey] } : { settled: false }
      const deviceKey = dataDevices.find((device) => !plugs.some((plug) => plug.deviceKey === device))
      if (deviceKey === undefined) throw providerError('quota_exceeded', 'AttachmentLimitExceeded', `${ref.nativeId} has no free place for a disk.`)
      await make(adapter, ref, { move: 'plug', diskId: disk.nativeId, deviceKey }, context)
      return { settled: false }
    },
    async unplug(ref, disk, context) {
      const instance = adapter.dc.instances.get(ref.nativeId)
      if (instance === undefined) return { settled: true }
      const present = (await plugsNow(adapter, instance, context)).find(({ diskId }) => diskId === disk.nativeId)
      if (present === undefined) return { settled: true }
      if (present.state === 'plugged') await make(adapter, ref, { move: 'unplug', diskId: disk.nativeId, deviceKey: present.deviceKey }, context)
      return { settled: false }
    },
  }
}

const dataDevices = Array.from('fghijklmnop', (letter) => `/dev/sd${letter}`)

async function plugsNow(adapter: SimAdapter, instance: Instance, { signal }: CallContext): Promise<readonly Plug[]> {
  const filters = [{ name: 'attachment.instance-id', values: [instance.instanceId] }]
  const describe = () => adapter.dc.storage.describeVolumes({ filters })
  return plugsOf(instance, (await adapter.call('DescribeVolumes', describe, { effect: 'read' }, signal)).items)
}

const plugsOf = (instance: Instance, volumes: readonly Volume[]): readonly Plug[] =>
  volumes.flatMap(({ volumeId, attachment }): readonly Plug[] => {
    if (attachment?.instanceId !== instance.instanceId) return []
    const { device: deviceKey, state } = attachment
    const kept = instance.blockDevices.find(({ deviceName }) => deviceName === deviceKey)
    return [
      { deviceKey, diskId: volumeId, state: state === 'attached' ? 'plugged' : 'moving', deleteWithInstance: kept?.deleteOnTermination ?? false },
    ]
  })

async function make(adapter: SimAdapter, { nativeId }: InstanceRef, move: DiskMove, { signal }: CallContext): Promise<void> {
  const { storage, instances } = adapter.dc
  const facts = { effect: 'repeatable' } as const
  if (move.move === 'unplug') {
    const detach = () => storage.detach({ volumeId: move.diskId, instanceId: nativeId, device: move.deviceKey })
    await adapter.call('DetachVolume', detach, facts, signal)
  } else if (move.move === 'plug') {
    const attach = () => storage.attach({ volumeId: move.diskId, instanceId: nativeId, device: move.deviceKey })
    await adapter.call('AttachVolume', attach, facts, signal)
  } else {
    const value = { [move.deviceKey]: move.move === 'let-go' }
    const modify = () => instances.modifyAttribute(nativeId, { attribute: 'deleteOnTermination', value })
    await adapter.call('ModifyInstanceAttribute', modify, facts, signal)
  }
}
