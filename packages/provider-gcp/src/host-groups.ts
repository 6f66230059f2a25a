import { isProviderError, providerError } from '@understudy/provider'
import type { CloneSpec, HostGroup, ResourceDna } from '@understudy/provider'
import type { Adapter } from './adapter.ts'
import type { Instance } from './clients.ts'
import { unlessGone } from './instance-reader.ts'
import { lastPart } from './names.ts'

/** https://cloud.google.com/compute/docs/nodes/sole-tenant-nodes: the labels that Google gives each node. */
const groupKey = 'compute.googleapis.com/node-group-name'
const nodeKey = 'compute.googleapis.com/node-name'

export interface PlacementPolicy {
  readonly url: string
  /** Absent: its members are to be close to each other. */
  readonly domains?: number
}
interface Affinity {
  readonly key: string
  readonly operator: string
  readonly values: readonly string[]
}

/** Of the policies of an instance the one that places it; the others are schedules. Nothing is asked for instances that have none. */
export async function placementPolicyOf({ calls, scope }: Adapter, { resourcePolicies }: Instance): Promise<PlacementPolicy | undefined> {
  for (const url of resourcePolicies ?? []) {
    if (!url.includes(`/regions/${scope.region}/`)) continue
    const placement = (await readPolicy(calls, lastPart(url)))?.groupPlacementPolicy
    if (!placement) continue
    const domains = placement.availabilityDomainCount ?? 0
    return { url: `projects/${scope.account}/regions/${scope.region}/resourcePolicies/${lastPart(url)}`, ...(domains > 0 ? { domains } : {}) }
  }
  return undefined
}

async function readPolicy(calls: Adapter['calls'], name: string) {
  try {
    return await unlessGone(calls.getPolicy(name))
  } catch (error) {
    if (isProviderError(error, 'unauthorized')) return undefined
    throw error
  }
}

/** Nodes that nobody else has, or a placement policy. Pure. */
export function hostGroupOf(instance: Instance, policy: PlacementPolicy | undefined): HostGroup | undefined {
  const [first, ...others] = affinitiesOf(instance)
  // Instances without affinities are on no sole-tenant node.
  if (first !== undefined)
    return {
      id: others.length === 0 && first.key === groupKey ? first.values.join(',') : [first, ...others].map(textOf).join(';'),
      strategy: 'own-hosts',
      separable: true,
    }
  if (policy === undefined) return undefined
  const id = lastPart(policy.url)
  if (policy.domains === undefined) return { id, strategy: 'together', separable: false }
  return { id, strategy: 'partitions', separable: policy.domains > 1 && domainOf(instance) !== undefined }
}

const textOf = ({ key, operator, values }: Affinity): string => `${key} ${operator} ${values.join(',')}`

/** Of a group, or by labels; the node that an instance is on is its own, unless nothing else is said. */
function affinitiesOf({ scheduling }: Instance): readonly Affinity[] {
  const all = (scheduling?.nodeAffinities ?? []).map(({ key, operator, values }) => ({
    key: key ?? '',
    operator: String(operator ?? 'IN'),
    values: values ?? [],
  }))
  const others = all.filter(({ key }) => key !== nodeKey)
  return others.length === 0 ? all : others
}

/** The availability domain, from 1: where it is, or where it was asked to be. */
const domainOf = ({ resourceStatus, scheduling }: Instance): number | undefined =>
  [resourceStatus?.scheduling?.availabilityDomain, scheduling?.availabilityDomain].find(
    (domain): domain is number => typeof domain === 'number' && domain > 0,
  )

/** What a clone needs of it, verbatim. */
export const nativePlacement = (instance: Instance, policy: PlacementPolicy | undefined): object => ({
  nodeAffinities: affinitiesOf(instance),
  placementPolicy: policy?.url,
  availabilityDomains: policy?.domains,
  availabilityDomain: domainOf(instance),
})

export const isInGroup = (source: ResourceDna, { hosts, zone }: CloneSpec): boolean => hosts !== undefined && zone === source.placement.zone

/** Where a clone goes. Without `hosts` nothing of it is kept. */
export function placementOf(
  source: ResourceDna,
  spec: CloneSpec,
): { readonly resource?: Partial<Instance>; readonly scheduling?: NonNullable<Instance['scheduling']> } {
  const { zone, hostGroup } = source.placement
  if (spec.hosts === 'same-group') {
    if (hostGroup === undefined)
      throw providerError('unsupported', 'NoHostGroup', 'The source is on no sole-tenant node, and no placement policy places it.')
    if (zone !== spec.zone)
      throw providerError('invalid', 'HostGroupElsewhere', `The source and its group of hosts are in ${zone ?? 'no zone'}, not in ${spec.zone}.`)
    return hostGroup.strategy === 'own-hosts' ? onNodes(source) : byPolicy(source)
  }
  if (spec.hosts !== 'separate' || zone !== spec.zone || hostGroup?.strategy === 'own-hosts') return {}
  const { availabilityDomain: domain, availabilityDomains: domains } = source.native
  if (hostGroup?.separable !== true || typeof domain !== 'number' || typeof domains !== 'number') {
    const message =
      'Compute Engine promises no other hardware in the zone of the source: only another availability domain of a spread placement policy does.'
    throw providerError('unsupported', 'NotSeparable', message)
  }
  // The domain after the source's: it follows from the arguments.
  return { ...byPolicy(source), scheduling: { availabilityDomain: (domain % domains) + 1 } }
}

const onNodes = ({ native }: ResourceDna) => ({
  scheduling: { nodeAffinities: (native['nodeAffinities'] ?? []) as unknown as NonNullable<NonNullable<Instance['scheduling']>['nodeAffinities']> }, // written by this adapter
})
const byPolicy = ({ native }: ResourceDna) => ({ resource: { resourcePolicies: [String(native['placementPolicy'] ?? '')] } })
