import type { DiskDna, FittingType, Portable } from '@understudy/provider'
import { closest, portableDna } from '@understudy/provider/adapter-kit'
import { diskRef } from './adapter.ts'
import type { Adapter } from './adapter.ts'
import { regionZones } from './zones.ts'

const keptMs = 3_600_000

interface ZoneType extends FittingType {
  readonly arch: 'x86_64' | 'arm64'
}

/** Instances from an image, of the closest machine type that any zone of the region has. The boot disk is as large as the image. */
export function gcpPortable(adapter: Adapter): Portable {
  let kept: { readonly untilMs: number; readonly types: Promise<readonly ZoneType[]> } | undefined
  return {
    async fitting({ arch, ...size }) {
      const nowMs = adapter.clock.nowMs()
      if (kept === undefined || kept.untilMs <= nowMs) kept = { untilMs: nowMs + keptMs, types: readTypes(adapter) }
      try {
        const types = (await kept.types).filter((type) => type.arch === arch)
        return closest(types, size).map(({ instanceType, vcpus, memoryMiB }) => ({ instanceType, vcpus, memoryMiB }))
      } catch (error) {
        kept = undefined
        throw error
      }
    },
    define: (definition) => portableDna(adapter.scope, definition, [bootDisk(adapter)]),
  }
}

async function readTypes(adapter: Adapter): Promise<readonly ZoneType[]> {
  const byName = new Map<string, ZoneType>()
  for (const zone of await regionZones(adapter)) {
    for await (const { name, guestCpus, memoryMb, architecture, accelerators, deprecated } of adapter.calls.listMachineTypes(zone)) {
      if (!name || (accelerators ?? []).length > 0 || (deprecated ?? undefined) !== undefined) continue
      byName.set(name, { instanceType: name, vcpus: guestCpus ?? 0, memoryMiB: memoryMb ?? 0, arch: architecture === 'ARM64' ? 'arm64' : 'x86_64' })
    }
  }
  return [...byName.values()]
}

/** Google makes no disk by itself. Every series but the newest takes this kind. */
const bootDisk = ({ scope }: Adapter): DiskDna => ({
  ref: diskRef(scope, '', ''),
  role: 'root',
  deviceKey: 'boot',
  sizeGiB: 0,
  type: 'pd-balanced',
  encrypted: true,
  deleteWithInstance: true,
})
