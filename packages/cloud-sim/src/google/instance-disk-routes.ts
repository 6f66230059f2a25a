import type { Instance } from '../datacentre/types.ts'
import type { Call, Route } from './call.ts'
import { lastPart, textIn } from './call.ts'
import { change } from './change.ts'
import { GoogleError, invalid, notReady, required } from './fault.ts'
import { recordIn } from './instance-routes.ts'
import type { DiskRecord, InstanceRecord } from './project.ts'

/** Disks of an instance that exists. There is no exchange of a boot disk: it leaves a stopped instance, and another one comes. */
export const instanceDiskRoutes: readonly Route[] = [
  change('instances.attachDisk', attachDisk),
  change('instances.detachDisk', detachDisk),
  change('instances.setDiskAutoDelete', setDiskAutoDelete),
]

const unusable = (why: string): GoogleError => new GoogleError(400, 'invalidResourceUsage', `Invalid resource usage: '${why}'.`)

/** What an instance on its way between states, or with its memory kept, does not let happen to its disks. */
function settledMachine(call: Call, record: InstanceRecord): Instance {
  const machine = call.project.machine(record)
  const isSuspended = machine.state === 'stopped' && machine.hibernated
  if (isSuspended || (machine.state !== 'running' && machine.state !== 'stopped'))
    throw notReady(call.project.path(record.zone, 'instances', record.name))
  return machine
}

const deviceOf = (machine: Instance, boot: boolean, deviceName: string): string => (boot ? machine.rootDeviceName : deviceName)

function attachDisk(call: Call): object {
  const { project, body, requestId } = call
  const record = recordIn(call)
  const machine = settledMachine(call, record)
  const disk = sourceIn(call, record)
  const boot = body['boot'] === true
  const deviceName = textIn(body, 'deviceName') ?? `persistent-disk-${record.disks.length}`
  if (!/^[a-z0-9]([-_.a-z0-9]{0,61}[a-z0-9])?$/i.test(deviceName)) throw invalid('resource.deviceName', deviceName)
  if (record.disks.some((present) => present.deviceName === deviceName))
    throw invalid('resource.deviceName', deviceName, 'The device name is already in use by a disk of the instance.')
  const mode = textIn(body, 'mode') ?? 'READ_WRITE'
  if (mode !== 'READ_WRITE' && mode !== 'READ_ONLY') throw invalid('resource.mode', mode)
  if (boot && mode === 'READ_ONLY') throw unusable('Boot disks must be attached in READ_WRITE mode.')
  if (boot && machine.state !== 'stopped') throw unusable('To attach a boot disk, the instance must be in TERMINATED state.')
  if (boot && record.disks.some((present) => present.boot)) throw unusable('The instance already has a boot disk.')
  const [user] = project.usersOf(disk)
  if (user !== undefined) {
    const [what, by] = [project.path(disk.zone, 'disks', disk.name), project.path(user.zone, 'instances', user.name)]
    throw new GoogleError(400, 'resourceInUseByAnotherResource', `The disk resource '${what}' is already being used by '${by}'`)
  }
  const { storage, instances } = project.dataCentre
  const device = deviceOf(machine, boot, deviceName)
  storage.attach({ volumeId: disk.volumeId, instanceId: machine.instanceId, device })
  const autoDelete = body['autoDelete'] === true
  instances.modifyAttribute(machine.instanceId, { attribute: 'deleteOnTermination', value: { [device]: autoDelete } })
  const entry = { name: disk.name, boot, autoDelete, deviceName, readOnly: mode === 'READ_ONLY' }
  // The boot disk is the first of the list whenever it came.
  record.disks = boot ? [entry, ...record.disks] : [...record.disks, entry]
  const isDone = (): boolean => storage.getVolume(disk.volumeId)?.attachment?.state !== 'attaching'
  return project.operations.begin(targetOf(record, 'attachDisk'), { requestId, isDone })
}

/** A disk of the instance's zone that is there, by its URL or a part of it. */
function sourceIn({ project, body }: Call, record: InstanceRecord): DiskRecord {
  const source = textIn(body, 'source')
  if (source === undefined) throw required('resource.source')
  const [, zone] = /(?:^|\/)zones\/([^/]+)\/disks\/[^/]+$/.exec(source) ?? []
  if (zone === undefined) throw invalid('resource.source', source, 'The URL is malformed.')
  const disk = project.disk(zone, lastPart(source))
  if (zone !== record.zone) throw invalid('resource.source', source, `The disk must be in the zone '${record.zone}' of the instance.`)
  return disk
}

function detachDisk(call: Call): object {
  const { project, requestId } = call
  const record = recordIn(call)
  const machine = settledMachine(call, record)
  const entry = entryIn(call, record)
  if (entry.boot && machine.state !== 'stopped') throw unusable('To detach the boot disk, the instance must be in TERMINATED state.')
  const { volumeId } = project.disk(record.zone, entry.name)
  const { storage } = project.dataCentre
  storage.detach({ volumeId, instanceId: machine.instanceId, device: deviceOf(machine, entry.boot, entry.deviceName) })
  const isDone = (): boolean => {
    if (storage.getVolume(volumeId)?.attachment !== undefined) return false
    record.disks = record.disks.filter((present) => present !== entry)
    return true
  }
  return project.operations.begin(targetOf(record, 'detachDisk'), { requestId, isDone })
}

function setDiskAutoDelete(call: Call): object {
  const { project, query, requestId } = call
  const record = recordIn(call)
  const wanted = query.get('autoDelete')
  if (wanted === null) throw required('autoDelete')
  if (wanted !== 'true' && wanted !== 'false') throw invalid('autoDelete', wanted)
  const machine = project.machine(record)
  const entry = entryIn(call, record)
  const autoDelete = wanted === 'true'
  const value = { [deviceOf(machine, entry.boot, entry.deviceName)]: autoDelete }
  project.dataCentre.instances.modifyAttribute(machine.instanceId, { attribute: 'deleteOnTermination', value })
  record.disks = record.disks.map((present) => (present === entry ? { ...present, autoDelete } : present))
  return project.operations.begin(targetOf(record, 'setDiskAutoDelete'), { requestId })
}

function entryIn({ query }: Call, record: InstanceRecord) {
  const deviceName = query.get('deviceName')
  if (deviceName === null || deviceName === '') throw required('deviceName')
  const entry = record.disks.find((present) => present.deviceName === deviceName)
  if (entry === undefined) throw invalid('deviceName', deviceName, 'No attached disk found with the device name.')
  return entry
}

const targetOf = (record: InstanceRecord, type: string) => ({ zone: record.zone, type, target: `instances/${record.name}`, targetId: record.id })
