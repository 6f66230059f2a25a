import type { ResourceSku } from '@azure/arm-compute'
import type { Adapter } from './adapter.ts'
import { call, listed } from './adapter.ts'

export interface VmSize {
  readonly vcpus: number
  readonly memoryMiB: number
  readonly arch: 'x86_64' | 'arm64'
}
/** A size as the region offers it to this subscription. */
export interface OfferedSize extends VmSize {
  readonly name: string
  readonly isHibernatable: boolean
  readonly hasSpot: boolean
  readonly hasGpu: boolean
  /** Its vCPUs are whole ones only while credits last. */
  readonly isBurstable: boolean
  /** Where it can be had, in order: zones that are restricted for the subscription are left out. */
  readonly zones: readonly string[]
}
export interface SizeReader {
  sizeOf(name: string): Promise<OfferedSize | undefined>
  all(): Promise<readonly OfferedSize[]>
}

export const unknownSize: VmSize = { vcpus: 0, memoryMiB: 0, arch: 'x86_64' }

const keptMs = 3_600_000

/** The catalogue of a region is one list of some megabytes: read once an hour. */
export function sizeReader(adapter: Adapter): SizeReader {
  let kept: { readonly untilMs: number; readonly sizes: Promise<ReadonlyMap<string, OfferedSize>> } | undefined
  const { region } = adapter.scope
  const read = async (): Promise<ReadonlyMap<string, OfferedSize>> => {
    const skus = await call(async () => listed(adapter.clients.compute.resourceSkus.list({ filter: `location eq '${region}'` })))
    return new Map(
      skus.filter(({ resourceType }) => resourceType === 'virtualMachines').map((sku) => [(sku.name ?? '').toLowerCase(), offered(sku, region)]),
    )
  }
  const sizes = async (): Promise<ReadonlyMap<string, OfferedSize>> => {
    const nowMs = adapter.clock.nowMs()
    if (kept === undefined || kept.untilMs <= nowMs) kept = { untilMs: nowMs + keptMs, sizes: read() }
    try {
      return await kept.sizes
    } catch (error) {
      kept = undefined
      throw error
    }
  }
  return {
    sizeOf: async (name) => (await sizes()).get(name.toLowerCase()),
    all: async () => [...(await sizes()).values()],
  }
}

/** https://learn.microsoft.com/rest/api/compute/resource-skus/list: restrictions are of zones, or of the location as a whole. */
export function offered(
  { name = '', family = '', capabilities = [], locationInfo = [], restrictions = [] }: ResourceSku,
  region: string,
): OfferedSize {
  const of = (wanted: string): string | undefined => capabilities.find((capability) => capability.name === wanted)?.value
  const isHere = (location: string | undefined): boolean => location?.toLowerCase() === region.toLowerCase()
  const isRestricted = restrictions.some(({ type, values = [] }) => type === 'Location' && values.some(isHere))
  const restricted = new Set(restrictions.flatMap(({ type, restrictionInfo }) => (type === 'Zone' ? (restrictionInfo?.zones ?? []) : [])))
  const zones = locationInfo.filter(({ location }) => isHere(location)).flatMap((info) => info.zones ?? [])
  return {
    name,
    vcpus: Number(of('vCPUs') ?? 0),
    memoryMiB: Number(of('MemoryGB') ?? 0) * 1024,
    arch: of('CpuArchitectureType') === 'Arm64' ? 'arm64' : 'x86_64',
    isHibernatable: of('HibernationSupported') === 'True',
    hasSpot: of('LowPriorityCapable') === 'True',
    hasGpu: Number(of('GPUs') ?? 0) > 0,
    // https://learn.microsoft.com/azure/virtual-machines/sizes/b-family: standardBSFamily, standardBsv2Family, standardBasv2Family, …
    isBurstable: /^standardB/i.test(family),
    zones: isRestricted ? [] : zones.filter((zone) => !restricted.has(zone)).toSorted(),
  }
}
