import type { Call, Route } from './call.ts'
import { labelsIn, partOf, textIn } from './call.ts'
import { change } from './change.ts'
import { GoogleError, invalid, notReady, operationFailure, required, staleFingerprint } from './fault.ts'
import { matches } from './filter.ts'
import { insertInstance } from './insert-instance.ts'
import type { InstanceRecord } from './project.ts'
import { fingerprint } from './project.ts'
import { instanceView } from './views.ts'

/** What Compute Engine does with instances. */
export const instanceRoutes: readonly Route[] = [
  { operation: 'instances.get', run: (call) => instanceView(call.project, recordIn(call)) },
  { operation: 'instances.aggregatedList', run: aggregatedList },
  change('instances.insert', insertInstance),
  change('instances.start', (call) => power(call, 'start')),
  change('instances.resume', (call) => power(call, 'resume')),
  change('instances.stop', (call) => power(call, 'stop')),
  change('instances.suspend', (call) => power(call, 'suspend')),
  change('instances.delete', remove),
  change('instances.setMachineType', setMachineType),
  change('instances.setLabels', setLabels),
  change('instances.setDeletionProtection', setDeletionProtection),
]

export const recordIn = (call: Call): InstanceRecord =>
  call.project.instance(partOf(call, 'zone'), partOf(call, 'instance') || partOf(call, 'resource'))

/** One group per zone, also for those in which there is nothing: they carry a warning instead. */
function aggregatedList({ project, query }: Call): object {
  const filter = query.get('filter') ?? undefined
  const found = project.instances().filter((record) => matches(filter, record))
  const items = project.byZone(query, (zone) => {
    const instances = found.filter((record) => record.zone === zone).map((record) => instanceView(project, record))
    return instances.length === 0 ? undefined : { instances }
  })
  return { kind: 'compute#instanceAggregatedList', id: `projects/${project.id}/aggregated/instances`, items }
}

const arrives = { start: 'running', resume: 'running', stop: 'stopped', suspend: 'stopped' } as const

function power(call: Call, verb: keyof typeof arrives): object {
  const { project, requestId } = call
  const record = recordIn(call)
  const machine = project.machine(record)
  const { instances } = project.dataCentre
  const path = project.path(record.zone, 'instances', record.name)
  const target = { zone: record.zone, type: verb, target: `instances/${record.name}`, targetId: record.id }
  if (machine.state === 'pending' || machine.state === 'stopping' || machine.state === 'shutting-down') throw notReady(path)
  if (verb === 'resume' && !(machine.state === 'stopped' && machine.hibernated))
    throw invalid('resource', record.name, 'Instance must be in the SUSPENDED state to be resumed.')
  if (verb === 'start' && machine.state === 'stopped' && machine.hibernated)
    throw invalid('resource', record.name, 'A suspended instance is resumed, not started.')
  if (verb === 'start' && !record.disks.some(({ boot }) => boot))
    throw new GoogleError(400, 'invalidResourceUsage', `Invalid resource usage: 'The instance ${record.name} has no boot disk.'.`)
  if (verb === 'suspend' && machine.state !== 'running') throw notReady(path)
  try {
    if (verb === 'start' || verb === 'resume') instances.start([machine.instanceId])
    else if (machine.state === 'running') {
      // Suspending needs no preparation on Google; in the data centre a flag of the launch allows it.
      if (verb === 'suspend') machine.hibernationConfigured = true
      instances.stop([machine.instanceId], { hibernate: verb === 'suspend' })
      machine.hibernationConfigured = false
    }
  } catch (error) {
    machine.hibernationConfigured = false
    const failure = operationFailure(error, record.zone)
    if (failure === undefined) throw error
    return project.operations.begin(target, { requestId, failure })
  }
  const { generation } = machine
  const isDone = (): boolean => {
    const now = instances.get(record.instanceId)
    return now === undefined || now.generation !== generation || now.state === arrives[verb]
  }
  return project.operations.begin(target, { requestId, isDone })
}

function remove(call: Call): object {
  const { project, requestId } = call
  const record = recordIn(call)
  const machine = project.machine(record)
  if (machine.disableApiTermination)
    throw new GoogleError(400, 'invalidResourceUsage', "Invalid resource usage: 'Resource cannot be deleted if it's protected against deletion.'.")
  // What would come back by itself in EC2 does not on Google.
  if (machine.spot !== undefined) project.dataCentre.market.cancelSpotRequests([machine.spot.requestId])
  project.dataCentre.instances.terminate([record.instanceId])
  const isDone = (): boolean => !project.isThere(record)
  return project.operations.begin(
    { zone: record.zone, type: 'delete', target: `instances/${record.name}`, targetId: record.id },
    { requestId, isDone },
  )
}

function setMachineType(call: Call): object {
  const { project, body, requestId } = call
  const record = recordIn(call)
  const machine = project.machine(record)
  const given = textIn(body, 'machineType')
  if (given === undefined) throw required('resource.machineType')
  const [, zone, type = ''] = /(?:^|\/)zones\/([^/]+)\/machineTypes\/([^/]+)$/.exec(given) ?? []
  const isKnown = project.dataCentre.catalogue.describeInstanceTypes().items.some(({ instanceType }) => instanceType === type)
  if (zone !== record.zone || !isKnown) throw invalid('resource.machineType', given, 'The referenced resource does not exist.')
  if (machine.state !== 'stopped' || machine.hibernated)
    throw new GoogleError(400, 'resourceNotReady', `Changing the machine type of an instance requires it to be stopped: '${record.name}'`)
  // The data centre's own call keeps EC2's rules about spot instances, which Google does not have.
  machine.instanceType = type
  return project.operations.begin(
    { zone: record.zone, type: 'setMachineType', target: `instances/${record.name}`, targetId: record.id },
    { requestId },
  )
}

function setLabels(call: Call): object {
  const { project, body, requestId } = call
  const record = recordIn(call)
  if (textIn(body, 'labelFingerprint') !== fingerprint(record.labels)) throw staleFingerprint('Labels')
  record.labels = labelsIn(body['labels'], 'labels')
  return project.operations.begin({ zone: record.zone, type: 'setLabels', target: `instances/${record.name}`, targetId: record.id }, { requestId })
}

function setDeletionProtection(call: Call): object {
  const { project, query, requestId } = call
  const record = recordIn(call)
  const wanted = query.get('deletionProtection') ?? 'true'
  if (wanted !== 'true' && wanted !== 'false') throw invalid('deletionProtection', wanted)
  project.dataCentre.instances.modifyAttribute(record.instanceId, { attribute: 'disableApiTermination', value: wanted === 'true' })
  return project.operations.begin(
    { zone: record.zone, type: 'setDeletionProtection', target: `instances/${record.name}`, targetId: record.id },
    { requestId },
  )
}
