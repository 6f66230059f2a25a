import type { Adapter } from './adapter.ts'
import { call, listed } from './adapter.ts'

export interface VmSize {
  readonly vcpus: number
  readonly memoryMiB: number
  readonly arch: 'x86_64' | 'arm64'
}
export interface SizeReader {
  sizeOf(name: string): Promise<VmSize | undefined>
}

export const unknownSize: VmSize = { vcpus: 0, memoryMiB: 0, arch: 'x86_64' }

const keptMs = 3_600_000

/** The catalogue of a region is one list of some megabytes: read once an hour. */
export function sizeReader(adapter: Adapter): SizeReader {
  let kept: { readonly untilMs: number; readonly sizes: Promise<ReadonlyMap<string, VmSize>> } | undefined
  const read = async (): Promise<ReadonlyMap<string, VmSize>> => {
    const filter = `location eq '${adapter.scope.region}'`
    const skus = await call(async () => listed(adapter.clients.compute.resourceSkus.list({ filter })))
    return new Map(
      skus
        .filter(({ resourceType }) => resourceType === 'virtualMachines')
        .map(({ name = '', capabilities = [] }) => {
          const of = (wanted: string): string | undefined => capabilities.find((capability) => capability.name === wanted)?.value
          const arch = of('CpuArchitectureType') === 'Arm64' ? 'arm64' : 'x86_64'
          return [name.toLowerCase(), { vcpus: Number(of('vCPUs') ?? 0), memoryMiB: Number(of('MemoryGB') ?? 0) * 1024, arch }]
        }),
    )
  }
  return {
    async sizeOf(name) {
      const nowMs = adapter.clock.nowMs()
      if (kept === undefined || kept.untilMs <= nowMs) kept = { untilMs: nowMs + keptMs, sizes: read() }
      try {
        return (await kept.sizes).get(name.toLowerCase())
      } catch (error) {
        kept = undefined
        throw error
      }
    },
  }
}
