import type { Endpoint, Profile } from '@azure/arm-trafficmanager'
import { isProviderError, providerError } from '@understudy/provider'
import type { CallContext, InstanceRef, MemberHealth } from '@understudy/provider'
import { requireOtherAnswer, sharesByName } from '@understudy/provider/adapter-kit'
import type { Weights } from '@understudy/provider/adapter-kit'
import { isIPv4 } from 'node:net'
import { abortOf, type Adapter, call } from '../adapter.ts'
import { ownersOf, publicAddressOf } from './address-owners.ts'
import type { Owners } from './address-owners.ts'
import { invalid, type ProfileBinding, readProfile } from './bindings.ts'
import type { Mechanism } from './mechanism.ts'

/** So often a profile is read again from which somebody else has taken an endpoint in between. */
const attempts = 4
const externalEndpoints = 'ExternalEndpoints'
/** From a change until every name server of Traffic Manager answers with it, beyond what clients keep an answer. */
const propagationSeconds = 60

interface Member {
  readonly name: string
  readonly address: string
  /** 0: it is disabled, since Azure's weights begin with 1. */
  readonly weight: number
  readonly health: MemberHealth
}

/**
 * A profile of Traffic Manager that answers by weight; members are external endpoints, whose targets are IPv4 addresses: it refuses to have
 * addresses beside names. The profile has no etag. Each endpoint is a resource of its own, so that whoever changes another one at the same
 * time is not overwritten; and whoever gets traffic is raised before anybody is lowered, so that somebody answers all along.
 */
export function dnsWeight(adapter: Adapter): Mechanism {
  const owners = ownersOf(adapter)
  return {
    async validate(binding) {
      const profile = await profileOf(adapter, readProfile(binding))
      if (profile.trafficRoutingMethod !== 'Weighted') throw invalid(`the profile routes by ${profile.trafficRoutingMethod ?? '?'}, not by weight`)
      if (profile.profileStatus === 'Disabled') throw invalid('the profile is disabled')
      const other = (profile.endpoints ?? []).find((endpoint) => memberIn(endpoint) === undefined)
      if (other !== undefined) throw invalid(`the endpoint ${other.name ?? ''} is not an external one with an IPv4 address`)
    },
    async state(binding) {
      const members = membersOf(await profileOf(adapter, readProfile(binding)))
      return sharesByName(members, await owners.of(members.map(({ address }) => address)))
    },
    async followSeconds(binding) {
      const { dnsConfig } = await profileOf(adapter, readProfile(binding))
      return (dnsConfig?.ttl ?? 0) + propagationSeconds
    },
    async enrol(binding, ref, context) {
      const profile = readProfile(binding)
      const address = await addressOf(adapter, profile, ref, context)
      await changing(adapter, profile, async (members) => {
        if (!members.some((member) => member.address === address)) await create(adapter, profile, members, { address, weight: 0 }, context)
      })
    },
    setWeights: (binding, weights, context) => setWeights(adapter, readProfile(binding), weights, context),
    remove: (binding, ref, context) => remove(adapter, owners, readProfile(binding), ref, context),
  }
}

async function setWeights(adapter: Adapter, profile: ProfileBinding, weights: Weights, context: CallContext): Promise<void> {
  const raised = weights.filter(({ weight }) => weight > 0)
  if (raised.length === 0)
    throw providerError(
      'unsupported',
      'NoAnswer',
      'A name is not taken offline by its weights: whoever asks for it would be told that there is none.',
    )
  const wanted = new Map<string, number>()
  for (const { ref, weight } of raised) wanted.set(await addressOf(adapter, profile, ref, context), weight)
  await changing(adapter, profile, async (members) => {
    for (const [address, weight] of wanted) {
      const member = members.find((candidate) => candidate.address === address)
      if (member === undefined) await create(adapter, profile, members, { address, weight }, context)
      else if (member.weight !== weight) await update(adapter, profile, member.name, { weight, endpointStatus: 'Enabled' }, context)
    }
    for (const { name, address, weight } of members)
      if (weight > 0 && !wanted.has(address)) await update(adapter, profile, name, { endpointStatus: 'Disabled' }, context)
  })
}

async function remove(adapter: Adapter, owners: Owners, profile: ProfileBinding, ref: InstanceRef, context: CallContext): Promise<void> {
  await changing(adapter, profile, async (members) => {
    const names = await owners.of(members.map(({ address }) => address))
    const own = members.filter(({ address }) => address === ref.address || names.get(address)?.toLowerCase() === ref.nativeId.toLowerCase())
    if (own.length === 0) return
    requireOtherAnswer(members, new Set(own.map(({ address }) => address)), ref, profile.name)
    const { endpoints } = adapter.clients.trafficManager
    for (const { name } of own) await call(() => endpoints.delete(profile.group, profile.name, externalEndpoints, name, abortOf(context.signal)))
  })
}

/** One change of a profile at a time. An endpoint that somebody else took in between has it read again. */
async function changing(adapter: Adapter, profile: ProfileBinding, change: (members: readonly Member[]) => Promise<void>): Promise<void> {
  await adapter.oneByOne(`${profile.group}/${profile.name}`.toLowerCase(), async () => {
    for (let attempt = 1; ; attempt++) {
      const members = membersOf(await profileOf(adapter, profile))
      try {
        return await change(members)
      } catch (error) {
        if (!isProviderError(error, 'not_found') || attempt === attempts) throw error
      }
    }
  })
}

const profileOf = ({ clients }: Adapter, { group, name }: ProfileBinding): Promise<Profile> =>
  call(() => clients.trafficManager.profiles.get(group, name))

async function create(
  adapter: Adapter,
  { group, name }: ProfileBinding,
  members: readonly Member[],
  { address, weight }: Pick<Member, 'address' | 'weight'>,
  { signal }: CallContext,
): Promise<void> {
  const usual = `us-${address.replaceAll('.', '-')}`
  const own = members.some((member) => member.name.toLowerCase() === usual) ? `${usual}-2` : usual
  const endpoint: Endpoint = { target: address, weight: Math.max(1, weight), endpointStatus: weight === 0 ? 'Disabled' : 'Enabled' }
  const { endpoints } = adapter.clients.trafficManager
  await call(() => endpoints.createOrUpdate(group, name, externalEndpoints, own, endpoint, abortOf(signal)))
}

async function update(
  adapter: Adapter,
  { group, name }: ProfileBinding,
  endpointName: string,
  change: Pick<Endpoint, 'weight' | 'endpointStatus'>,
  { signal }: CallContext,
): Promise<void> {
  const { endpoints } = adapter.clients.trafficManager
  await call(() => endpoints.update(group, name, externalEndpoints, endpointName, change, abortOf(signal)))
}

const membersOf = ({ endpoints = [] }: Profile): Member[] => endpoints.flatMap((endpoint) => memberIn(endpoint) ?? [])

/** `undefined` for what is no address: a name, another profile, a resource of Azure's. */
function memberIn({ type, name, target, weight, endpointStatus, endpointMonitorStatus }: Endpoint): Member | undefined {
  const isExternal = type?.toLowerCase().endsWith(`/${externalEndpoints.toLowerCase()}`) === true
  if (!isExternal || name === undefined || target === undefined || !isIPv4(target)) return undefined
  return { name, address: target, weight: endpointStatus === 'Disabled' ? 0 : (weight ?? 1), health: healthOf(endpointMonitorStatus) }
}

/** Whoever is being asked for the first time is answered with already. */
function healthOf(status: string | undefined): MemberHealth {
  switch (status) {
    case 'Online':
      return 'healthy'
    case 'Degraded':
      return 'unhealthy'
    case 'CheckingEndpoint':
      return 'initial'
    default:
      return 'unknown'
  }
}

async function addressOf(adapter: Adapter, { name }: ProfileBinding, ref: InstanceRef, { signal }: CallContext): Promise<string> {
  const address = ref.address ?? (await publicAddressOf(adapter, ref.nativeId, signal))
  if (address === undefined) throw providerError('conflict', 'NoAddress', `${ref.nativeId} has no public address that ${name} could answer with.`)
  return address
}
