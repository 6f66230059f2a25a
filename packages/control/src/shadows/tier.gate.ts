import { AppError } from '@understudy/core'
import type { FieldError } from '@understudy/core'
import type { Abilities } from '../cloud/abilities.ts'
import { readinessLevels } from '../resources/resource.ts'
import type { Resource, Tier } from '../resources/resource.ts'
import { hostFaults } from './hosts.gate.ts'

/** `cloud`: another cloud could keep it · `tier`: it contradicts itself. */
export interface TierFault extends FieldError {
  readonly because: 'cloud' | 'tier'
}
type Protected = Pick<Resource, 'dna' | 'traffic'>

/** Refuses a tier that could not be kept, with what is wrong and the nearest tier that would do. */
export function checkTier(tier: Tier, resource: Protected, cloud: Abilities): void {
  const faults = tierFaults(tier, resource, cloud)
  if (faults.length === 0) return
  const nearest = nearestTier(tier, resource, cloud)
  const would = nearest === undefined ? 'No other tier can be kept here either.' : `The nearest that can is ${describeTier(nearest)}.`
  throw new AppError(faults.some(({ because }) => because === 'cloud') ? 'unsupported' : 'invalid_request', `This tier cannot be kept. ${would}`, {
    errors: faults.map(({ pointer, message }) => ({ pointer, message })),
    details: nearest === undefined ? {} : { nearest: { tier: { ...nearest } } },
  })
}

/** Everything that keeps a tier from being kept for this resource in this cloud. */
export function tierFaults(tier: Tier, resource: Protected, cloud: Abilities): readonly TierFault[] {
  // What is said of shadows here is said of none.
  if (tier.shadows === 0) return trafficFaults(resource, cloud)
  return [
    ...[...sizeFaults(tier, resource), ...memoryFaults(tier, resource, cloud), ...diskFaults(tier, resource, cloud)],
    ...[...parkingFaults(tier), ...hostFaults(tier, resource, cloud), ...trafficFaults(resource, cloud)],
  ]
}

function sizeFaults({ readiness, instanceType }: Tier, { dna }: Protected): readonly TierFault[] {
  const fault = (message: string): TierFault => ({ pointer: '/tier/instanceType', message, because: 'tier' })
  if (readiness === 'warm' && (instanceType === undefined || instanceType === dna.size.type))
    return [fault('A warm shadow runs small: name a smaller instance type, or ask for a hot one.')]
  if (readiness === 'hot' && instanceType !== undefined && instanceType !== dna.size.type)
    return [fault(`A hot shadow has the size of its primary (${dna.size.type}). Leave it out, or ask for a warm one.`)]
  return []
}

function memoryFaults(tier: Tier, { dna }: Protected, { traits: { hold } }: Abilities): readonly TierFault[] {
  if (!tier.holdMemory) return []
  const pointer = '/tier/holdMemory'
  if (tier.readiness !== 'parked') {
    const message = 'Only a parked shadow keeps its memory while it rests. Ask for readiness parked, or leave holdMemory out.'
    return [{ pointer, message, because: 'tier' }]
  }
  if (!hold.supported) return [{ pointer, message: `${hold.reason} The nearest tier is parked without memory.`, because: 'cloud' }]
  if (hold.maxMemoryMiB !== undefined && tier.instanceType === undefined && dna.size.memoryMiB > hold.maxMemoryMiB) {
    const message = `This cloud keeps at most ${gib(hold.maxMemoryMiB)} of memory, and ${dna.size.type} has ${gib(dna.size.memoryMiB)}. The nearest tier is parked without memory.`
    return [{ pointer, message, because: 'cloud' }]
  }
  if (tier.purchase !== 'spot' || hold.withSpot) return []
  const message = 'This cloud does not hibernate interruptible instances. The nearest tier is parked on-demand with memory, or parked without.'
  return [{ pointer: '/tier/purchase', message, because: 'cloud' }]
}
const gib = (mib: number): string => `${Math.floor(mib / 1024)} GiB`

function diskFaults({ readiness }: Tier, { dna }: Protected, { snapshots, traits }: Abilities): readonly TierFault[] {
  if (readiness !== 'cold') return []
  const fault = (message: string): TierFault => ({ pointer: '/tier/readiness', message, because: 'cloud' })
  if (!snapshots) return [fault('Disks cannot be kept in this cloud yet, so it has no cold shadows. The nearest tier is a parked one.')]
  const { multiDiskSnapshot } = traits
  if (dna.disks.length < 2) return []
  if (!multiDiskSnapshot.supported)
    return [fault(`${multiDiskSnapshot.reason} The instance has ${dna.disks.length} disks. The nearest tier is a parked one.`)]
  if (dna.disks.length <= multiDiskSnapshot.maxDisks) return []
  return [fault(`This cloud keeps ${multiDiskSnapshot.maxDisks} disks of one moment, not ${dna.disks.length}. The nearest tier is a parked one.`)]
}

/** Only a persistent spot request survives a stop, and we launch one-time requests: a parked spot shadow could never be stopped. */
function parkingFaults({ readiness, purchase }: Tier): readonly TierFault[] {
  if (readiness !== 'parked' || purchase !== 'spot') return []
  const message = 'An interruptible instance cannot be parked. The nearest tier is parked on-demand (its disks alone are billed), or hot on spot.'
  return [{ pointer: '/tier/purchase', message, because: 'tier' }]
}

/** A shadow that could never get the traffic would be a promise that is not kept. */
function trafficFaults({ traffic }: Protected, cloud: Abilities): readonly TierFault[] {
  if (traffic === undefined || cloud.traffic?.[traffic.mechanism] !== undefined) return []
  const known = Object.keys(cloud.traffic ?? {}).join(', ')
  const message =
    cloud.traffic === undefined
      ? 'Traffic cannot be moved in this cloud, so that no shadow could take over. Take the traffic binding off to protect the instance alone: leave it out when you import it.'
      : `Traffic cannot be moved by ${traffic.mechanism} in this cloud. Ask for a binding by one of: ${known}.`
  return [{ pointer: '/tier', message, because: 'cloud' }]
}

/** Of all tiers that can be kept, the one that differs least: where its hosts are weighs most, then readiness, how it is bought, its memory. */
export function nearestTier(tier: Tier, resource: Protected, cloud: Abilities): Tier | undefined {
  const placed = placesLike(tier)
  const variants = readinessLevels.flatMap((readiness) =>
    [...new Set([tier.purchase, 'on-demand' as const, 'spot' as const])].flatMap((purchase) =>
      [tier.holdMemory, false].flatMap((holdMemory) =>
        [...new Set([tier.instanceType, undefined])].flatMap((instanceType) =>
          placed.map((place): Tier => ({ ...tier, ...place, readiness, purchase, holdMemory, instanceType })),
        ),
      ),
    ),
  )
  const level = (readiness: Tier['readiness']): number => readinessLevels.indexOf(readiness)
  const distance = (variant: Tier): number =>
    (variant.hosts === tier.hosts ? 0 : variant.hosts === 'any' ? 64 : 48) +
    8 * Math.abs(level(variant.readiness) - level(tier.readiness)) +
    // Of two neighbours the readier one: what was asked for is then kept at least.
    (level(variant.readiness) < level(tier.readiness) ? 1 : 0) +
    (variant.purchase === tier.purchase ? 0 : 4) +
    (variant.holdMemory === tier.holdMemory ? 0 : 2) +
    (variant.instanceType === tier.instanceType ? 0 : 1) +
    (variant.zones === tier.zones ? 0 : 0.5)
  return variants.filter((variant) => tierFaults(variant, resource, cloud).length === 0).toSorted((a, b) => distance(a) - distance(b))[0]
}

/** Only of a tier that says something of hosts: zones alone are their owner's to choose. */
const placesLike = ({ hosts, zones }: Tier): readonly Pick<Tier, 'hosts' | 'zones'>[] =>
  hosts === undefined || hosts === 'any'
    ? [{ zones }]
    : [...new Set([hosts, 'separate', 'any'] as const)].flatMap((rule) =>
        [...new Set([zones, 'any', 'other'] as const)].map((where) => ({ hosts: rule, zones: where })),
      )

function describeTier({ readiness, purchase, holdMemory, instanceType, hosts, zones }: Tier): string {
  const memory = readiness === 'parked' ? (holdMemory ? ' with its memory' : ' without its memory') : ''
  const where = typeof zones === 'string' ? zones : zones.join(', ')
  const placed = hosts === undefined ? '' : `, hosts ${hosts} with zones ${where}`
  return `${readiness}${memory}, ${purchase}${instanceType === undefined ? '' : `, as ${instanceType}`}${placed}`
}
