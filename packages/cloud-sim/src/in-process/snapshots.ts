import { ownTags } from '@understudy/core'
import {
  isProviderError,
  providerError,
  type CallContext,
  type DiskRef,
  type InstanceRef,
  type OperationHandle,
  type OperationStatus,
  type Snapshots,
  type SnapshotSet,
  type SnapshotSetRef,
  type SnapshotState,
} from '@understudy/provider'
import { sha256 } from '@understudy/core'
import type { Snapshot } from '../datacentre/types.ts'
import type { SimAdapter } from './adapter.ts'
import { chosenOf, creationTags, failed, handleOf, running, succeeded, textOf } from '@understudy/provider/adapter-kit'
import { mayBeStale } from './handles.ts'

export const captureVerb = 'snapshots.capture'
export const materialiseVerb = 'snapshots.materialise'
/** Instance that a snapshot was taken of, and which volume was plugged in where; written by the call that takes the set. */
const sourceTag = 'understudy:source'
const disksTag = 'understudy:disks'
const tagValueMax = 255

export function simSnapshots(adapter: SimAdapter): Snapshots {
  return {
    capture: (ref, context, { without = [] } = {}) =>
      capture(
        adapter,
        ref,
        context,
        without.map(({ nativeId }) => nativeId),
      ),
    get: (set) => readSet(adapter, set),
    materialise: (set, to, context) => materialise(adapter, set, to, context),
    async delete(set, context) {
      for (const snapshot of await snapshotsOf(adapter, set.setId)) {
        const remove = () => adapter.dc.storage.deleteSnapshot(snapshot.snapshotId)
        await ignoringGone(adapter.call('DeleteSnapshot', remove, { effect: 'repeatable' }, context.signal))
      }
    },
    async deleteDisk(disk, context) {
      await ignoringGone(adapter.call('DeleteVolume', () => adapter.dc.storage.deleteVolume(disk.nativeId), { effect: 'repeatable' }, context.signal))
    },
  }
}

async function capture(
  adapter: SimAdapter,
  ref: InstanceRef,
  context: CallContext,
  excludeDataVolumeIds: readonly string[],
): Promise<OperationHandle<SnapshotSetRef>> {
  const handle = handleOf<SnapshotSetRef>(adapter, captureVerb, context, { setId: context.idempotencyKey })
  // The call has no token of its own: what the key has made before is looked for first.
  if ((await snapshotsOf(adapter, context.idempotencyKey)).length > 0) return handle
  const instance = await adapter.existing(ref, context)
  const devices = instance.blockDevices.filter(({ volumeId }) => !excludeDataVolumeIds.includes(volumeId))
  const tags = { ...creationTags(context, adapter.installation), ...setTags(ref.nativeId, instance.rootDeviceName, devices) }
  const description = `understudy ${context.idempotencyKey}`
  const take = () => adapter.dc.storage.createSnapshots({ instanceId: ref.nativeId, excludeDataVolumeIds, description, tags })
  await adapter.lookBeforeRepeating(
    () => adapter.call('CreateSnapshots', take, { effect: 'once' }, context.signal).then(() => true),
    async () => ((await snapshotsOf(adapter, context.idempotencyKey)).length > 0 ? true : undefined),
    context.signal,
  )
  return handle
}

export async function pollCapture(adapter: SimAdapter, handle: OperationHandle): Promise<OperationStatus<SnapshotSetRef>> {
  const setId = textOf(handle, 'setId')
  const set = await readSet(adapter, { setId })
  if (!set) {
    if (mayBeStale(adapter, handle)) return running('unknown')
    return failed(providerError('not_found', 'SnapshotSet.NotFound', `There is no snapshot set ${setId} (any more).`))
  }
  if (set.state === 'usable') return succeeded({ setId })
  if (set.state === 'failed') {
    if (set.members.every((member) => member.state !== 'failed') && mayBeStale(adapter, handle)) return running('pending')
    return failed(providerError('unknown', 'SnapshotSet.Failed', `The snapshot set ${setId} failed.`))
  }
  return { phase: 'running', nativeState: 'pending', progress: set.progressPercent, retryAfterMs: 2_000 }
}

async function materialise(
  adapter: SimAdapter,
  set: SnapshotSetRef,
  { zone, devices }: Parameters<Snapshots['materialise']>[1],
  context: CallContext,
): Promise<OperationHandle<readonly DiskRef[]>> {
  const snapshots = chosenOf([...(await usableSnapshots(adapter, set))], ([deviceKey]) => deviceKey, devices)
  const volumeIds: string[] = []
  for (const [deviceKey, snapshotId] of snapshots) {
    const create = () =>
      adapter.dc.storage.createVolume({
        zone,
        snapshotId,
        // One key makes several volumes: each has a token of its own that follows from the key.
        clientToken: sha256(`${context.idempotencyKey}/${deviceKey}`).slice(0, 32),
        tags: { ...creationTags(context, adapter.installation), [disksTag]: deviceKey },
      })
    const volume = await adapter.repeatWithToken(() => adapter.call('CreateVolume', create, { effect: 'token' }, context.signal), context.signal)
    volumeIds.push(volume.volumeId)
  }
  return handleOf(adapter, materialiseVerb, context, { volumeIds })
}

export async function pollMaterialise(adapter: SimAdapter, handle: OperationHandle): Promise<OperationStatus<readonly DiskRef[]>> {
  const ids = handle.native['volumeIds']
  if (!Array.isArray(ids)) throw providerError('invalid', 'BadHandle', `The operation handle ${handle.verb} has no volumeIds.`)
  const volumeIds = ids.map(String)
  const filters = [{ name: 'volume-id', values: volumeIds }]
  const { items } = await adapter.call('DescribeVolumes', () => adapter.dc.storage.describeVolumes({ filters }), { effect: 'read' })
  if (items.length < volumeIds.length) {
    if (mayBeStale(adapter, handle)) return running('creating')
    return failed(providerError('not_found', 'InvalidVolume.NotFound', 'A volume of the set is gone.'))
  }
  if (items.some((volume) => volume.state === 'creating')) return running('creating')
  if (items.some((volume) => volume.state === 'error'))
    return failed(providerError('unknown', 'VolumeError', 'A volume of the set could not be made.'))
  const byId = new Map(items.map((volume) => [volume.volumeId, volume]))
  return succeeded(volumeIds.map((nativeId): DiskRef => ({ ...adapter.scope, nativeId, zone: byId.get(nativeId)?.zone ?? '' })))
}

/** The snapshots that one key made. */
export async function snapshotsOf(adapter: SimAdapter, key: string): Promise<readonly Snapshot[]> {
  const filters = [{ name: `tag:${ownTags.operation}`, values: [key] }]
  return (await adapter.call('DescribeSnapshots', () => adapter.dc.storage.describeSnapshots({ filters }), { effect: 'read' })).items
}

/** Snapshot ids by device, of a set that can be used. */
export async function usableSnapshots(adapter: SimAdapter, ref: SnapshotSetRef): Promise<ReadonlyMap<string, string>> {
  const set = await readSet(adapter, ref)
  if (!set) throw providerError('not_found', 'SnapshotSet.NotFound', `There is no snapshot set ${ref.setId}.`)
  if (set.state !== 'usable') throw providerError('conflict', 'SnapshotSet.NotUsable', `The snapshot set ${ref.setId} is ${set.state}.`)
  return new Map(set.members.map((member) => [member.deviceKey, member.snapshot.nativeId]))
}

async function readSet(adapter: SimAdapter, ref: SnapshotSetRef): Promise<SnapshotSet | undefined> {
  const snapshots = await snapshotsOf(adapter, ref.setId)
  const [first] = snapshots
  if (!first) return undefined
  const disks = readSetTags(first.tags)
  const members = snapshots
    .map((snapshot) => {
      const index = disks.findIndex((disk) => disk.volumeId === snapshot.volumeId)
      return {
        deviceKey: disks[index]?.deviceKey ?? '',
        role: index === 0 ? ('root' as const) : ('data' as const),
        snapshot: { ...adapter.scope, nativeId: snapshot.snapshotId },
        state: stateOf(snapshot),
        sizeGiB: snapshot.sizeGiB,
      }
    })
    .toSorted((a, b) => (a.role === b.role ? (a.deviceKey < b.deviceKey ? -1 : 1) : a.role === 'root' ? -1 : 1))
  const worst = (['failed', 'pending', 'usable'] as const).find((state) => members.some((member) => member.state === state)) ?? 'failed'
  return {
    ref: { setId: ref.setId },
    source: { ...adapter.scope, nativeId: first.tags[sourceTag] ?? '' },
    takenAt: new Date(Math.min(...snapshots.map((snapshot) => snapshot.startedAtMs))).toISOString(),
    consistency: 'crash',
    // A set that has lost a member could restore only a part.
    state: members.length < disks.length ? 'failed' : worst,
    progressPercent: Math.min(...snapshots.map((snapshot) => adapter.dc.storage.progressPercent(snapshot))),
    members,
  }
}

export function stateOf(snapshot: Snapshot): SnapshotState {
  if (snapshot.state === 'completed') return 'usable'
  return snapshot.state === 'pending' ? 'pending' : 'failed'
}

/** `device=volume` pairs, the root first, over as many tags as their length needs. */
function setTags(
  source: string,
  rootDeviceName: string,
  devices: readonly { readonly deviceName: string; readonly volumeId: string }[],
): Record<string, string> {
  const ordered = devices.toSorted((a, b) => Number(b.deviceName === rootDeviceName) - Number(a.deviceName === rootDeviceName))
  const values: string[] = ['']
  for (const { deviceName, volumeId } of ordered) {
    const pair = `${deviceName}=${volumeId}`
    const last = values.at(-1) ?? ''
    if (last.length + pair.length + 1 > tagValueMax) values.push(pair)
    else values[values.length - 1] = last === '' ? pair : `${last} ${pair}`
  }
  return { [sourceTag]: source, ...Object.fromEntries(values.map((value, index) => [index === 0 ? disksTag : `${disksTag}.${index}`, value])) }
}

function readSetTags(tags: Readonly<Record<string, string>>): readonly { readonly deviceKey: string; readonly volumeId: string }[] {
  const pairs: string[] = []
  for (let index = 0; ; index++) {
    const value = tags[index === 0 ? disksTag : `${disksTag}.${index}`]
    if (value === undefined) break
    pairs.push(...value.split(' '))
  }
  return pairs.flatMap((pair) => {
    const [deviceKey = '', volumeId = ''] = pair.split('=')
    return volumeId === '' ? [] : [{ deviceKey, volumeId }]
  })
}

export async function ignoringGone(call: Promise<unknown>): Promise<void> {
  try {
    await call
  } catch (error) {
    if (!isProviderError(error, 'not_found')) throw error
  }
}
