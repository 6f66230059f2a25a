import { ownTags } from '@understudy/core'
import { isProviderError, providerError } from '@understudy/provider'
import type { Leftovers } from '@understudy/provider'
import type { SimAdapter } from './adapter.ts'

/** Addresses that nobody has. Of commands this cloud keeps nothing that is counted. */
export function simLeftovers(adapter: SimAdapter): Leftovers {
  const { network, instances } = adapter.dc
  return {
    async list({ tags: wanted }) {
      const { items } = await adapter.call('DescribeAddresses', () => network.describeAddresses(), { effect: 'read' })
      const hasInstance = (key: string | undefined): boolean =>
        [...instances.all()].some(({ tags, state }) => state !== 'terminated' && tags[ownTags.operation] === key)
      return items
        .filter(({ associationId, tags }) => associationId === undefined && Object.entries(wanted).every(([key, value]) => tags[key] === value))
        .filter(({ tags }) => !hasInstance(tags[ownTags.operation]))
        .map(({ allocationId, tags }) => ({ kind: 'address', nativeId: allocationId, tags }))
    },
    async remove({ nativeId }, { signal }) {
      const { items } = await adapter.call('DescribeAddresses', () => network.describeAddresses(), { effect: 'read' }, signal)
      const address = items.find(({ allocationId }) => allocationId === nativeId)
      if (address === undefined) return
      if (address.associationId !== undefined) throw providerError('conflict', 'InvalidIPAddress.InUse', `${nativeId} is bound again.`)
      try {
        await adapter.call('ReleaseAddress', () => network.releaseAddress(nativeId), { effect: 'repeatable' }, signal)
      } catch (error) {
        if (!isProviderError(error, 'not_found')) throw error
      }
    },
  }
}
