import { isProviderError } from '@understudy/provider'
import type { GcpCalls } from './clients.ts'

export interface MachineSize {
  readonly vcpus: number
  readonly memoryMiB: number
  /** Such a machine cannot be suspended. */
  readonly hasAccelerators: boolean
}
export interface MachineTypes {
  /** `undefined` when the zone does not offer it (any more). */
  size(zone: string, machineType: string): Promise<MachineSize | undefined>
}

/** A type never changes its size, so that one answer per type and zone is enough for a process. */
export function machineTypes(calls: GcpCalls): MachineTypes {
  const known = new Map<string, MachineSize>()
  return {
    async size(zone, machineType) {
      const key = `${zone}/${machineType}`
      const remembered = known.get(key)
      if (remembered !== undefined) return remembered
      try {
        const { guestCpus, memoryMb, accelerators } = await calls.getMachineType(zone, machineType)
        const size = { vcpus: guestCpus ?? 0, memoryMiB: memoryMb ?? 0, hasAccelerators: (accelerators ?? []).length > 0 }
        known.set(key, size)
        return size
      } catch (error) {
        if (isProviderError(error, 'not_found')) return undefined
        throw error
      }
    },
  }
}
