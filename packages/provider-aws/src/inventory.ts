import type { Instance, InstanceAttributeName, SpotInstanceRequest, Volume } from '@aws-sdk/client-ec2'
import { isProviderError } from '@understudy/provider'
import type { Inventory, InstanceSummary, ResourceDna } from '@understudy/provider'
import type { Adapter } from './adapter.ts'
import { dnaOf } from './dna.ts'
import type { InstanceAttributes } from './dna.ts'
import { placementGroupOf } from './host-groups.ts'
import { pagesOfInstances } from './instance-reader.ts'
import { summaryOf } from './instance-state.ts'

const defaultListLimit = 10_000
const listedStates = ['pending', 'running', 'stopping', 'stopped', 'shutting-down']

/** Reading instances from EC2. */
export function awsInventory(adapter: Adapter): Inventory {
  const { scope, fresh, instances } = adapter
  return {
    async describe(ref) {
      const instance = await fresh.patiently([ref.nativeId], () => instances.one(ref.nativeId))
      return instance === undefined ? undefined : await describe(adapter, instance)
    },
    async *list({ tags = {}, limit = defaultListLimit }) {
      const filters = [
        { Name: 'instance-state-name', Values: listedStates },
        ...Object.entries(tags).map(([key, value]) => ({ Name: `tag:${key}`, Values: [escapeFilter(value)] })),
      ]
      let left = limit
      if (left <= 0) return
      for await (const instance of pagesOfInstances(adapter.calls, filters)) {
        yield summaryOf(scope, instance)
        left -= 1
        if (left === 0) return
      }
    },
    async states(refs) {
      const found = await instances.many(refs.map(({ nativeId }) => nativeId))
      const summaries = new Map<string, InstanceSummary>()
      for (const [nativeId, instance] of found) summaries.set(nativeId, summaryOf(scope, instance))
      return summaries
    },
    async checks({ nativeId }) {
      const { InstanceStatuses: [status] = [] } = await adapter.calls.describeInstanceStatus({ InstanceIds: [nativeId], IncludeAllInstances: true })
      const found = [status?.SystemStatus?.Status ?? 'unknown', status?.InstanceStatus?.Status ?? 'unknown']
      const detail = `System status ${found[0]}, instance status ${found[1]}.`
      if (found.every((one) => one === 'ok')) return { state: 'passed', detail }
      return { state: found.includes('impaired') ? 'failed' : 'pending', detail }
    },
  }
}

/** EC2 filters know the wildcards `*` and `?`; a tag's value is meant literally. */
export const escapeFilter = (value: string): string => value.replace(/[\\*?]/g, String.raw`\$&`)

async function describe(adapter: Adapter, instance: Instance): Promise<ResourceDna> {
  const nativeId = instance.InstanceId ?? ''
  const [volumes, attributes, size, spotRequest, cpuCredits, placementGroup] = await Promise.all([
    volumesOfWhole(adapter, instance),
    attributesOf(adapter, nativeId),
    adapter.instanceTypes.size(instance.InstanceType ?? ''),
    spotRequestOf(adapter, instance),
    cpuCreditsOf(adapter, instance),
    placementGroupOf(adapter, instance),
  ])
  return dnaOf(adapter.scope, { instance, volumes, attributes, size, spotRequest, cpuCredits, placementGroup })
}

/**
 * An instance names its volumes before a search by attachment shows all of them: for a minute after it was launched, or the last of them
 * was attached, what is missing is waited for.
 */
export async function volumesOfWhole(adapter: Adapter, instance: Instance): Promise<readonly Volume[]> {
  const { InstanceId: nativeId = '', LaunchTime, BlockDeviceMappings = [] } = instance
  const changes = [LaunchTime, ...BlockDeviceMappings.map(({ Ebs }) => Ebs?.AttachTime)]
  adapter.fresh.note(nativeId, Math.max(...changes.map((at) => at?.getTime() ?? 0)))
  let found: readonly Volume[] = []
  await adapter.fresh.patiently([nativeId], async () => {
    found = await volumesOf(adapter, nativeId)
    const isThere = (volumeId: string | undefined): boolean => volumeId === undefined || found.some(({ VolumeId }) => VolumeId === volumeId)
    return BlockDeviceMappings.every(({ Ebs }) => isThere(Ebs?.VolumeId)) ? true : undefined
  })
  return found
}

export async function volumesOf({ calls }: Adapter, nativeId: string): Promise<readonly Volume[]> {
  const volumes: Volume[] = []
  let nextToken: string | undefined
  do {
    const page = await calls.describeVolumes({
      Filters: [{ Name: 'attachment.instance-id', Values: [nativeId] }],
      MaxResults: 500,
      ...(nextToken === undefined ? {} : { NextToken: nextToken }),
    })
    volumes.push(...(page.Volumes ?? []))
    nextToken = page.NextToken === '' ? undefined : page.NextToken
  } while (nextToken !== undefined)
  return volumes
}

async function attributesOf({ calls }: Adapter, nativeId: string): Promise<InstanceAttributes> {
  // EC2 answers one attribute per call. A terminated instance has none any more.
  const ask = async (attribute: InstanceAttributeName) => {
    try {
      return await calls.describeInstanceAttribute({ InstanceId: nativeId, Attribute: attribute })
    } catch (error) {
      if (isProviderError(error, 'not_found', 'conflict', 'unsupported')) return undefined
      throw error
    }
  }
  const [userData, terminate, stop, shutdown] = await Promise.all([
    ask('userData'),
    ask('disableApiTermination'),
    ask('disableApiStop'),
    ask('instanceInitiatedShutdownBehavior'),
  ])
  const userDataValue = userData?.UserData?.Value
  const shutdownBehavior = shutdown?.InstanceInitiatedShutdownBehavior?.Value
  return {
    ...(userDataValue === undefined || userDataValue === '' ? {} : { userData: userDataValue }),
    terminateProtected: terminate?.DisableApiTermination?.Value ?? false,
    stopProtected: stop?.DisableApiStop?.Value ?? false,
    ...(shutdownBehavior === undefined ? {} : { shutdownBehavior }),
  }
}

async function spotRequestOf({ calls }: Adapter, instance: Instance): Promise<SpotInstanceRequest | undefined> {
  if (instance.SpotInstanceRequestId === undefined || instance.SpotInstanceRequestId === '') return undefined
  try {
    const answer = await calls.describeSpotInstanceRequests({
      Filters: [{ Name: 'spot-instance-request-id', Values: [instance.SpotInstanceRequestId] }],
    })
    return answer.SpotInstanceRequests?.[0]
  } catch (error) {
    if (isProviderError(error, 'not_found', 'unsupported')) return undefined
    throw error
  }
}

async function cpuCreditsOf({ calls }: Adapter, instance: Instance): Promise<string | undefined> {
  // Only burstable types have credits; asking for another type is an error.
  if (!/^t\d/.test(instance.InstanceType ?? '')) return undefined
  try {
    const answer = await calls.describeInstanceCreditSpecifications({ InstanceIds: [instance.InstanceId ?? ''] })
    return answer.InstanceCreditSpecifications?.[0]?.CpuCredits
  } catch (error) {
    if (isProviderError(error, 'not_found', 'conflict', 'unsupported', 'invalid')) return undefined
    throw error
  }
}
