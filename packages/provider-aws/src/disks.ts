import type { Volume } from '@aws-sdk/client-ec2'
import { providerError } from '@understudy/provider'
import type { CallContext, DiskRef, Disks, InstanceRef, Plugged } from '@understudy/provider'
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
    plug: (ref, disk, { readOnly }, context) => plug(adapter, ref, disk, readOnly, context),
    unplug: (ref, disk, context) => unplug(adapter, ref, disk, context),
  }
}

/** What EC2 recommends for data volumes (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/device_naming.html). */
const dataDevices = Array.from('fghijklmnop', (letter) => `/dev/sd${letter}`)

async function plug(adapter: Adapter, ref: InstanceRef, disk: DiskRef, readOnly: boolean, context: CallContext): Promise<Plugged> {
  if (readOnly) throw providerError('invalid', 'ReadOnlyNotSupported', 'EC2 attaches volumes for reading and writing only.')
  await existing(adapter, ref, context)
  const plugs = plugsOf(await volumesOf(adapter, ref.nativeId), ref.nativeId)
  const present = plugs.find(({ diskId }) => diskId === disk.nativeId)
  if (present !== undefined)
    return present.state === 'plugged'
      ? { settled: true, deviceKey: present.deviceKey, inGuest: inGuest(disk, present.deviceKey) }
      : { settled: false }
  // The guest may name the same place in three ways; the last letter tells them apart.
  const taken = new Set(plugs.map(({ deviceKey }) => deviceKey.replace(/^\/dev\/(xvd|sd)?/, '')))
  const deviceKey = dataDevices.find((device) => !taken.has(device.replace('/dev/sd', '')))
  if (deviceKey === undefined) throw providerError('quota_exceeded', 'AttachmentLimitExceeded', `${ref.nativeId} has no free place for a disk.`)
  await make(adapter, ref, { move: 'plug', diskId: disk.nativeId, deviceKey }, context)
  return { settled: false }
}

/** NVMe devices carry the volume's id as their serial number; instances of older types show the name that was asked for, or like it. */
const inGuest = ({ nativeId }: DiskRef, deviceKey: string): readonly string[] => [
  `/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_${nativeId.replace('-', '')}`,
  deviceKey.replace('/dev/sd', '/dev/xvd'),
  deviceKey,
]

async function unplug(adapter: Adapter, ref: InstanceRef, disk: DiskRef, context: CallContext): Promise<{ readonly settled: boolean }> {
  const present = plugsOf(await volumesOf(adapter, ref.nativeId), ref.nativeId).find(({ diskId }) => diskId === disk.nativeId)
  if (present === undefined) return { settled: true }
  if (present.state === 'plugged') await make(adapter, ref, { move: 'unplug', diskId: present.diskId, deviceKey: present.deviceKey }, context)
  return { settled: false }
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
