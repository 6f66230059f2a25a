import { isProviderError, providerError } from '@understudy/provider'
import type { CallContext, DiskRef, InstanceRef, Labelling, SnapshotRef } from '@understudy/provider'
import { serialiser } from '@understudy/provider/adapter-kit'
import { diskIdOf, snapshotIdOf } from './adapter.ts'
import type { Adapter } from './adapter.ts'
import type { Operation } from './clients.ts'
import { untilDone } from './handles.ts'
import { existing, gone } from './instance-reader.ts'
import { idOf, zoneOf } from './instance-state.ts'
import { fittingName, nameTag, writeKey, writeValue } from './label-text.ts'
import { requestIdOf } from './names.ts'
import { repeatSafely } from './repeat.ts'

/** So often a set of labels that somebody else has changed in between is read again. */
const attempts = 5

type Change = Readonly<Record<string, string | undefined>>
interface Labelled {
  readonly labels: Record<string, string>
  readonly fingerprint: string
  write(labels: Record<string, string>, requestId: string): Promise<Operation>
}

/** Labels, names and protection. Labels are replaced as a whole, under the fingerprint of the set that was read. */
export function gcpLabels(adapter: Adapter): Labelling {
  // Side by side, changes of one thing would each find the other's fingerprint.
  const inTurn = serialiser()
  const tag: Labelling['tag'] = async (refs, tags, context) => {
    await Promise.all(refs.map((ref) => inTurn(ref.nativeId, () => change(adapter, ref, tags, context))))
  }
  return {
    tag,
    rename: (ref, name, context) => tag([ref], { [nameTag]: fittingName(name) }, context),
    async setProtection(ref, { terminate }, context) {
      const instance = await existing(adapter, ref, context)
      if ((instance.deletionProtection ?? false) === terminate) return
      const target = {
        zone: zoneOf(instance),
        instance: instance.name ?? '',
        requestId: requestIdOf(context.idempotencyKey, `protect ${idOf(instance)} ${terminate}`),
      }
      const accepted = await repeatSafely(adapter, () => adapter.calls.setDeletionProtection(target, terminate, context.signal), context.signal)
      await untilDone(adapter, accepted, context.signal)
    },
  }
}

async function change(adapter: Adapter, ref: InstanceRef | DiskRef | SnapshotRef, tags: Change, context: CallContext): Promise<void> {
  for (let tried = 1; ; tried++) {
    const found = await labelled(adapter, ref, context)
    const labels = changed(found.labels, tags)
    if (sameLabels(labels, found.labels)) return
    const requestId = requestIdOf(context.idempotencyKey, `labels ${ref.nativeId} ${found.fingerprint} ${JSON.stringify(labels)}`)
    try {
      const accepted = await repeatSafely(adapter, () => found.write(labels, requestId), context.signal)
      return await untilDone(adapter, accepted, context.signal)
    } catch (error) {
      // 412: another writer was faster. Reading again keeps what it wrote.
      if (!isProviderError(error, 'conflict') || tried === attempts) throw error
    }
  }
}

async function labelled(adapter: Adapter, ref: InstanceRef | DiskRef | SnapshotRef, context: CallContext): Promise<Labelled> {
  const { calls } = adapter
  const diskId = diskIdOf(ref)
  if (diskId !== undefined) {
    const zone = 'zone' in ref ? ref.zone : undefined
    if (zone === undefined) throw providerError('invalid', 'NoZone', `The disk ${ref.nativeId} is named without its zone.`)
    const disk = await calls.getDisk(zone, diskId)
    const fingerprint = disk.labelFingerprint ?? ''
    const write = (labels: Record<string, string>, requestId: string) =>
      calls.setDiskLabels({ zone, resource: disk.name ?? '', requestId, labels, labelFingerprint: fingerprint }, context.signal)
    return { labels: { ...disk.labels }, fingerprint, write }
  }
  const snapshotId = snapshotIdOf(ref)
  if (snapshotId !== undefined) {
    const { name, labels, labelFingerprint } = await calls.getSnapshot(snapshotId)
    const fingerprint = labelFingerprint ?? ''
    const write = (changedLabels: Record<string, string>) =>
      calls.setSnapshotLabels({ resource: name ?? '', labels: changedLabels, labelFingerprint: fingerprint }, context.signal)
    return { labels: { ...labels }, fingerprint, write }
  }
  const instance = await existing(adapter, ref, context)
  if (idOf(instance) === '') throw gone(ref.nativeId)
  const zone = zoneOf(instance)
  const fingerprint = instance.labelFingerprint ?? ''
  const write = (labels: Record<string, string>, requestId: string) =>
    calls.setInstanceLabels({ zone, instance: idOf(instance), requestId, labels, labelFingerprint: fingerprint }, context.signal)
  return { labels: { ...instance.labels }, fingerprint, write }
}

function changed(labels: Readonly<Record<string, string>>, tags: Change): Record<string, string> {
  const next = { ...labels }
  for (const [key, value] of Object.entries(tags)) {
    if (value === undefined) delete next[writeKey(key)]
    else next[writeKey(key)] = writeValue(value)
  }
  return next
}

const sameLabels = (a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean =>
  Object.keys(a).length === Object.keys(b).length && Object.entries(a).every(([key, value]) => b[key] === value)
