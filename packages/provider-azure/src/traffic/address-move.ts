import type { PublicIPAddress } from '@azure/arm-network'
import { providerError } from '@understudy/provider'
import type { TrafficBinding } from '@understudy/provider'
import { type Adapter, call } from '../adapter.ts'
import { sameId } from '../arm-id.ts'
import { readPublicAddress } from './bindings.ts'
import { changeNic, isSameVm, nicById, primaryNicOf, vmOf } from './interfaces.ts'
import type { Mechanism } from './mechanism.ts'

/**
 * One public IP address, bound to one interface. Azure has no single call that moves it: the interface that has it lets go (a second
 * one is refused it until then, `PublicIPAddressInUse`), then the other takes it. In between nobody answers, for some seconds.
 */
export function addressMove(adapter: Adapter): Mechanism {
  const addressOf = (binding: TrafficBinding): Promise<PublicIPAddress> => {
    const { group, name } = readPublicAddress(binding)
    return call(() => adapter.clients.network.publicIPAddresses.get(group, name))
  }
  const holderOf = (address: PublicIPAddress) => nicById(adapter, address.ipConfiguration?.id ?? '')
  const release = async (address: PublicIPAddress, signal?: AbortSignal): Promise<void> => {
    const holder = await holderOf(address)
    if (holder?.id === undefined) return
    await changeNic(
      adapter,
      holder.id,
      ({ publicIPAddress, ...rest }) => (sameId(publicIPAddress?.id ?? '', address.id ?? '') ? rest : undefined),
      signal,
    )
  }
  return {
    async validate(binding) {
      const address = await addressOf(binding)
      if (address.publicIPAllocationMethod === 'Static') return
      throw providerError('invalid', 'InvalidBinding', 'The traffic binding is not valid: a dynamic public IP address is lost when it is let go of.')
    },
    async state(binding) {
      const nativeId = vmOf(await holderOf(await addressOf(binding)))
      return nativeId === undefined ? [] : [{ nativeId, weight: 100, health: 'unknown' }]
    },
    async enrol(binding) {
      // Nobody can stand by at an address: binding it is taking over.
      readPublicAddress(binding)
    },
    async setWeights(binding, weights, { signal }) {
      const raised = weights.filter(({ weight }) => weight > 0)
      if (raised.length > 1) throw providerError('unsupported', 'OneMemberOnly', 'An address belongs to one machine; give one member everything.')
      const address = await addressOf(binding)
      const [winner] = raised
      if (winner === undefined) return await release(address, signal)
      const holder = await holderOf(address)
      if (isSameVm(holder, winner.ref.nativeId)) return
      // Asked before anything is let go of: whether there is anybody to take it.
      const nic = await primaryNicOf(adapter, winner.ref.nativeId, signal)
      await release(address, signal)
      await changeNic(adapter, nic.id ?? '', (before) => ({ ...before, publicIPAddress: { id: address.id ?? '' } }), signal)
    },
    async remove(binding, ref, { signal }) {
      const address = await addressOf(binding)
      if (isSameVm(await holderOf(address), ref.nativeId)) await release(address, signal)
    },
  }
}
