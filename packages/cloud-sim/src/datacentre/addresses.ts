import { sha256 } from '@understudy/core'
import type { NetworkApi } from './api.ts'
import { select } from './select.ts'
import { SimError } from './sim-error.ts'
import type { Address, Instance, NetworkInterface, Page, Query, Tags } from './types.ts'
import type { World } from './world.ts'

/** Elastic IPs. */
export class Addresses {
  readonly #world: World
  /** Which address an association belongs to. Derived. */
  readonly #byAssociation = new Map<string, string>()
  /** Addresses bound to an instance. Derived. */
  readonly #byInstance = new Map<string, Set<string>>()

  constructor(world: World) {
    this.#world = world
    for (const address of world.state.addresses.values()) this.#index(address)
  }

  /** Regions that were seeded alike have others: an address means one machine, wherever it is. */
  newPublicIp(): string {
    const n = (Number.parseInt(this.#world.hex(8), 16) + Number.parseInt(sha256(this.#world.region).slice(0, 8), 16)) % (2 ** 17 - 2)
    return `198.${18 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`
  }

  allocate(tags: Tags = {}): Address {
    const address: Address = {
      allocationId: this.#world.id('eipalloc'),
      publicIp: this.newPublicIp(),
      domain: 'vpc',
      tags: { ...tags },
      createdAtMs: this.#world.now(),
    }
    this.#world.state.addresses.set(address.allocationId, address)
    this.#world.tagIndex.add(address.allocationId, address.tags)
    return address
  }

  associate(input: Parameters<NetworkApi['associateAddress']>[0]): { readonly associationId: string } {
    const address = this.#need(input.allocationId)
    const { instance, nic } = this.#destination(input)
    if (address.networkInterfaceId === nic.networkInterfaceId && address.associationId !== undefined) return { associationId: address.associationId }
    const occupiedBy = nic.allocationId !== undefined && nic.allocationId !== address.allocationId
    if (!input.allowReassociation && (address.associationId !== undefined || occupiedBy)) {
      throw new SimError(
        'Resource.AlreadyAssociated',
        `resource ${input.allocationId} is already associated with associate-id ${address.associationId ?? nic.associationId}`,
      )
    }
    if (address.associationId !== undefined) this.#unbind(address)
    if (occupiedBy && nic.allocationId !== undefined) this.#unbind(this.#need(nic.allocationId))
    address.associationId = this.#world.id('eipassoc')
    address.instanceId = instance.instanceId
    address.networkInterfaceId = nic.networkInterfaceId
    address.privateIp = nic.privateIp
    nic.publicIp = address.publicIp
    nic.allocationId = address.allocationId
    nic.associationId = address.associationId
    if (nic.deviceIndex === 0) instance.publicIp = address.publicIp
    this.#index(address)
    this.#world.emit({ kind: 'address_changed', allocationId: address.allocationId })
    return { associationId: address.associationId }
  }

  disassociate(associationId: string): void {
    const allocationId = this.#byAssociation.get(associationId)
    if (allocationId === undefined) throw new SimError('InvalidAssociationID.NotFound', `The association ID '${associationId}' does not exist`)
    this.#unbind(this.#need(allocationId))
    this.#world.emit({ kind: 'address_changed', allocationId })
  }

  release(allocationId: string): void {
    const address = this.#need(allocationId)
    if (address.associationId !== undefined)
      throw new SimError('InvalidIPAddress.InUse', `The address with allocation id [${allocationId}] is in use.`)
    this.#world.state.addresses.delete(allocationId)
    this.#world.tagIndex.remove(allocationId, address.tags)
  }

  describe(query: Query): Page<Address> {
    const { addresses } = this.#world.state
    return select(query, {
      all: () => addresses.values(),
      byId: (id) => addresses.get(id),
      notFound: allocationNotFound,
      tagsOf: (address) => address.tags,
      field: (address, name) =>
        ({
          'allocation-id': [address.allocationId],
          'association-id': [address.associationId],
          domain: [address.domain],
          'instance-id': [address.instanceId],
          'network-interface-id': [address.networkInterfaceId],
          'private-ip-address': [address.privateIp],
          'public-ip': [address.publicIp],
        })[name],
    })
  }

  releaseFrom(instanceId: string): void {
    for (const allocationId of [...(this.#byInstance.get(instanceId) ?? [])]) {
      this.#unbind(this.#need(allocationId))
      this.#world.emit({ kind: 'address_changed', allocationId })
    }
  }

  #destination(input: Parameters<NetworkApi['associateAddress']>[0]): { instance: Instance; nic: NetworkInterface } {
    const { instances } = this.#world.state
    if (input.networkInterfaceId !== undefined) {
      for (const instance of instances.values()) {
        const nic = instance.nics.find((candidate) => candidate.networkInterfaceId === input.networkInterfaceId)
        if (nic && isAlive(instance)) return { instance, nic }
      }
      throw new SimError('InvalidNetworkInterfaceID.NotFound', `The networkInterface ID '${input.networkInterfaceId}' does not exist`)
    }
    if (input.instanceId === undefined) throw new SimError('MissingParameter', 'Either instance ID or network interface id must be specified')
    const instance = instances.get(input.instanceId)
    if (!instance || !this.#world.isVisible(instance)) {
      throw new SimError('InvalidInstanceID.NotFound', `The instance ID '${input.instanceId}' does not exist`)
    }
    const nic = instance.nics[0]
    if (!isAlive(instance) || !nic)
      throw new SimError('InvalidInstanceID', `The instance '${input.instanceId}' is not in a valid state for this operation.`)
    if (instance.nics.length > 1) {
      throw new SimError(
        'InvalidInstanceID',
        `There are multiple interfaces attached to instance '${input.instanceId}'. Please specify an interface ID for the operation instead.`,
      )
    }
    if (instance.state === 'pending') {
      throw new SimError('InvalidInstanceID', `The pending instance '${input.instanceId}' is not in a valid state for this operation.`)
    }
    return { instance, nic }
  }

  #unbind(address: Address): void {
    const instance = address.instanceId === undefined ? undefined : this.#world.state.instances.get(address.instanceId)
    const nic = instance?.nics.find((candidate) => candidate.allocationId === address.allocationId)
    if (nic) {
      delete nic.publicIp
      delete nic.allocationId
      delete nic.associationId
    }
    if (instance && instance.publicIp === address.publicIp) delete instance.publicIp
    if (address.associationId !== undefined) this.#byAssociation.delete(address.associationId)
    if (address.instanceId !== undefined) this.#byInstance.get(address.instanceId)?.delete(address.allocationId)
    delete address.associationId
    delete address.instanceId
    delete address.networkInterfaceId
    delete address.privateIp
  }

  #index(address: Address): void {
    if (address.associationId !== undefined) this.#byAssociation.set(address.associationId, address.allocationId)
    if (address.instanceId === undefined) return
    const bound = this.#byInstance.get(address.instanceId) ?? new Set()
    this.#byInstance.set(address.instanceId, bound.add(address.allocationId))
  }

  #need(allocationId: string): Address {
    const address = this.#world.state.addresses.get(allocationId)
    if (!address) throw allocationNotFound(allocationId)
    return address
  }
}

const isAlive = (instance: Instance): boolean => instance.state !== 'terminated' && instance.state !== 'shutting-down'
const allocationNotFound = (id: string): SimError => new SimError('InvalidAllocationID.NotFound', `The allocation ID '${id}' does not exist`)
