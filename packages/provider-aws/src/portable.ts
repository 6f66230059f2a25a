import type { InstanceTypeInfo } from '@aws-sdk/client-ec2'
import type { FittingType, Portable } from '@understudy/provider'
import { closest, portableDna } from '@understudy/provider/adapter-kit'
import type { Adapter } from './adapter.ts'

/** The list of a region's types is long and changes with announcements: read once an hour. */
const keptMs = 3_600_000

type Arch = 'x86_64' | 'arm64'

/**
 * Instances from an AMI, of the closest type of the present generations, without those whose vCPUs are whole ones only while credits last. The AMI's own block devices are what it boots from.
 */
export function awsPortable(adapter: Adapter): Portable {
  const kept = new Map<Arch, { readonly untilMs: number; readonly types: Promise<readonly FittingType[]> }>()
  return {
    async fitting({ arch, ...size }) {
      const architecture = arch === 'arm64' ? 'arm64' : 'x86_64'
      const nowMs = adapter.clock.nowMs()
      let known = kept.get(architecture)
      if (known === undefined || known.untilMs <= nowMs) {
        known = { untilMs: nowMs + keptMs, types: readTypes(adapter, architecture) }
        kept.set(architecture, known)
      }
      try {
        return closest(await known.types, size)
      } catch (error) {
        kept.delete(architecture)
        throw error
      }
    },
    define: (definition) => portableDna(adapter.scope, definition, []),
  }
}

async function readTypes({ calls }: Adapter, architecture: Arch): Promise<readonly FittingType[]> {
  const found: InstanceTypeInfo[] = []
  let nextToken: string | undefined
  do {
    const page = await calls.describeInstanceTypes({
      Filters: [{ Name: 'processor-info.supported-architecture', Values: [architecture] }],
      MaxResults: 100,
      ...(nextToken === undefined ? {} : { NextToken: nextToken }),
    })
    found.push(...(page.InstanceTypes ?? []))
    nextToken = page.NextToken === '' ? undefined : page.NextToken
  } while (nextToken !== undefined)
  return found
    .filter((type) => type.CurrentGeneration === true && type.BareMetal !== true && type.BurstablePerformanceSupported !== true)
    .filter(({ GpuInfo, FpgaInfo, InferenceAcceleratorInfo, NeuronInfo }) =>
      [GpuInfo, FpgaInfo, InferenceAcceleratorInfo, NeuronInfo].every(isAbsent),
    )
    .map(({ InstanceType: instanceType = '', VCpuInfo, MemoryInfo }) => ({
      instanceType,
      vcpus: VCpuInfo?.DefaultVCpus ?? 0,
      memoryMiB: MemoryInfo?.SizeInMiB ?? 0,
    }))
}

const isAbsent = (value: unknown): boolean => value === undefined
