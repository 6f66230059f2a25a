import type { Address } from '@aws-sdk/client-ec2'
import { providerError } from '@understudy/provider'
import type { TrafficBinding } from '@understudy/provider'
import type { Adapter } from '../adapter.ts'
import { batchWindowMs, coalesce } from '../coalesce.ts'
import { existing } from '../power.ts'
import { readAddress } from './bindings.ts'
import type { Mechanism } from './mechanism.ts'

const maxFilterValues = 200

/** One Elastic IP, bound to one instance. It moves in a single call; connections through it break. */
export function addressMove(adapter: Adapter): Mechanism {
  const { calls, clock } = adapter
  const find = coalesce<string, Address | undefined>({
    clock,
    windowMs: batchWindowMs,
    maxItems: maxFilterValues,
    async run(allocationIds) {
      const { Addresses: found = [] } = await calls.describeAddresses({ Filters: [{ Name: 'allocation-id', Values: [...new Set(allocationIds)] }] })
      return allocationIds.map((allocationId) => found.find(({ AllocationId }) => AllocationId === allocationId))
    },
  })
  const addressOf = async (binding: TrafficBinding): Promise<Address> => {
    const { allocationId } = readAddress(binding)
    const address = await find(allocationId, { urgent: true })
    if (address === undefined) throw providerError('not_found', 'InvalidAllocationID.NotFound', `There is no address ${allocationId}.`)
    return address
  }
  const release = async (address: Address, signal: AbortSignal | undefined): Promise<void> => {
    if (address.AssociationId === undefined || address.AssociationId === '') return
    await calls.disassociateAddress({ AssociationId: address.AssociationId }, signal)
  }
  return {
    async validate(binding) {
      await addressOf(binding)
    },
    async state(binding) {
      const { InstanceId: nativeId } = await addressOf(binding)
      return nativeId === undefined || nativeId === '' ? [] : [{ nativeId, weight: 100, health: 'unknown' }]
    },
    async enrol(binding) {
      // Nobody can stand by at an address: binding it is taking over.
      readAddress(binding)
    },
    async setWeights(binding, weights, context) {
      const raised = weights.filter(({ weight }) => weight > 0)
      if (raised.length > 1) throw providerError('unsupported', 'OneMemberOnly', 'An address belongs to one instance; give one member everything.')
      const address = await addressOf(binding)
      const [winner] = raised
      if (winner === undefined) return await release(address, context.signal)
      if (address.InstanceId === winner.ref.nativeId) return
      const { NetworkInterfaces: nics = [] } = await existing(adapter, winner.ref, context)
      const primaryNic = nics.find(({ Attachment }) => (Attachment?.DeviceIndex ?? 0) === 0)?.NetworkInterfaceId
      // EC2 takes an instance id only where it has a single interface.
      const to = nics.length > 1 && primaryNic !== undefined ? { NetworkInterfaceId: primaryNic } : { InstanceId: winner.ref.nativeId }
      await calls.associateAddress({ AllocationId: address.AllocationId ?? '', ...to, AllowReassociation: true }, context.signal)
    },
    async remove(binding, ref, context) {
      const address = await addressOf(binding)
      if (address.InstanceId === ref.nativeId) await release(address, context.signal)
    },
  }
}
