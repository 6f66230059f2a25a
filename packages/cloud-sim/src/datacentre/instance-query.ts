import type { Selection } from './select.ts'
import { SimError } from './sim-error.ts'
import type { Instance, InstanceState } from './types.ts'
import type { World } from './world.ts'

/** EC2's codes of the states, as the `instance-state-code` filter and the wire use them. */
export const stateCodes: Record<InstanceState, number> = {
  pending: 0,
  running: 16,
  'shutting-down': 32,
  terminated: 48,
  stopping: 64,
  stopped: 80,
}

export function instanceSelection(world: World, seenState: (instance: Instance) => InstanceState): Selection<Instance> {
  const { instances } = world.state
  return {
    all: () => instances.values(),
    byId: (id) => instances.get(id),
    isVisible: (instance) => world.isVisible(instance),
    notFound: (id) =>
      /^i-[0-9a-f]{8,17}$/.test(id)
        ? new SimError('InvalidInstanceID.NotFound', `The instance ID '${id}' does not exist`)
        : new SimError('InvalidInstanceID.Malformed', `Invalid id: "${id}"`),
    tagsOf: (instance) => instance.tags,
    field: (instance, name) => instanceField(instance, name, seenState),
    candidates(filter) {
      const ids =
        filter.name === 'instance-id'
          ? filter.values
          : filter.name.startsWith('tag:')
            ? tagged(world, filter.name.slice(4), filter.values)
            : undefined
      return ids?.map((id) => instances.get(id)).filter((instance) => instance !== undefined)
    },
  }
}

const tagged = (world: World, key: string, values: readonly string[]): string[] => values.flatMap((value) => [...world.tagIndex.find(key, value)])

function instanceField(
  instance: Instance,
  name: string,
  seenState: (instance: Instance) => InstanceState,
): readonly (string | undefined)[] | undefined {
  switch (name) {
    case 'instance-id':
      return [instance.instanceId]
    case 'instance-state-name':
      return [seenState(instance)]
    case 'instance-state-code':
      return [String(stateCodes[seenState(instance)])]
    case 'instance-type':
      return [instance.instanceType]
    case 'instance-lifecycle':
      return [instance.market === 'spot' ? 'spot' : undefined]
    case 'spot-instance-request-id':
      return [instance.spot?.requestId]
    case 'image-id':
      return [instance.imageId]
    case 'availability-zone':
      return [instance.zone]
    case 'subnet-id':
    case 'network-interface.subnet-id':
      return [instance.subnetId]
    case 'vpc-id':
      return [instance.vpcId]
    case 'private-ip-address':
      return [instance.privateIp]
    case 'ip-address':
      return [instance.publicIp]
    case 'private-dns-name':
      return [instance.privateDnsName]
    case 'key-name':
      return [instance.keyName]
    case 'client-token':
      return [instance.clientToken]
    case 'reservation-id':
      return [instance.reservationId]
    case 'architecture':
      return [instance.architecture]
    case 'owner-id':
      return [instance.ownerId]
    case 'root-device-name':
      return [instance.rootDeviceName]
    case 'tenancy':
      return [instance.tenancy]
    case 'instance.group-id':
    case 'network-interface.group-id':
      return instance.securityGroupIds
    case 'block-device-mapping.volume-id':
      return instance.blockDevices.map((device) => device.volumeId)
    case 'hibernation-options.configured':
      return [String(instance.hibernationConfigured)]
    default:
      return undefined
  }
}
