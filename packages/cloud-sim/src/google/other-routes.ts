import type { Call, Route } from './call.ts'
import { labelsIn, partOf, textIn } from './call.ts'
import { notFound, staleFingerprint } from './fault.ts'
import { matches } from './filter.ts'
import { change } from './instance-routes.ts'
import { fingerprint } from './project.ts'
import { diskView } from './views.ts'

/** Projects, machine types, operations and disks. Waiting for an operation is the front's, since it takes time. */
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
  { operation: 'zoneOperations.get', run: operation },
  { operation: 'zoneOperations.wait', run: operation },
  { operation: 'globalOperations.wait', run: operation },
  { operation: 'disks.get', run: (call) => diskView(call.project, call.project.disk(partOf(call, 'zone'), partOf(call, 'disk'))) },
  { operation: 'disks.aggregatedList', run: aggregatedDisks },
  change('disks.setLabels', setDiskLabels),
]

function operation(call: Call): object {
  return call.project.operations.get(partOf(call, 'zone'), partOf(call, 'operation'))
}

function machineType(call: Call): object {
  const { project } = call
  const [zone, name] = [partOf(call, 'zone'), partOf(call, 'machineType')]
  project.needZone(zone)
  const type = project.dataCentre.catalogue.describeInstanceTypes().items.find(({ instanceType }) => instanceType === name)
  if (type === undefined) throw notFound(project.path(zone, 'machineTypes', name))
  return {
    kind: 'compute#machineType',
    name,
    guestCpus: type.vcpus,
    memoryMb: type.memoryMiB,
    zone,
    selfLink: project.url(project.path(zone, 'machineTypes', name)),
  }
}

function aggregatedDisks({ project, query }: Call): object {
  const filter = query.get('filter') ?? undefined
  const zones = project.dataCentre.network.describeZones().items.map(({ name }) => name)
  const found = project.disks().filter((record) => matches(filter, record))
  const items = zones.map((zone) => {
    const disks = found.filter((record) => record.zone === zone).map((record) => diskView(project, record))
    const warning = { code: 'NO_RESULTS_ON_PAGE', message: `There are no results for scope 'zones/${zone}' on this page.` }
    return [`zones/${zone}`, disks.length === 0 ? { warning } : { disks }] as const
  })
  return { kind: 'compute#diskAggregatedList', id: `projects/${project.id}/aggregated/disks`, items: Object.fromEntries(items) }
}

function setDiskLabels(call: Call): object {
  const { project, body, requestId } = call
  const record = project.disk(partOf(call, 'zone'), partOf(call, 'resource'))
  if (textIn(body, 'labelFingerprint') !== fingerprint(record.labels)) throw staleFingerprint('Labels')
  record.labels = labelsIn(body['labels'], 'labels')
  return project.operations.begin({ zone: record.zone, type: 'setLabels', target: `disks/${record.name}`, targetId: record.id }, { requestId })
}
