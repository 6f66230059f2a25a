import type { Volume } from '@aws-sdk/client-ec2'
import { isProviderError, providerError } from '@understudy/provider'
import type { CallContext, DiskRef, InstanceRef, OperationHandle, OperationStatus, SnapshotSetRef, Snapshots } from '@understudy/provider'
import { sha256 } from '@understudy/core'
import { diskRef } from './adapter.ts'
import type { Adapter } from './adapter.ts'
import { chosenOf, failed, handleOf, running, succeeded, textOf, creationTags } from '@understudy/provider/adapter-kit'
import { countBytes } from './count-bytes.ts'
import { mayBeStale, textsOf } from './handles.ts'
import type { Poller } from '@understudy/provider/adapter-kit'
import { volumesOfWhole } from './inventory.ts'
import { existing } from './power.ts'
import { lookBeforeRepeating, repeatWithToken } from './repeat.ts'
import { readSet, setOf, setTags, snapshotsOf, usableSnapshots } from './snapshot-sets.ts'
import { writeTags } from './tags.ts'

const captureVerb = 'snapshots.capture'
const materialiseVerb = 'snapshots.materialise'

/** Crash-consistent sets of EBS snapshots. */
export function awsSnapshots(adapter: Adapter): { readonly snapshots: Snapshots; readonly pollers: Readonly<Record<string, Poller>> } {
  return {
    snapshots: {
      capture: (ref, context, { without = [] } = {}) => capture(adapter, ref, context, new Set(without.map(({ nativeId }) => nativeId))),
      get: (set) => readSet(adapter, set),
      countBytes: (set, { since } = {}) => countBytes(adapter, set, since),
      materialise: (set, to, context) => materialise(adapter, set, to, context),
      delete: (set, context) => deleteSet(adapter, set, context),
      deleteDisk: (disk, context) => deleteDisk(adapter, disk, context),
    },
    pollers: {
      [captureVerb]: (handle) => pollCapture(adapter, handle),
      [materialiseVerb]: (handle) => pollMaterialise(adapter, handle),
    },
  }
}

/**
 * CreateSnapshots takes no client token, so that a repetition would take a second set: the tag is looked for first, and again
 * after an answer that was lost.
 */
async function capture(
  adapter: Adapter,
  ref: InstanceRef,
  context: CallContext,
  without: ReadonlySet<string>,
): Promise<OperationHandle<SnapshotSetRef>> {
  const set = { setId: context.idempotencyKey }
  const look = async () => ((await snapshotsOf(adapter, set.setId)).length > 0 ? true : undefined)
  if ((await look()) === undefined) {
    const instance = await existing(adapter, ref, context)
    const all = disksOf(await volumesOfWhole(adapter, instance), ref.nativeId, instance.RootDeviceName)
    const disks = all.filter(({ volumeId }) => !without.has(volumeId))
    const excluded = all.flatMap(({ volumeId }) => (without.has(volumeId) ? [volumeId] : []))
    const tags = { ...creationTags(context, adapter.installation), ...setTags(ref.nativeId, disks) }
    await lookBeforeRepeating(adapter, {
      attempt: async () => {
        await adapter.calls.createSnapshots(
          {
            InstanceSpecification: { InstanceId: ref.nativeId, ...(excluded.length === 0 ? {} : { ExcludeDataVolumeIds: excluded }) },
            Description: `Understudy: all disks of ${ref.nativeId}`,
            TagSpecifications: [{ ResourceType: 'snapshot', Tags: writeTags(tags) }],
          },
          context.signal,
        )
        return true
      },
      look,
      signal: context.signal,
    })
  }
  return handleOf(adapter, captureVerb, context, { setId: set.setId })
}

/** Volumes as `device=volume`, the root first. */
function disksOf(volumes: readonly Volume[], nativeId: string, rootDevice: string | undefined) {
  return volumes
    .map(({ VolumeId: volumeId = '', Attachments }) => ({
      volumeId,
      deviceKey: Attachments?.find(({ InstanceId }) => InstanceId === nativeId)?.Device ?? '',
    }))
    .toSorted((a, b) => Number(b.deviceKey === rootDevice) - Number(a.deviceKey === rootDevice) || (a.deviceKey < b.deviceKey ? -1 : 1))
}

async function pollCapture(adapter: Adapter, handle: OperationHandle): Promise<OperationStatus<SnapshotSetRef>> {
  const ref = { setId: textOf(handle, 'setId') }
  const set = setOf(adapter, ref, await snapshotsOf(adapter, ref.setId))
  if (set === undefined) {
    if (mayBeStale(adapter, handle)) return running('unknown')
    return failed(providerError('not_found', 'SnapshotSet.NotFound', `The snapshots of set ${ref.setId} do not exist any more.`))
  }
  if (set.state === 'usable') return succeeded(ref)
  if (set.state === 'pending') return running('pending', 2_000, set.progressPercent)
  // A new snapshot may be shown later than its siblings.
  if (set.members.every(({ state }) => state !== 'failed') && mayBeStale(adapter, handle)) return running('pending')
  return failed(providerError('unknown', 'SnapshotFailed', `EC2 could not complete the snapshot set ${ref.setId}.`))
}

async function materialise(
  adapter: Adapter,
  set: SnapshotSetRef,
  { zone, devices }: Parameters<Snapshots['materialise']>[1],
  context: CallContext,
): Promise<OperationHandle<readonly DiskRef[]>> {
  const snapshots = chosenOf([...(await usableSnapshots(adapter, set))], ([deviceKey]) => deviceKey, devices)
  const tags = creationTags(context, adapter.installation)
  const volumes = await Promise.all(
    snapshots.map(async ([deviceKey, snapshotId]) => {
      const input = {
        AvailabilityZone: zone,
        SnapshotId: snapshotId,
        VolumeType: 'gp3' as const,
        // One token per disk, and the same ones again for the same key.
        ClientToken: sha256(`${context.idempotencyKey} ${deviceKey}`).slice(0, 32),
        TagSpecifications: [{ ResourceType: 'volume' as const, Tags: writeTags({ ...tags, 'understudy:device': deviceKey }) }],
      }
      const volume = await repeatWithToken(adapter, () => adapter.calls.createVolume(input, { zone }, context.signal), context.signal)
      if (volume.VolumeId === undefined) throw providerError('unknown', 'EmptyAnswer', 'EC2 accepted the volume and did not name it.')
      adapter.fresh.note(volume.VolumeId)
      return volume.VolumeId
    }),
  )
  return handleOf(adapter, materialiseVerb, context, { volumeIds: volumes })
}

async function pollMaterialise(adapter: Adapter, handle: OperationHandle): Promise<OperationStatus<readonly DiskRef[]>> {
  const volumeIds = textsOf(handle, 'volumeIds')
  const { Volumes: volumes = [] } = await adapter.calls.describeVolumes({ Filters: [{ Name: 'volume-id', Values: [...volumeIds] }], MaxResults: 500 })
  const found = new Map(volumes.map((volume) => [volume.VolumeId, volume]))
  const missing = volumeIds.filter((id) => !found.has(id))
  if (missing.length > 0 && !mayBeStale(adapter, handle)) {
    return failed(providerError('not_found', 'InvalidVolume.NotFound', `These volumes do not exist any more: ${missing.join(', ')}.`))
  }
  const broken = volumes.find(({ State }) => State === 'error' || State === 'deleting' || State === 'deleted')
  if (broken !== undefined) return failed(providerError('unknown', 'VolumeFailed', `The volume ${broken.VolumeId} is ${broken.State}.`))
  if (missing.length > 0 || volumes.some(({ State }) => State === 'creating')) return running('creating')
  return succeeded(volumeIds.map((id) => diskRef(adapter.scope, id, found.get(id)?.AvailabilityZone)))
}

async function deleteSet(adapter: Adapter, set: SnapshotSetRef, context: CallContext): Promise<void> {
  const snapshots = await snapshotsOf(adapter, set.setId)
  await Promise.all(snapshots.map(({ SnapshotId }) => goneIsFine(adapter.calls.deleteSnapshot({ SnapshotId: SnapshotId ?? '' }, context.signal))))
}

async function deleteDisk(adapter: Adapter, disk: DiskRef, context: CallContext): Promise<void> {
  await goneIsFine(adapter.calls.deleteVolume({ VolumeId: disk.nativeId }, context.signal))
}

export async function goneIsFine(call: Promise<unknown>): Promise<void> {
  try {
    await call
  } catch (error) {
    if (!isProviderError(error, 'not_found')) throw error
  }
}
