import { AppError } from '@understudy/core'
import type { Abilities } from '../cloud/abilities.ts'
import { isSmaller } from '../resources/elsewhere.ts'
import type { Elsewhere } from '../resources/elsewhere.ts'
import type { Resource, Tier } from '../resources/resource.ts'
import type { TierFault } from './tier.gate.ts'

interface Reached {
  readonly cloud: Abilities
  readonly clouds: ReadonlyMap<string, Abilities>
}
type Protected = Pick<Resource, 'dna' | 'traffic' | 'accountId'>

/** Refuses promises in other accounts that could not be kept, with what is wrong and what would do. */
export function checkElsewhere(tier: Tier, resource: Protected, reached: Reached): void {
  const faults = elsewhereFaults(tier, resource, reached)
  if (faults.length === 0) return
  const kind = faults.some(({ because }) => because === 'cloud') ? 'unsupported' : 'invalid_request'
  throw new AppError(kind, `This tier cannot be kept. ${faults[0]?.message ?? ''}`, {
    errors: faults.map(({ pointer, message }) => ({ pointer, message })),
  })
}

/** Everything that keeps the promises in other accounts from being kept. Pure. */
export function elsewhereFaults(tier: Tier, resource: Protected, { cloud, clouds }: Reached): readonly TierFault[] {
  const places = tier.elsewhere ?? []
  if (places.length === 0) {
    const message = 'A tier promises at least one shadow. Ask for one in the account of the primary, or name an account in elsewhere.'
    return tier.shadows === 0 ? [{ pointer: '/tier/shadows', message, because: 'tier' }] : []
  }
  return [
    ...homeFaults(tier, resource),
    ...reachFaults(resource, cloud),
    ...places.flatMap((place, index) => {
      const fault = (member: string, message: string, because: TierFault['because'] = 'tier'): TierFault => {
        return { pointer: `/tier/elsewhere/${index}/${member}`, message, because }
      }
      const isTwice = places.findIndex(({ accountId }) => accountId === place.accountId) !== index
      const host = place.accountId === resource.accountId ? cloud : clouds.get(place.accountId)
      return [
        ...(isTwice ? [fault('accountId', 'The account is named already: one shadow stands in each. Leave one of them out.')] : []),
        ...(host?.portable === false
          ? [fault('accountId', 'In the cloud of this account no instance can be made of a portable definition yet. Leave it out.', 'cloud')]
          : []),
        ...readinessFaults(place, resource, fault),
      ]
    }),
  ]
}

/** Zones and types are words of one account, and the primary may move to another. */
function homeFaults({ shadows, zones, instanceType }: Tier, { accountId }: Protected): readonly TierFault[] {
  if (shadows === 0) return []
  const message = (what: string): string =>
    `With shadows elsewhere the primary may leave ${accountId}, where alone these ${what} mean something. Leave them out, or promise 0 shadows there.`
  return [
    ...(typeof zones === 'string' ? [] : [{ pointer: '/tier/zones', message: message('zones'), because: 'tier' as const }]),
    ...(instanceType === undefined ? [] : [{ pointer: '/tier/instanceType', message: message('types'), because: 'tier' as const }]),
  ]
}

/** A shadow that could never get the traffic would be a promise that is not kept. */
function reachFaults({ traffic }: Protected, cloud: Abilities): readonly TierFault[] {
  if (traffic === undefined || cloud.traffic?.[traffic.mechanism]?.foreign === true) return []
  const able = Object.entries(cloud.traffic ?? {}).flatMap(([mechanism, traits]) => (traits.foreign === true ? [mechanism] : []))
  const instead = able.length === 0 ? 'an entry point in an account whose cloud can' : able.join(' or ')
  const message = `Traffic by ${traffic.mechanism} cannot be led to another account. Ask for a binding by ${instead}, with an update of the resource.`
  return [{ pointer: '/tier/elsewhere', message, because: 'cloud' }]
}

function readinessFaults(
  { readiness, purchase, definition }: Elsewhere,
  { dna, traffic }: Protected,
  fault: (member: string, message: string) => TierFault,
): readonly TierFault[] {
  const { vcpus, memoryMiB, type } = dna.size
  const size = `${vcpus} vCPUs and ${memoryMiB} MiB, as ${type} has`
  return [
    ...(readiness === 'hot' && isSmaller(definition, dna.size)
      ? [fault('definition', `A hot shadow has at least the size of its primary (${size}). Ask for that, or for a warm one.`)]
      : []),
    ...(readiness === 'warm' && !isSmaller(definition, dna.size)
      ? [fault('definition', `A warm shadow is smaller than its primary (${size}). Ask for less, or for a hot one.`)]
      : []),
    ...(readiness === 'parked' && purchase === 'spot'
      ? [fault('purchase', 'An interruptible instance cannot be parked. Ask for it on-demand, or hot on spot.')]
      : []),
    ...(traffic !== undefined && !definition.publicAddress
      ? [fault('definition/publicAddress', 'Traffic is led to another account by a public address. Ask for one.')]
      : []),
  ]
}
