import type { Body, Call, Route } from './call.ts'
import { lastPart, objectsIn, partOf, textIn } from './call.ts'
import { change } from './change.ts'
import { invalid, notFound, required } from './fault.ts'
import type { EndpointGroupRecord, Project } from './project.ts'

/** Zonal network endpoint groups. Those of one backend service share a target group: every healthy endpoint has an equal part. */
export const endpointRoutes: readonly Route[] = [
  { operation: 'networkEndpointGroups.listNetworkEndpoints', run: list },
  change('networkEndpointGroups.attachNetworkEndpoints', (call) => write(call, 'attach')),
  change('networkEndpointGroups.detachNetworkEndpoints', (call) => write(call, 'detach')),
]

function groupIn(call: Call): EndpointGroupRecord {
  const [zone, name] = [partOf(call, 'zone'), partOf(call, 'networkEndpointGroup')]
  const found = call.project.endpointGroups.find((group) => group.zone === zone && group.name === name)
  if (found === undefined) throw notFound(call.project.path(zone, 'networkEndpointGroups', name))
  return found
}

/** One that drains has left the group already. */
function endpointsOf(project: Project, group: EndpointGroupRecord) {
  const targets = new Map(project.dataCentre.balancers.targetHealth(group.targetGroupArn).map((target) => [target.instanceId, target]))
  return project.instances().flatMap((record) => {
    const target = targets.get(record.instanceId)
    return record.zone !== group.zone || target === undefined || target.health === 'draining' ? [] : [{ record, target }]
  })
}

function list(call: Call): object {
  const { project, body } = call
  const group = groupIn(call)
  const showsHealth = textIn(body, 'healthStatus') === 'SHOW'
  const items = endpointsOf(project, group).map(({ record, target }) => ({
    networkEndpoint: {
      instance: project.url(project.path(record.zone, 'instances', record.name)),
      ipAddress: project.machine(record).nics[0]?.privateIp ?? '',
      port: target.port,
    },
    ...(showsHealth && target.health !== 'initial'
      ? {
          healths: [
            {
              backendService: { backendService: project.url(`projects/${project.id}/global/backendServices/${group.backendService}`) },
              healthState: target.health === 'healthy' ? 'HEALTHY' : 'UNHEALTHY',
            },
          ],
        }
      : {}),
  }))
  return { kind: 'compute#networkEndpointGroupsListNetworkEndpoints', ...(items.length === 0 ? {} : { items }) }
}

function write(call: Call, verb: 'attach' | 'detach'): object {
  const { project, body, requestId } = call
  const group = groupIn(call)
  const given = objectsIn(body['networkEndpoints'])
  if (given.length === 0) throw required('resource.networkEndpoints')
  const targets = given.map((endpoint) => targetIn(project, group, endpoint, verb))
  if (verb === 'attach') project.dataCentre.balancers.registerTargets(group.targetGroupArn, targets)
  else project.dataCentre.balancers.deregisterTargets(group.targetGroupArn, targets)
  const target = { zone: group.zone, type: `${verb}NetworkEndpoints`, target: `networkEndpointGroups/${group.name}`, targetId: group.id }
  return project.operations.begin(target, { requestId })
}

/** Instance, address and port have to belong together. */
function targetIn(project: Project, group: EndpointGroupRecord, endpoint: Body, verb: 'attach' | 'detach'): { instanceId: string; port: number } {
  const name = lastPart(textIn(endpoint, 'instance'))
  if (name === '') throw required('networkEndpoints.instance')
  const record = project.instance(group.zone, name)
  const { port, ipAddress } = endpoint
  if (typeof port !== 'number') throw invalid('networkEndpoints.port', port)
  if (ipAddress !== project.machine(record).nics[0]?.privateIp)
    throw invalid('networkEndpoints.ipAddress', ipAddress, `The address does not belong to the instance ${name}.`)
  const isMember = endpointsOf(project, group).some((member) => member.record.id === record.id)
  if (isMember === (verb === 'attach'))
    throw invalid('networkEndpoints', name, verb === 'attach' ? 'The endpoint is in the group already.' : 'The endpoint is not in the group.')
  return { instanceId: record.instanceId, port }
}
