import type { InstanceType } from '../datacentre/types.ts'
import type { Call, Route } from './call.ts'
import { partOf } from './call.ts'
import { notFound } from './fault.ts'

/** Projects, zones, machine types and operations. Waiting for an operation is the front's, since it takes time. */
export const otherRoutes: readonly Route[] = [
  {
    operation: 'projects.get',
    run: ({ project }) => ({
      kind: 'compute#project',
      name: project.id,
      defaultServiceAccount: `1-compute@developer.gserviceaccount.com`,
      selfLink: project.url(`projects/${project.id}`),
    }),
  },
  { operation: 'machineTypes.get', run: machineType },
  { operation: 'machineTypes.list', run: machineTypes },
  { operation: 'zoneOperations.get', run: operation },
  { operation: 'zoneOperations.wait', run: operation },
  { operation: 'globalOperations.aggregatedList', run: aggregatedOperations },
  { operation: 'globalOperations.get', run: operation },
  { operation: 'globalOperations.wait', run: operation },
  { operation: 'regionOperations.wait', run: operation },
  { operation: 'zones.list', run: zones },
]

function operation(call: Call): object {
  return call.project.operations.get({ zone: partOf(call, 'zone'), region: partOf(call, 'region') }, partOf(call, 'operation'))
}

function aggregatedOperations({ project, query }: Call): object {
  const found = project.operations.list(query.get('filter') ?? '')
  const items = project.byZone(query, (zone) => {
    const operations = found.filter((item) => item.zone === zone).map(({ view }) => view)
    return operations.length === 0 ? undefined : { operations }
  })
  return { kind: 'compute#operationAggregatedList', id: `projects/${project.id}/aggregated/operations`, items }
}

function machineType(call: Call): object {
  const { project } = call
  const [zone, name] = [partOf(call, 'zone'), partOf(call, 'machineType')]
  project.needZone(zone)
  const type = project.dataCentre.catalogue.describeInstanceTypes().items.find(({ instanceType }) => instanceType === name)
  if (type === undefined) throw notFound(project.path(zone, 'machineTypes', name))
  return machineTypeView(call, zone, type)
}

function machineTypes(call: Call): object {
  const { project } = call
  const zone = partOf(call, 'zone')
  project.needZone(zone)
  const offered = project.dataCentre.catalogue.describeInstanceTypes().items.filter(({ notOfferedIn }) => !notOfferedIn.includes(zone))
  return {
    kind: 'compute#machineTypeList',
    id: project.path(zone, 'machineTypes', ''),
    items: offered.map((type) => machineTypeView(call, zone, type)),
  }
}

const machineTypeView = ({ project }: Call, zone: string, { instanceType: name, vcpus, memoryMiB, architecture }: InstanceType): object => ({
  kind: 'compute#machineType',
  name,
  guestCpus: vcpus,
  memoryMb: memoryMiB,
  architecture: architecture === 'arm64' ? 'ARM64' : 'X86_64',
  zone,
  selfLink: project.url(project.path(zone, 'machineTypes', name)),
})

/** A zone that has failed is down, and is listed all the same. */
function zones({ project }: Call): object {
  const items = project.dataCentre.network.describeZones().items.map(({ name, state }) => ({
    kind: 'compute#zone',
    name,
    status: state === 'available' ? 'UP' : 'DOWN',
    region: project.url(`projects/${project.id}/regions/${project.dataCentre.region}`),
  }))
  return { kind: 'compute#zoneList', id: `projects/${project.id}/zones`, items }
}
