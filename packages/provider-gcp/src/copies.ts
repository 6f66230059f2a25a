import { ownTags } from '@understudy/core'
import { isProviderError, providerError } from '@understudy/provider'
import type { CallContext, Copies, SnapshotCopy, SnapshotCopyRef, SnapshotSetRef, SnapshotState } from '@understudy/provider'
import { creationTags } from '@understudy/provider/adapter-kit'
import { imageRef, snapshotRef } from './adapter.ts'
import type { Adapter } from './adapter.ts'
import { noteOf, writeNote } from './disk-notes.ts'
import type { SnapshotNote } from './disk-notes.ts'
import { failureOf, isDone, untilDone } from './handles.ts'
import type { Image } from './image-calls.ts'
import { unlessGone } from './instance-reader.ts'
import { labelFilter, readLabels, writeLabels } from './label-text.ts'
import { keyWithoutVersion, nameOf, requestIdOf } from './names.ts'
import { repeatSafely } from './repeat.ts'
import type { Member } from './snapshot-sets.ts'
import { usableMembers } from './snapshot-sets.ts'

/**
 * Images that are stored in another region. Compute Engine copies no snapshot, and where one is stored is decided when it is taken; of a snapshot it
 * makes an image whose bytes are where `storageLocations` says, and of which disks can be made in any zone.
 * https://cloud.google.com/compute/docs/images/create-custom#create_image
 */
export function gcpCopies(adapter: Adapter): Copies {
  const { calls, scope } = adapter
  return {
    async regions() {
      const names: string[] = []
      for await (const { name } of calls.listRegions()) if (name) names.push(name)
      return names
    },
    copy: (set, { region }, context) => copy(adapter, set, region, context),
    async get(ref) {
      return ref.region === scope.region ? undefined : copyOf(adapter, ref, await imagesOf(adapter, ref))
    },
    async delete(ref, context) {
      const images = await imagesOf(adapter, ref)
      await Promise.all(
        images.map(async ({ image: { name } }) => {
          const requested = { requestId: requestIdOf(context.idempotencyKey, `delete ${name}`), signal: context.signal }
          const accepted = await unlessGone(repeatSafely(adapter, () => calls.deleteImage(name ?? '', requested), context.signal))
          if (accepted !== undefined) await untilDone(adapter, accepted, context.signal)
        }),
      )
    },
  }
}

/** What has its name is there already: a name is taken once in a project. */
async function copy(adapter: Adapter, set: SnapshotSetRef, region: string, context: CallContext): Promise<void> {
  const { calls, clock, scope } = adapter
  if (region === scope.region)
    throw providerError('invalid', 'SameRegion', `The snapshots are of ${region} already: a copy has to be in another region.`)
  const members = await usableMembers(adapter, set)
  const resources = members.map((member) => definition(adapter, member, region, context))
  // The same key may come again when what it has made before was deleted: Google would answer with the operation of then.
  const attempt = `${context.idempotencyKey} ${clock.nowMs()}`
  for (const resource of resources) {
    const requested = { requestId: requestIdOf(attempt, `image ${resource.name}`), signal: context.signal }
    try {
      const accepted = await repeatSafely(adapter, () => calls.insertImage(resource, requested), context.signal)
      const failure = isDone(accepted) ? failureOf(accepted) : undefined
      if (failure !== undefined) throw failure
    } catch (error) {
      if (!isProviderError(error, 'already_exists')) throw error
      const present = await unlessGone(calls.getImage(resource.name))
      if (readLabels(present?.labels)[ownTags.operation] !== context.idempotencyKey)
        throw providerError('idempotency_mismatch', 'NameTaken', `The image ${resource.name} was made by somebody else.`)
    }
  }
}

function definition({ installation }: Adapter, { snapshot, note }: Member, region: string, context: CallContext): Image & { readonly name: string } {
  const key = snapshot.snapshotEncryptionKey?.kmsKeyName
  const keyName = key ? keyWithoutVersion(key) : undefined
  const keyLocation = /\/locations\/([^/]+)\//.exec(keyName ?? '')?.[1]
  // Encrypted with Google's own key it would be less than its owner has asked for.
  if (keyLocation !== undefined && keyLocation !== 'global' && keyLocation !== region)
    throw providerError(
      'unsupported',
      'RegionalKey',
      `${snapshot.name} is encrypted with a key of ${keyLocation}, which encrypts nothing in ${region}.`,
    )
  return {
    name: nameOf(context.idempotencyKey, note.device),
    description: writeNote(note),
    labels: writeLabels(creationTags(context, installation)),
    sourceSnapshot: `global/snapshots/${snapshot.name}`,
    storageLocations: [region],
    ...(keyName === undefined ? {} : { imageEncryptionKey: { kmsKeyName: keyName } }),
  }
}

interface Copied {
  readonly image: Image
  readonly note: SnapshotNote
}

async function imagesOf({ calls }: Adapter, { copyId, region }: SnapshotCopyRef): Promise<readonly Copied[]> {
  const found: Copied[] = []
  for await (const image of calls.listImages(labelFilter({ [ownTags.operation]: copyId }))) {
    const note = noteOf(image)
    if (note !== undefined && image.status !== 'DELETING' && image.storageLocations?.includes(region) === true) found.push({ image, note })
  }
  return found.toSorted(({ note: a }, { note: b }) => (a.device < b.device ? -1 : 1))
}

function copyOf({ scope }: Adapter, ref: SnapshotCopyRef, found: readonly Copied[]): SnapshotCopy | undefined {
  const [first] = found
  if (first === undefined) return undefined
  const members = found.map(({ image, note }) => ({
    deviceKey: note.device,
    source: snapshotRef(scope, String(image.sourceSnapshotId ?? '')).nativeId,
    nativeId: imageRef(String(image.id ?? '')),
    state: stateOf(image),
    sizeGiB: Number(image.diskSizeGb ?? 0),
  }))
  const usable = members.filter(({ state }) => state === 'usable').length
  return {
    ref,
    state: (['failed', 'pending', 'usable'] as const).find((state) => members.some((member) => member.state === state)) ?? 'failed',
    // Google does not say how far one is.
    progressPercent: Math.round((usable / first.note.of) * 100),
    members,
  }
}

function stateOf({ status }: Image): SnapshotState {
  if (status === 'READY') return 'usable'
  return status === 'PENDING' ? 'pending' : 'failed'
}
