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
      const filters = [{ name: 'attachment.instance-id', values: [ref.nativeId] }]
      const describe = () => adapter.dc.storage.describeVolumes({ filters })
      const { items } = await adapter.call('DescribeVolumes', describe, { effect: 'read' }, context.signal)
      const { settled, moves } = nextMoves(places, plugsOf(instance, items))
      for (const move of moves) await make(adapter, ref, move, context)
      return { settled }
    },
  }
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
