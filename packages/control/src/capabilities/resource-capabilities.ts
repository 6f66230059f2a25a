import type { Abilities } from '../cloud/abilities.ts'
import { hostGroupOf } from '../placement/hosts.ts'
import type { Resource } from '../resources/resource.ts'
import { no, yes } from './capability.ts'
import type { Capability, CapabilityName } from './capability.ts'
import { cloudCapabilities } from './cloud-capabilities.ts'

type Concerned = Pick<Resource, 'dna' | 'traffic'>
type Rule = (resource: Concerned, cloud: Abilities) => Capability | undefined

/** What can be done with one resource: what its cloud can do, less what this instance stands in the way of. Pure. */
export function resourceCapabilities(resource: Concerned, cloud: Abilities): readonly Capability[] {
  return cloudCapabilities(cloud).map((capability) => (capability.supported ? (rules[capability.name]?.(resource, cloud) ?? capability) : capability))
}

/** Asked only about what the cloud can do. `undefined`: nothing about this resource changes it. */
const rules: Readonly<Partial<Record<CapabilityName, Rule>>> = {
  clone: ({ dna }) => yes('clone', { unknowable: [...dna.unknowable] }),
  'interruption-notice': ({ dna }) =>
    dna.purchase === 'spot'
      ? undefined
      : no(
          'interruption-notice',
          `The instance is ${dna.purchase}: it is not taken back, so nothing announces it. Failures and maintenance are told.`,
        ),
  traffic: ({ traffic }, cloud) => {
    if (traffic === undefined) return no('traffic', 'The resource has no traffic binding. Add one with an update of the resource.')
    const mechanism = cloud.traffic?.[traffic.mechanism]
    if (mechanism === undefined) return no('traffic', `Its traffic comes in by ${traffic.mechanism}, which cannot be moved in this cloud.`)
    return yes('traffic', { mechanism: traffic.mechanism, standby: mechanism.standby })
  },
  'host-groups': (resource) => {
    const group = hostGroupOf(resource)
    return group === undefined
      ? no('host-groups', 'This instance is bound to no group of hosts, as it was last read.')
      : yes('host-groups', { id: group.id, strategy: group.strategy ?? null, separable: group.separable })
  },
  'separate-hosts': (resource, { market, traits: { hostGroups } }) => {
    const separable = hostGroups.supported && hostGroupOf(resource)?.separable === true
    const hasZone = market && resource.dna.placement.zone !== undefined
    if (separable || hasZone) return yes('separate-hosts', { by: [...(hasZone ? ['zone'] : []), ...(separable ? ['group'] : [])] })
    return no('separate-hosts', 'This instance is in no zone, and in no group that keeps its members on separate hosts: nothing is certain.')
  },
  'hold-memory': ({ dna }, { traits: { hold } }) => {
    if (!hold.supported || hold.maxMemoryMiB === undefined || dna.size.memoryMiB <= hold.maxMemoryMiB) return undefined
    return no('hold-memory', `${dna.size.type} has ${dna.size.memoryMiB} MiB of memory; at most ${hold.maxMemoryMiB} MiB are held.`)
  },
  resize: ({ dna }, { traits: { resize } }) =>
    resize.supported && !resize.spot && dna.purchase === 'spot'
      ? no('resize', 'An interruptible instance is not resized in this cloud: a stand-in of another size is launched instead.')
      : undefined,
  'multi-disk-snapshots': ({ dna }, { traits: { multiDiskSnapshot } }) =>
    multiDiskSnapshot.supported && dna.disks.length > multiDiskSnapshot.maxDisks
      ? no('multi-disk-snapshots', `The instance has ${dna.disks.length} disks; at most ${multiDiskSnapshot.maxDisks} are kept at one moment.`)
      : undefined,
}
