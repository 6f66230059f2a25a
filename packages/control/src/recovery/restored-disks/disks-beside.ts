import { fingerprintOf } from '@understudy/provider'
import type { Provider, ResourceDna } from '@understudy/provider'
import type { Stores } from '../../database.ts'
import { diskKey } from './restored-disk.ts'
import type { RestoredDisk } from './restored-disk.ts'

export interface DiskBeside {
  /** The cloud's own id. */
  readonly disk: string
  readonly row: RestoredDisk
}

/**
 * Disks that we have plugged in beside those of a resource: they are there for a time, and none of its own. One that is being plugged in has
 * no id in its row yet, and is found by what it is made with.
 */
export async function besideOf(stores: Pick<Stores, 'restoredDisks'>, provider: Provider, resourceId: string): Promise<readonly DiskBeside[]> {
  const rows = await stores.restoredDisks.listAlive(resourceId)
  const found = await Promise.all(
    rows.map(async (row) =>
      row.disk === undefined
        ? (await provider.compute.adopt(diskKey(row))).disks.map(({ nativeId }) => ({ disk: nativeId, row }))
        : [{ disk: row.disk, row }],
    ),
  )
  return found.flat()
}

/** Their ids alone. */
export const disksBeside = async (...parameters: Parameters<typeof besideOf>): Promise<ReadonlySet<string>> =>
  new Set((await besideOf(...parameters)).map(({ disk }) => disk))

/** Those that are known by their ids already. Asks no cloud, for whoever has no time to. */
export async function knownBeside(stores: Pick<Stores, 'restoredDisks'>, resourceId: string): Promise<ReadonlySet<string>> {
  return new Set((await stores.restoredDisks.listAlive(resourceId)).flatMap(({ disk }) => disk ?? []))
}

/** Reads the definition of a primary as its owner knows it. Undefined: the cloud does not know the instance. */
export async function describeOwn(
  stores: Pick<Stores, 'restoredDisks'>,
  provider: Provider,
  { id, nativeId }: { readonly id: string; readonly nativeId: string },
): Promise<ResourceDna | undefined> {
  const described = await provider.inventory.describe({ ...provider.scope, nativeId })
  return described && withoutDisks(described, await disksBeside(stores, provider, id))
}

/** The definition as it would be without them. */
export function withoutDisks(dna: ResourceDna, beside: ReadonlySet<string>): ResourceDna {
  const disks = dna.disks.filter(({ ref }) => !beside.has(ref.nativeId))
  if (disks.length === dna.disks.length) return dna
  const { fingerprint: _of, ...own } = { ...dna, disks }
  return { ...own, fingerprint: fingerprintOf(own) }
}
