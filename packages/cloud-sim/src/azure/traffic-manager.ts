import type { Json, JsonObject, Random } from '@understudy/core'
import { isIPv4, isIPv6 } from 'node:net'
import { ArmError } from './arm-error.ts'
import { type ArmCall, type ArmReply, type ArmWorld, at, isObject, listAt, need, needText, ok, tagsOf, textAt } from './call.ts'
import type { EndpointRecord, TrafficProfileRecord } from './state.ts'
import { idOf, notFound } from './resource-id.ts'

const type = 'Microsoft.Network/trafficManagerProfiles'
const endpointType = 'externalEndpoints'
const domain = 'trafficmanager.net'
const endpointsMost = 200

/**
 * Traffic Manager, as far as it routes by weight to external endpoints. A profile is global, and written without an etag; each of its
 * endpoints is a resource of its own.
 */
export const putProfile = (call: ArmCall): Promise<ArmReply> =>
  call.dataCentre.invoke('Profiles_CreateOrUpdate', () => {
    const id = idOf(call, type, call.params['name'] ?? '')
    const existing = call.state.trafficProfiles.get(id.toLowerCase())
    const properties = profileProperties(call, id)
    const record: TrafficProfileRecord = { id, name: call.params['name'] ?? '', tags: tagsOf(call.body), properties, endpoints: new Map() }
    for (const endpoint of listAt(call.body, 'properties.endpoints')) {
      if (textAt(endpoint, 'type')?.toLowerCase().endsWith(`/${endpointType.toLowerCase()}`) !== true)
        throw new ArmError(400, 'NotSupportedHere', 'The simulated Traffic Manager has external endpoints only.')
      write(call, record, needText(endpoint, 'name'), need(endpoint, 'properties'))
    }
    call.state.trafficProfiles.set(id.toLowerCase(), record)
    return ok(profileBody(call, record), existing === undefined ? 201 : 200)
  })

export const getProfile = (call: ArmCall): Promise<ArmReply> => call.dataCentre.invoke('Profiles_Get', () => ok(profileBody(call, profileOf(call))))

export const putEndpoint = (call: ArmCall): Promise<ArmReply> =>
  call.dataCentre.invoke('Endpoints_CreateOrUpdate', () => {
    const profile = profileOf(call)
    const isNew = !profile.endpoints.has(endpointName(call).toLowerCase())
    const endpoint = write(call, profile, endpointName(call), need(call.body, 'properties'))
    return ok(endpointBody(call, profile, endpoint), isNew ? 201 : 200)
  })

/** What is not named stays as it is. */
export const patchEndpoint = (call: ArmCall): Promise<ArmReply> =>
  call.dataCentre.invoke('Endpoints_Update', () => {
    const profile = profileOf(call)
    const existing = profile.endpoints.get(endpointName(call).toLowerCase())
    if (existing === undefined) throw notFound(`${profile.id}/${endpointType}/${endpointName(call)}`)
    const change = call.body['properties']
    const endpoint = write(call, profile, existing.name, { ...existing.properties, ...(isObject(change) ? change : {}) })
    return ok(endpointBody(call, profile, endpoint))
  })

export const deleteEndpoint = (call: ArmCall): Promise<ArmReply> =>
  call.dataCentre.invoke('Endpoints_Delete', () => (profileOf(call).endpoints.delete(endpointName(call).toLowerCase()) ? ok({}) : { status: 204 }))

const endpointName = (call: ArmCall): string => call.params['endpoint'] ?? ''

function profileOf(call: ArmCall): TrafficProfileRecord {
  const id = idOf(call, type, call.params['name'] ?? '')
  const found = call.state.trafficProfiles.get(id.toLowerCase())
  if (found === undefined) throw notFound(id)
  return found
}

function profileProperties(call: ArmCall, id: string): JsonObject {
  if (textAt(call.body, 'location')?.toLowerCase() !== 'global') throw refused('The location of a profile has to be global.')
  const method = needText(call.body, 'properties.trafficRoutingMethod')
  if (method !== 'Weighted') throw new ArmError(400, 'NotSupportedHere', 'The simulated Traffic Manager routes by weight only.')
  const relativeName = needText(call.body, 'properties.dnsConfig.relativeName')
  const taken = [...call.state.trafficProfiles.values()].find((other) => fqdnOf(other) === `${relativeName}.${domain}` && other.id !== id)
  if (taken !== undefined) throw new ArmError(409, 'Conflict', `The relative DNS name ${relativeName} is already in use.`)
  const ttl = numberAt(call.body, 'properties.dnsConfig.ttl') ?? 60
  if (!Number.isInteger(ttl) || ttl < 0) throw refused('The TTL has to be from 0 to 2147483647.')
  needText(call.body, 'properties.monitorConfig.protocol')
  need(call.body, 'properties.monitorConfig.port')
  const { endpoints: _endpoints, ...rest } = call.body['properties'] as JsonObject // an object: members of it were asked for
  return { profileStatus: 'Enabled', ...rest, dnsConfig: { relativeName, fqdn: `${relativeName}.${domain}`, ttl } }
}

/** Makes an endpoint, or changes one, if it can stand beside the others. */
function write(call: ArmCall, profile: TrafficProfileRecord, name: string, given: Json): EndpointRecord {
  const properties: JsonObject = { endpointStatus: 'Enabled', weight: 1, ...(isObject(given) ? given : {}) }
  const target = needText({ properties }, 'properties.target')
  const weight = Number(properties['weight'])
  if (!Number.isInteger(weight) || weight < 1 || weight > 1000) throw refused(`The weight ${weight} of ${name} has to be from 1 to 1000.`)
  const others = [...profile.endpoints.values()].filter((other) => other.name.toLowerCase() !== name.toLowerCase())
  if (others.some((other) => other.properties['target'] === target))
    throw refused(`The target ${target} is already used by another endpoint of the profile.`)
  if (others.some((other) => kindOf(String(other.properties['target'])) !== kindOf(target)))
    throw refused('Endpoints of a profile that does not answer with several of them at once have to be all names, all IPv4 or all IPv6 addresses.')
  if (others.length >= endpointsMost) throw refused(`A profile has ${endpointsMost} endpoints at most.`)
  const before = profile.endpoints.get(name.toLowerCase())
  const stays = before !== undefined && isEnabled(before) && before.properties['target'] === target
  const { endpointMonitorStatus: _status, ...kept } = properties
  const record: EndpointRecord = { name, properties: kept, enabledAtMs: stays ? before.enabledAtMs : call.dataCentre.now() }
  profile.endpoints.set(name.toLowerCase(), record)
  return record
}

const refused = (message: string): ArmError => new ArmError(400, 'BadRequest', message)
const kindOf = (target: string): string => (isIPv4(target) ? 'IPv4' : isIPv6(target) ? 'IPv6' : 'name')
const isEnabled = ({ properties }: EndpointRecord): boolean => properties['endpointStatus'] !== 'Disabled'
const fqdnOf = ({ properties }: TrafficProfileRecord): string => textAt(properties, 'dnsConfig.fqdn') ?? ''
const numberAt = (body: Json, path: string): number | undefined => {
  const value = at(body, path)
  return typeof value === 'number' ? value : undefined
}

/**
 * What the probes have found. They are not sent: a machine of this data centre is known to answer or not, the moment that it does; one that
 * was enabled a moment ago has not been asked yet, and whoever is anywhere else is believed.
 */
function monitorStatus({ dataCentre }: Pick<ArmWorld, 'dataCentre'>, profile: TrafficProfileRecord, endpoint: EndpointRecord): string {
  if (!isEnabled(endpoint)) return 'Disabled'
  if (profile.properties['profileStatus'] === 'Disabled') return 'Inactive'
  if (endpoint.properties['alwaysServe'] === 'Enabled') return 'Unmonitored'
  const intervalMs = (numberAt(profile.properties, 'monitorConfig.intervalInSeconds') ?? 30) * 1000
  if (dataCentre.now() < endpoint.enabledAtMs + intervalMs) return 'CheckingEndpoint'
  const instance = [...dataCentre.instances.all()].find(({ publicIp }) => publicIp !== undefined && publicIp === endpoint.properties['target'])
  return instance === undefined || instance.answering ? 'Online' : 'Degraded'
}

/** What a client is told that has kept no answer: one address, by weight. Whoever is degraded is left out, unless all of them are. */
export function resolveTrafficManager(
  world: ArmWorld,
  fqdn: string,
  random: Random,
): { readonly address: string; readonly ttlSeconds: number } | undefined {
  const profile = [...world.state.trafficProfiles.values()].find((candidate) => fqdnOf(candidate) === fqdn.replace(/\.$/, ''))
  if (profile === undefined) return undefined
  const served = [...profile.endpoints.values()].filter((endpoint) => !['Disabled', 'Inactive'].includes(monitorStatus(world, profile, endpoint)))
  const sound = served.filter((endpoint) => monitorStatus(world, profile, endpoint) !== 'Degraded')
  const choice = sound.length > 0 ? sound : served
  const total = choice.reduce((sum, { properties }) => sum + Number(properties['weight']), 0)
  let left = (random.int(0, 999_999) / 1_000_000) * total
  const chosen = choice.find(({ properties }) => (left -= Number(properties['weight'])) < 0)
  if (chosen === undefined) return undefined
  return { address: String(chosen.properties['target']), ttlSeconds: numberAt(profile.properties, 'dnsConfig.ttl') ?? 60 }
}

const endpointBody = (world: ArmWorld, profile: TrafficProfileRecord, endpoint: EndpointRecord): JsonObject => ({
  id: `${profile.id}/${endpointType}/${endpoint.name}`,
  name: endpoint.name,
  type: `${type}/${endpointType}`,
  properties: { ...endpoint.properties, endpointMonitorStatus: monitorStatus(world, profile, endpoint) },
})

function profileBody(world: ArmWorld, profile: TrafficProfileRecord): JsonObject {
  const endpoints = [...profile.endpoints.values()]
  const statuses = endpoints.map((endpoint) => monitorStatus(world, profile, endpoint))
  const monitor = profile.properties['monitorConfig']
  const profileMonitorStatus = ['Degraded', 'CheckingEndpoint', 'Online'].find((status) => statuses.includes(status)) ?? 'Inactive'
  return {
    id: profile.id,
    name: profile.name,
    type,
    location: 'global',
    tags: profile.tags,
    properties: {
      ...profile.properties,
      monitorConfig: {
        ...(isObject(monitor) ? monitor : {}),
        profileMonitorStatus: profileMonitorStatus === 'CheckingEndpoint' ? 'CheckingEndpoints' : profileMonitorStatus,
      },
      endpoints: endpoints.map((endpoint) => endpointBody(world, profile, endpoint)),
    },
  }
}
