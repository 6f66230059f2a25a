import { providerError, type TrafficBinding } from '@understudy/provider'
import type { Address } from '../datacentre/types.ts'
import type { SimAdapter } from './adapter.ts'
import { readAddressBinding } from './bindings.ts'
import type { Mechanism } from './traffic.ts'

/** One public address, bound to one instance. It moves in a single call; connections through it break. */
export function addressMove(adapter: SimAdapter): Mechanism {
  const { network } = adapter.dc
  const addressOf = async (binding: TrafficBinding): Promise<Address> => {
    const filters = [{ name: 'allocation-id', values: [readAddressBinding(binding)] }]
    const [address] = (await adapter.call('DescribeAddresses', () => network.describeAddresses({ filters }), { effect: 'read' })).items
    if (!address) throw providerError('not_found', 'InvalidAllocationID.NotFound', `There is no address ${readAddressBinding(binding)}.`)
    return address
  }
  const release = async (address: Address, signal: AbortSignal | undefined): Promise<void> => {
    const { associationId } = address
    if (associationId === undefined) return
    await adapter.call('DisassociateAddress', () => network.disassociateAddress(associationId), { effect: 'repeatable' }, signal)
  }
  return {
    async validate(binding) {
      await addressOf(binding)
    },
    async state(binding) {
      const { instanceId } = await addressOf(binding)
      return instanceId === undefined ? [] : [{ nativeId: instanceId, weight: 100, health: 'unknown' }]
    },
    async enrol(binding) {
      // Nobody can stand by at an address: binding it is taking over.
      readAddressBinding(binding)
    },
    async setWeights(binding, weights, context) {
      const raised = weights.filter(({ weight }) => weight > 0)
      if (raised.length > 1) throw providerError('unsupported', 'OneMemberOnly', 'An address belongs to one instance; give one member everything.')
      const address = await addressOf(binding)
      const [winner] = raised
      if (!winner) return await release(address, context.signal)
      if (address.instanceId === winner.ref.nativeId) return
      const instance = await adapter.existing(winner.ref, context)
      const nic = instance.nics.find((candidate) => candidate.deviceIndex === 0)
      const to = instance.nics.length > 1 && nic ? { networkInterfaceId: nic.networkInterfaceId } : { instanceId: instance.instanceId }
      const { gapSeconds } = adapter.likeness.mechanisms['address-move'] ?? {}
      if (gapSeconds !== undefined) {
        // Two calls: nobody has the address between them, and whoever dies there finds it free.
        await release(address, context.signal)
        await adapter.pause(gapSeconds * 1000, context.signal)
      }
      const associate = () => network.associateAddress({ allocationId: address.allocationId, ...to, allowReassociation: true })
      await adapter.call('AssociateAddress', associate, { effect: 'repeatable' }, context.signal)
    },
    async remove(binding, ref, context) {
      const address = await addressOf(binding)
      if (address.instanceId === ref.nativeId) await release(address, context.signal)
    },
  }
}
