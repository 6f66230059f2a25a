import type { CallContext, Copies, SnapshotCopy, SnapshotCopyRef, SnapshotSetRef } from '@understudy/provider'
import { providerError } from '@understudy/provider'
import { creationTags, isObject } from '@understudy/provider/adapter-kit'
import { type Adapter, call } from './adapter.ts'
import { isIn } from './arm-id.ts'
import { deleteDiskSnapshots } from './disk-snapshots.ts'
import type { KeptSet } from './kept-set.ts'
import { copyRestorePoint, deleteRestorePoint } from './restore-points.ts'
import { copyDiskSnapshots } from './snapshot-copies.ts'
import { progressOf, readSet, usableSet } from './snapshot-sets.ts'
import { traced } from './trace.ts'

const locationsVersion = '2022-12-01'

/**
 * Copies in other regions, in the resource group of the stand-ins: of a restore point another one, as a whole; of snapshots one each. Azure's own:
 * no byte comes through here.
 */
export function azureCopies(adapter: Adapter): Copies {
  return {
    regions: () => regionsOf(adapter),
    copy: (set, { region }, context) => traced(context, () => copy(adapter, set, region, context)),
    async get(ref) {
      const kept = await readSet(adapter, { setId: ref.copyId }, ref.region)
      return kept === undefined || isIn(ref.region, adapter.scope.region) ? undefined : copyOf(ref, kept)
    },
    delete: ({ copyId, region }, context) =>
      traced(context, async () => {
        if (!(await deleteRestorePoint(adapter, { setId: copyId }, context, region)))
          await deleteDiskSnapshots(adapter, { setId: copyId }, context, region)
      }),
  }
}

async function copy(adapter: Adapter, set: SnapshotSetRef, region: string, context: CallContext): Promise<void> {
  if (isIn(region, adapter.scope.region))
    throw providerError('invalid', 'SameRegion', `The snapshots are in ${region} already: a copy has to be in another region.`)
  const kept = await usableSet(adapter, set)
  const tags = creationTags(context, adapter.installation)
  if (kept.how === 'restore-point') await copyRestorePoint(adapter, set, region, tags, context)
  else await copyDiskSnapshots(adapter, kept, region, tags, context)
}

/** Of a restore point that Azure could not copy it may say no disk. */
function copyOf(ref: SnapshotCopyRef, kept: KeptSet): SnapshotCopy | undefined {
  if (kept.disks.length === 0 && !(kept.isWhole && kept.state === 'failed')) return undefined
  const members = kept.disks.map(({ deviceKey, copyOf: source = '', id, state, sizeGiB }) => ({ deviceKey, source, nativeId: id, state, sizeGiB }))
  const state = (['failed', 'pending', 'usable'] as const).find((candidate) => members.some((member) => member.state === candidate)) ?? 'failed'
  return { ref, state, progressPercent: progressOf(kept), members }
}

/** By `GET /subscriptions/{id}/locations`; what is of no region (`Logical`) is left out. */
async function regionsOf({ clients, scope }: Adapter): Promise<readonly string[]> {
  const path = `/subscriptions/${scope.account}/locations?api-version=${locationsVersion}`
  const { status, body } = await call(() => clients.get(path))
  if (status !== 200) throw providerError('unavailable', `HTTP${status}`, `Azure answered ${status} when asked for the regions of the subscription.`)
  const parsed: unknown = JSON.parse(body)
  const value = isObject(parsed) && Array.isArray(parsed['value']) ? parsed['value'].filter(isObject) : []
  return value.flatMap(({ name, metadata }) => {
    const isRegion = !isObject(metadata) || metadata['regionType'] !== 'Logical'
    return typeof name === 'string' && isRegion ? [name] : []
  })
}
