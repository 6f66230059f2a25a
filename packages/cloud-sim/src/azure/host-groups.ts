import type { Json, JsonObject } from '@understudy/core'
import type { RunInstancesInput } from '../datacentre/api.ts'
import type { Instance } from '../datacentre/types.ts'
import { ArmError } from './arm-error.ts'
import { at, textAt } from './call.ts'

/** What the members of a machine's definition say of hosts, before anything is looked for. */
export function checkPlacement(body: Json): void {
  const [host, hostGroup, set] = ['host', 'hostGroup', 'availabilitySet'].map((name) => textAt(body, `properties.${name}.id`))
  if (host !== undefined && hostGroup !== undefined)
    throw new ArmError(400, 'InvalidParameter', 'A virtual machine cannot have both a host and a host group.')
  if (set === undefined) return
  if (at(body, 'zones') !== undefined)
    throw new ArmError(
      400,
      'InvalidParameter',
      'Virtual Machine cannot be created because both Availability Zone and Availability Set were specified.',
    )
  if (textAt(body, 'properties.priority') === 'Spot')
    throw new ArmError(409, 'AzureSpotVMNotSupportedInAvailabilitySet', 'Azure Spot Virtual Machines are not supported in Availability Sets.')
}

/** Groups of the data centre have ARM's ids as their names, in small letters. */
export function hostPlacement(body: Json): Pick<RunInstancesInput, 'hostGroup' | 'hostId' | 'placementGroup'> {
  const idOf = (name: string): string | undefined => textAt(body, `properties.${name}.id`)?.toLowerCase()
  const [host, hostGroup] = [idOf('host'), idOf('hostGroup')]
  const group = idOf('availabilitySet') ?? idOf('proximityPlacementGroup')
  return {
    ...(host === undefined ? {} : { hostId: host.split('/').pop() ?? '' }),
    ...(hostGroup === undefined ? {} : { hostGroup }),
    ...(group === undefined ? {} : { placementGroup: group }),
  }
}

/** Of the instance view. Fault domains begin with 0. */
export const hostView = ({ hostGroup, hostId, partition }: Instance): JsonObject => ({
  ...(hostId === undefined ? {} : { assignedHost: `${hostGroup ?? ''}/hosts/${hostId}` }),
  ...(partition === undefined ? {} : { platformFaultDomain: partition - 1 }),
})
