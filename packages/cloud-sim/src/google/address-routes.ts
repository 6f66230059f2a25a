import type { Call, Route } from './call.ts'
import { partOf, textIn } from './call.ts'
import { change } from './change.ts'
import { GoogleError, invalid, notFound } from './fault.ts'
import type { AddressRecord, Project } from './project.ts'

/** Reserved external addresses, and the access configurations by which instances have an external address. */
export const addressRoutes: readonly Route[] = [
  { operation: 'addresses.get', run: (call) => view(call.project, addressIn(call)) },
  change('instances.deleteAccessConfig', deleteAccessConfig),
  change('instances.addAccessConfig', addAccessConfig),
]

function addressIn(call: Call): AddressRecord {
  const name = partOf(call, 'address')
  const found = call.project.addresses.find((address) => address.name === name)
  if (found === undefined) throw notFound(`projects/${call.project.id}/regions/${partOf(call, 'region')}/addresses/${name}`)
  return found
}

const reserved = (project: Project, { allocationId }: AddressRecord) =>
  project.dataCentre.network.describeAddresses().items.find((address) => address.allocationId === allocationId)

function view(project: Project, record: AddressRecord): object {
  const address = reserved(project, record)
  const user = project.instances().find(({ instanceId }) => instanceId === address?.instanceId)
  return {
    kind: 'compute#address',
    id: record.id,
    name: record.name,
    address: address?.publicIp ?? '',
    addressType: 'EXTERNAL',
    networkTier: 'PREMIUM',
    status: user === undefined ? 'RESERVED' : 'IN_USE',
    region: project.url(`projects/${project.id}/regions/${project.dataCentre.region}`),
    ...(user === undefined ? {} : { users: [project.url(project.path(user.zone, 'instances', user.name))] }),
  }
}

function deleteAccessConfig(call: Call): object {
  const { project, query, requestId } = call
  const record = project.instance(partOf(call, 'zone'), partOf(call, 'instance'))
  const machine = project.machine(record)
  const name = query.get('accessConfig') ?? ''
  if (query.get('networkInterface') !== 'nic0') throw invalid('networkInterface', query.get('networkInterface'))
  if (name !== 'External NAT' || machine.publicIp === undefined) throw notFound(`${project.path(record.zone, 'instances', record.name)}/${name}`)
  const { network } = project.dataCentre
  const bound = network.describeAddresses().items.find(({ instanceId }) => instanceId === record.instanceId)
  if (bound?.associationId !== undefined) network.disassociateAddress(bound.associationId)
  else delete machine.publicIp
  record.hasExternalAddress = false
  return project.operations.begin(
    { zone: record.zone, type: 'deleteAccessConfig', target: `instances/${record.name}`, targetId: record.id },
    { requestId },
  )
}

function addAccessConfig(call: Call): object {
  const { project, query, body, requestId } = call
  const record = project.instance(partOf(call, 'zone'), partOf(call, 'instance'))
  if (query.get('networkInterface') !== 'nic0') throw invalid('networkInterface', query.get('networkInterface'))
  if (project.machine(record).publicIp !== undefined) throw new GoogleError(400, 'invalid', 'At most one access config currently supported.')
  const natIp = textIn(body, 'natIP')
  const address = project.dataCentre.network.describeAddresses().items.find(({ publicIp }) => publicIp === natIp)
  if (address === undefined) throw invalid('resource.natIP', natIp, 'The specified external IP address was not found.')
  if (address.associationId !== undefined)
    throw new GoogleError(400, 'invalidResourceUsage', `Invalid resource usage: 'External IP address: ${natIp} is already in-use.'.`)
  project.dataCentre.network.associateAddress({ allocationId: address.allocationId, instanceId: record.instanceId })
  record.hasExternalAddress = true
  return project.operations.begin(
    { zone: record.zone, type: 'addAccessConfig', target: `instances/${record.name}`, targetId: record.id },
    { requestId },
  )
}
