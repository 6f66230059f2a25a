import type { DiskPlace } from '../capabilities/disks.ts'

/** What is plugged in somewhere, as the cloud shows it. */
export interface Plug {
  readonly deviceKey: string
  readonly diskId: string
  /** `moving`: on its way in or out. */
  readonly state: 'plugged' | 'moving'
  readonly deleteWithInstance: boolean
}

export type DiskMove =
  | { readonly move: 'unplug'; readonly diskId: string; readonly deviceKey: string }
  | { readonly move: 'plug'; readonly diskId: string; readonly deviceKey: string }
  | { readonly move: 'keep' | 'let-go'; readonly deviceKey: string }

/**
 * What can be done now on the way from what is plugged in to what shall be; `settled` when nothing is missing and nothing moves.
 * A place has to be empty before something is plugged into it, so that an exchange takes several rounds.
 */
export function nextMoves(places: readonly DiskPlace[], plugs: readonly Plug[]): { readonly settled: boolean; readonly moves: readonly DiskMove[] } {
  let moving = false
  const moves = places.flatMap(({ deviceKey, disk, deleteWithInstance }): readonly DiskMove[] => {
    const present = plugs.find((plug) => plug.deviceKey === deviceKey)
    const elsewhere = plugs.find((plug) => plug.diskId === disk.nativeId && plug.deviceKey !== deviceKey)
    if (present?.state === 'moving' || elsewhere?.state === 'moving') {
      moving = true
      return []
    }
    if (present?.diskId === disk.nativeId) {
      if (present.deleteWithInstance === deleteWithInstance) return []
      return [{ move: deleteWithInstance ? 'let-go' : 'keep', deviceKey }]
    }
    if (present !== undefined) return [{ move: 'unplug', diskId: present.diskId, deviceKey }]
    if (elsewhere !== undefined) return [{ move: 'unplug', diskId: elsewhere.diskId, deviceKey: elsewhere.deviceKey }]
    return [{ move: 'plug', diskId: disk.nativeId, deviceKey }]
  })
  return { settled: moves.length === 0 && !moving, moves }
}
