import { ArmError } from './arm-error.ts'
import { type ArmCall, type ArmReply, ok } from './call.ts'

const regionsOf = ({ dataCentre }: ArmCall): readonly string[] => [dataCentre.region, ...dataCentre.otherRegions]

/** All that can be done in those beside the simulated one is to keep copies. */
export function checkLocation(call: ArmCall, location: string, type: string): void {
  if (regionsOf(call).includes(location.toLowerCase())) return
  throw new ArmError(
    400,
    'LocationNotAvailableForResourceType',
    `The provided location '${location}' is not available for resource type 'Microsoft.Compute/${type}'. List of available regions for the resource type is '${regionsOf(call).join(',')}'.`,
  )
}

/** `GET /subscriptions/{id}/locations`: regions, and what is of no region. */
export const listLocations = (call: ArmCall): ArmReply => {
  const location = (name: string, regionType: 'Physical' | 'Logical') => ({
    ...{ id: `/subscriptions/${call.state.subscription}/locations/${name}`, name, displayName: name, type: 'Region', metadata: { regionType } },
  })
  return ok({ value: [...regionsOf(call).map((name) => location(name, 'Physical')), location('global', 'Logical')] })
}
