import type { Instance } from '@aws-sdk/client-ec2'
import { providerError } from '@understudy/provider'
import type { CallContext, InstanceRef } from '@understudy/provider'
import type { Adapter } from '../adapter.ts'
import { pagesOfInstances } from '../instance-reader.ts'
import { existing } from '../power.ts'
import type { NameBinding } from './bindings.ts'

export interface AddressOwners {
  /** Where a name leads to this instance. Throws `conflict` when it has no such address. */
  addressOf(binding: NameBinding, ref: InstanceRef, context: CallContext): Promise<string>
  /** Ids of the instances that have these addresses, by address. What is nobody's is left out. */
  of(binding: NameBinding, addresses: readonly string[]): Promise<ReadonlyMap<string, string>>
}

export function addressOwners(adapter: Adapter): AddressOwners {
  /** As this process has asked itself: EC2 may show an instance under its address some seconds later than by itself. */
  const asked = new Map<string, string>()
  return {
    async addressOf(binding, ref, context) {
      if (ref.address !== undefined) return ref.address
      const address = addressIn(await existing(adapter, ref, context), binding)
      if (address === undefined || address === '')
        throw providerError('conflict', 'NoAddress', `${ref.nativeId} has no ${binding.addresses} address that ${binding.name} could answer with.`)
      asked.set(address, ref.nativeId)
      return address
    },
    async of(binding, addresses) {
      const found = new Map([...asked].filter(([address]) => addresses.includes(address)))
      const filter = { Name: binding.addresses === 'internal' ? 'private-ip-address' : 'ip-address', Values: addresses }
      for await (const instance of pagesOfInstances(adapter.calls, [filter])) {
        const address = addressIn(instance, binding)
        if (address !== undefined && instance.InstanceId !== undefined) found.set(address, instance.InstanceId)
      }
      return found
    },
  }
}

const addressIn = ({ PublicIpAddress, PrivateIpAddress }: Instance, { addresses }: NameBinding): string | undefined =>
  addresses === 'internal' ? PrivateIpAddress : PublicIpAddress
