import type { InstanceTypeInfo } from '@aws-sdk/client-ec2'
import type { Clock } from '@understudy/core'
import type { AwsCalls } from './clients.ts'
import { batchWindowMs, coalesce } from './coalesce.ts'

const maxTypesPerCall = 100

export interface InstanceSize {
  readonly vcpus: number
  readonly memoryMiB: number
  readonly holdSupported: boolean
}
/** Sizes of instance types. They never change, so each type is asked for once. */
export interface InstanceTypes {
  size(instanceType: string): Promise<InstanceSize | undefined>
}

export function instanceTypes(calls: Pick<AwsCalls, 'describeInstanceTypes'>, clock: Clock): InstanceTypes {
  const known = new Map<string, InstanceSize>()
  const ask = coalesce<string, InstanceSize | undefined>({
    clock,
    windowMs: batchWindowMs,
    maxItems: maxTypesPerCall,
    async run(types) {
      // A filter leaves out types that do not exist; `InstanceTypes` would fail for one of them.
      const answer = await calls.describeInstanceTypes({ Filters: [{ Name: 'instance-type', Values: [...new Set(types)] }], MaxResults: 100 })
      for (const info of answer.InstanceTypes ?? []) known.set(info.InstanceType ?? '', sizeOf(info))
      return types.map((type) => known.get(type))
    },
  })
  return { size: async (type) => known.get(type) ?? (await ask(type, { urgent: true })) }
}

const sizeOf = (info: InstanceTypeInfo): InstanceSize => ({
  vcpus: info.VCpuInfo?.DefaultVCpus ?? 0,
  memoryMiB: info.MemoryInfo?.SizeInMiB ?? 0,
  holdSupported: info.HibernationSupported ?? false,
})
