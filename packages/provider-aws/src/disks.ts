import type { Volume } from '@aws-sdk/client-ec2'
import { providerError } from '@understudy/provider'
import type { CallContext, Disks, InstanceRef } from '@understudy/provider'
import { nextMoves } from '@understudy/provider/adapter-kit'
import type { DiskMove, Plug } from '@understudy/provider/adapter-kit'
import type { Adapter } from './adapter.ts'
import { powerStateOf } from './instance-state.ts'
import { volumesOf } from './inventory.ts'
import { existing } from './power.ts'

/** EBS volumes of a stopped instance. A root volume cannot be detached from one that runs. */
export function awsDisks(adapter: Adapter): Disks {
  return {
    async arrange(ref, places, context) {
      const instance = await existing(adapter, ref, context)
      const state = powerStateOf(instance)
      if (state !== 'stopped')
        throw providerError('conflict', 'IncorrectInstanceState', `${ref.nativeId} is ${state}: its disks can be exchanged when it is stopped.`)
      const plugs = plugsOf(await volumesOf(adapter, ref.nativeId), ref.nativeId)
      const { settled, moves } = nextMoves(places, plugs)
      for (const move of moves) await make(adapter, ref, move, context)
      return { settled }
    },
  }
}

const plugsOf = (volumes: readonly Volume[], nativeId: string): readonly Plug[] =>
  volumes.flatMap(({ VolumeId: diskId = '', Attachments = [] }) =>
    Attachments.filter(({ InstanceId, State }) => InstanceId === nativeId && State !== 'detached').map(
      ({ Device = '', State, DeleteOnTermination }): Plug => ({
        deviceKey: Device,
        diskId,
        state: State === 'attached' ? 'plugged' : 'moving',
        deleteWithInstance: DeleteOnTermination ?? false,
      }),
    ),
  )

async function make({ calls }: Adapter, { nativeId }: InstanceRef, move: DiskMove, { signal }: CallContext): Promise<void> {
  switch (move.move) {
    case 'unplug':
      await calls.detachVolume({ VolumeId: move.diskId, InstanceId: nativeId, Device: move.deviceKey }, signal)
      return
    case 'plug':
      await calls.attachVolume({ VolumeId: move.diskId, InstanceId: nativeId, Device: move.deviceKey }, signal)
      return
    case 'keep':
    case 'let-go': {
      // Every attachment begins with "keep", whatever the disk before it had.
      const ebs = { DeleteOnTermination: move.move === 'let-go' }
      await calls.modifyInstanceAttribute({ InstanceId: nativeId, BlockDeviceMappings: [{ DeviceName: move.deviceKey, Ebs: ebs }] }, signal)
    }
  }
}
