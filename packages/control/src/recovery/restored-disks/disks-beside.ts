import type { Provider } from '@understudy/provider'
import type { Stores } from '../../database.ts'
import { diskKey } from './restored-disk.ts'

/**
 * Disks that we have plugged in beside those of a resource, by the cloud's own ids: they are there for a time, and none of its own. One
 * that is being plugged in has no id in its row yet, and is found by what it is made with.
 */
export async function disksBeside(stores: Pick<Stores, 'restoredDisks'>, provider: Provider, resourceId: string): Promise<ReadonlySet<string>> {
  const rows = await stores.restoredDisks.listAlive(resourceId)
  const ids = await Promise.all(
    rows.map(async (row) =>
      row.disk === undefined ? (await provider.compute.adopt(diskKey(row))).disks.map(({ nativeId }) => nativeId) : [row.disk],
    ),
  )
  return new Set(ids.flat())
}
