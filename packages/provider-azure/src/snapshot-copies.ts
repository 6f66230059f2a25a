import { ownTags } from '@understudy/core'
import type { Labels } from '@understudy/core'
import { isProviderError, providerError } from '@understudy/provider'
import type { CallContext } from '@understudy/provider'
import type { Adapter } from './adapter.ts'
import { putSnapshot, snapshotsIn, stateOf } from './disk-snapshots.ts'
import type { KeptSet } from './kept-set.ts'
import { cachingTag, copyOfTag, deviceTag, familyTag, idTag, membersTag, typeTag } from './tags.ts'
import { copiesAtOnceMax } from './traits.ts'

/** The same restrictions: of one disk, in the order in which they were taken. */
const ofDiskMax = 1

/**
 * Incremental snapshots once more in another region, by `CopyStart`, which goes on in the background. Azure chooses the redundancy that the region
 * has. Repeated with the same key: begins what is missing.
 */
export async function copyDiskSnapshots(adapter: Adapter, { disks }: KeptSet, region: string, tags: Labels, context: CallContext): Promise<void> {
  const others = async (family: string | undefined): Promise<void> => {
    const pending = (await snapshotsIn(adapter, region)).filter((one) => stateOf(one) === 'pending' && one.tags?.[copyOfTag] !== undefined)
    const ofDisk = pending.filter((one) => one.tags?.[familyTag] === family && one.tags?.[ownTags.operation] !== context.idempotencyKey)
    if (pending.length < copiesAtOnceMax && (family === undefined || ofDisk.length < ofDiskMax)) return
    throw providerError(
      'throttled',
      'CopiesInProgress',
      `Azure copies ${ofDiskMax} snapshot of a disk to ${region} at once, and ${copiesAtOnceMax} at all.`,
    )
  }
  for (const { deviceKey, id, type, caching, family } of disks) {
    const what = {
      location: region,
      incremental: true,
      creationData: { createOption: 'CopyStart', sourceResourceId: id },
      tags: {
        ...tags,
        ...{ [deviceTag]: deviceKey, [membersTag]: String(disks.length), [typeTag]: type, ...idTag(copyOfTag, id), ...idTag(familyTag, family) },
        ...(caching === undefined ? {} : { [cachingTag]: caching }),
      },
    }
    await others(family)
    try {
      await putSnapshot(adapter, deviceKey, what, context)
    } catch (error) {
      // Somebody was faster.
      if (isProviderError(error, 'conflict')) await others(family)
      throw error
    }
  }
}
