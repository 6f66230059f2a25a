import type { Target } from '../datacentre/types.ts'
import type { Body, Call, Route } from './call.ts'
import { lastPart, objectsIn, partOf, textIn } from './call.ts'
import { invalid, notFound, required, staleFingerprint } from './fault.ts'
import { change } from './change.ts'
import type { BackendServiceRecord, GroupRecord, InstanceRecord, Project } from './project.ts'
import { fingerprint } from './project.ts'

/** Unmanaged instance groups behind global backend services. */
export const trafficRoutes: readonly Route[] = [
  { operation: 'instanceGroups.listInstances', run: listInstances },
  change('instanceGroups.addInstances', (call) => regroup(call, 'addInstances')),
  change('instanceGroups.removeInstances', (call) => regroup(call, 'removeInstances')),
  { operation: 'backendServices.get', run: (call) => serviceView(call.project, serviceIn(call)) },
  { operation: 'backendServices.getHealth', run: health },
  change('backendServices.patch', patch),
]

export const groupUrl = ({ url, path }: Project, { zone, name }: GroupRecord): string => url(path(zone, 'instanceGroups', name))

function groupIn(call: Call): GroupRecord {
  const [zone, name] = [partOf(call, 'zone'), partOf(call, 'instanceGroup')]
  const found = call.project.groups.find((group) => group.zone === zone && group.name === name)
  if (found === undefined) throw notFound(call.project.path(zone, 'instanceGroups', name))
  return found
}

function serviceIn(call: Call): BackendServiceRecord {
  const name = partOf(call, 'backendService')
  const found = call.project.backendServices.find((service) => service.name === name)
  if (found === undefined) throw notFound(`projects/${call.project.id}/global/backendServices/${name}`)
  return found
}

/** Who is in the group. One that drains has left it already. */
function membersOf(project: Project, group: GroupRecord): { readonly record: InstanceRecord; readonly target: Target }[] {
  const targets = new Map(project.dataCentre.balancers.targetHealth(group.targetGroupArn).map((target) => [target.instanceId, target]))
  return project.instances().flatMap((record) => {
    const target = targets.get(record.instanceId)
    return target === undefined || target.health === 'draining' ? [] : [{ record, target }]
  })
}

const instanceUrl = ({ url, path }: Project, { zone, name }: InstanceRecord): string => url(path(zone, 'instances', name))

function listInstances(call: Call): object {
  const { project } = call
  const items = membersOf(project, groupIn(call)).map(({ record }) => ({ instance: instanceUrl(project, record), status: 'RUNNING' }))
  return {
    kind: 'compute#instanceGroupsListInstances',
    id: `${partOf(call, 'instanceGroup')}/listInstances`,
    ...(items.length === 0 ? {} : { items }),
  }
}

function regroup(call: Call, verb: 'addInstances' | 'removeInstances'): object {
  const { project, body, requestId } = call
  const group = groupIn(call)
  const named = objectsIn(body['instances']).map((item) => textIn(item, 'instance') ?? '')
  if (named.length === 0) throw required('instances')
  const members = new Set(membersOf(project, group).map(({ record }) => record.id))
  const records = named.map((instance) => {
    if (!instance.includes(`/zones/${group.zone}/instances/`)) throw invalid('instances', instance, 'The instance must be in the zone of the group.')
    const record = project.instance(group.zone, lastPart(instance))
    if (members.has(record.id) === (verb === 'addInstances'))
      throw invalid(
        'instances',
        instance,
        verb === 'addInstances' ? 'The instance is already a member of the group.' : 'The instance is not a member of the group.',
      )
    return record
  })
  const targets = records.map(({ instanceId }) => ({ instanceId }))
  if (verb === 'addInstances') project.dataCentre.balancers.registerTargets(group.targetGroupArn, targets)
  else project.dataCentre.balancers.deregisterTargets(group.targetGroupArn, targets)
  return project.operations.begin({ zone: group.zone, type: verb, target: `instanceGroups/${group.name}`, targetId: '0' }, { requestId })
}

const backendsView = (project: Project, { name, backends }: BackendServiceRecord) => [
  ...backends.map(({ group, capacityScaler }) => ({
    group: groupUrl(project, group),
    balancingMode: 'UTILIZATION',
    maxUtilization: 0.8,
    capacityScaler,
  })),
  ...project.endpointGroups
    .filter(({ backendService }) => backendService === name)
    .map((group) => ({
      group: project.url(project.path(group.zone, 'networkEndpointGroups', group.name)),
      balancingMode: 'RATE',
      maxRatePerEndpoint: 100,
      capacityScaler: 1,
    })),
]

function serviceView(project: Project, service: BackendServiceRecord): object {
  const backends = backendsView(project, service)
  const selfLink = project.url(`projects/${project.id}/global/backendServices/${service.name}`)
  const shown = {
    kind: 'compute#backendService',
    id: service.id,
    name: service.name,
    selfLink,
    protocol: 'HTTP',
    portName: 'http',
    loadBalancingScheme: 'EXTERNAL_MANAGED',
  }
  return { ...shown, backends, connectionDraining: { drainingTimeoutSec: 10 }, fingerprint: fingerprint(backends) }
}

function health(call: Call): object {
  const { project, body } = call
  const group = textIn(body, 'group')
  if (group === undefined) throw required('resource.group')
  const found = serviceIn(call).backends.find((backend) => groupUrl(project, backend.group) === group)
  if (found === undefined) throw invalid('resource.group', group, 'The group is not a backend of the service.')
  const healthStatus = membersOf(project, found.group).map(({ record, target }) => ({
    instance: instanceUrl(project, record),
    port: target.port,
    healthState: target.health === 'healthy' ? 'HEALTHY' : 'UNHEALTHY',
  }))
  return { kind: 'compute#backendServiceGroupHealth', ...(healthStatus.length === 0 ? {} : { healthStatus }) }
}

/** A list of backends replaces the former one as a whole. */
function patch(call: Call): object {
  const { project, body, requestId } = call
  const service = serviceIn(call)
  if (textIn(body, 'fingerprint') !== fingerprint(backendsView(project, service))) throw staleFingerprint('Backend service')
  service.backends = objectsIn(body['backends']).map((backend) => ({ group: knownGroup(project, backend), capacityScaler: capacityIn(backend) }))
  const targetGroups = service.backends.map(({ group, capacityScaler }) => ({
    targetGroupArn: group.targetGroupArn,
    weight: Math.round(capacityScaler * 100),
  }))
  project.dataCentre.balancers.modifyListener({ listenerArn: service.listenerArn, defaultActions: [{ kind: 'forward', targetGroups }] })
  return project.operations.begin({ zone: '', type: 'patch', target: `backendServices/${service.name}`, targetId: service.id }, { requestId })
}

function knownGroup(project: Project, backend: Body): GroupRecord {
  const url = textIn(backend, 'group')
  const found = project.groups.find((group) => groupUrl(project, group) === url)
  if (found === undefined) throw invalid('resource.backends.group', url, 'The referenced resource does not exist.')
  return found
}

function capacityIn(backend: Body): number {
  const capacity = backend['capacityScaler'] ?? 1
  if (typeof capacity !== 'number' || !(capacity === 0 || (capacity >= 0.1 && capacity <= 1)))
    throw invalid('resource.backends.capacityScaler', capacity, 'The capacity must be 0, or from 0.1 to 1.')
  return capacity
}
