import type { JsonObject } from '@understudy/core'
import type { Instance } from '../datacentre/types.ts'
import { SimError } from '../datacentre/sim-error.ts'
import { allocationFailed, ArmError, armErrorOf } from './arm-error.ts'
import { type ArmCall, type ArmReply, at, isObject, listAt, need, needText, ok, oneOf, tagsOf, textAt } from './call.ts'
import { checkEtag, etagText } from './etag.ts'
import { begin } from './operations.ts'
import { plannedMaintenance } from './planned-maintenance.ts'
import { carryPublicIp } from './public-ips.ts'
import { type DiskRecord, failure, type NicRecord, type VmRecord } from './state.ts'
import { idOf, notFound } from './resource-id.ts'
import { checkPlacement, hostPlacement, hostView } from './host-groups.ts'
import { dropVolume, zoneNameOf } from './storage.ts'
import { seededImages } from '../datacentre/fixtures.ts'

export const vmType = 'Microsoft.Compute/virtualMachines'

export const vmIdOf = (call: ArmCall): string => idOf(call, vmType, call.params['name'] ?? '')

export function vmOf(call: ArmCall): VmRecord {
  const vm = call.state.vms.get(vmIdOf(call).toLowerCase())
  if (vm === undefined) throw notFound(vmIdOf(call))
  return vm
}

export const instanceOf = (call: ArmCall, vm: VmRecord): Instance | undefined =>
  vm.instanceId === undefined ? undefined : call.dataCentre.instances.get(vm.instanceId)

/** `PUT`: creates from disks and network interfaces that exist. Changing a VM is what `PATCH` is for. */
export async function putVm(call: ArmCall): Promise<ArmReply> {
  needText(call.body, 'location')
  needText(call.body, 'properties.hardwareProfile.vmSize')
  needText(call.body, 'properties.storageProfile.osDisk.createOption')
  oneOf(call.body, 'properties.storageProfile.osDisk.createOption', ['Attach', 'FromImage', 'Empty'])
  checkSpot(call)
  checkPlacement(call.body)
  return await call.dataCentre.invoke('VirtualMachines_Put', () => {
    const existing = call.state.vms.get(vmIdOf(call).toLowerCase())
    checkEtag(call, existing?.etag)
    if (existing !== undefined) throw new ArmError(409, 'PropertyChangeNotAllowed', "Changing property 'osDisk.createOption' is not allowed.")
    const osDisk = diskNamed(call, needText(call.body, 'properties.storageProfile.osDisk.managedDisk.id'))
    const dataDisks = listAt(call.body, 'properties.storageProfile.dataDisks').map((entry) => ({
      lun: Number(need(entry, 'lun')),
      deletes: textAt(entry, 'deleteOption') === 'Delete',
      disk: diskNamed(call, needText(entry, 'managedDisk.id')),
    }))
    const nics = listAt(call.body, 'properties.networkProfile.networkInterfaces').map((entry) => nicNamed(call, needText(entry, 'id')))
    if (nics.length === 0) throw new ArmError(400, 'InvalidParameter', "Required parameter 'networkProfile' is missing (null).")
    return create(call, { osDisk, dataDisks, nics })
  })
}

function checkSpot(call: ArmCall): void {
  const isSpot = textAt(call.body, 'properties.priority') === 'Spot'
  if (isSpot && at(call.body, 'properties.additionalCapabilities.hibernationEnabled') === true) {
    throw new ArmError(400, 'OperationNotAllowed', 'Hibernation is not supported for Azure Spot Virtual Machines.')
  }
  if (!isSpot && at(call.body, 'properties.evictionPolicy') !== undefined) {
    throw new ArmError(400, 'InvalidParameter', 'Eviction policy can be set only on Azure Spot Virtual Machines.')
  }
}

interface Parts {
  readonly osDisk: DiskRecord
  readonly dataDisks: readonly { readonly lun: number; readonly deletes: boolean; readonly disk: DiskRecord }[]
  readonly nics: readonly NicRecord[]
}

function diskNamed(call: ArmCall, id: string): DiskRecord {
  return freeDisk(call, id, textAt(call.body, 'zones.0'))
}

/** A disk that can be plugged into a VM of this zone. */
export function freeDisk(call: ArmCall, id: string, zone: string | undefined): DiskRecord {
  const disk = call.state.disks.get(id.toLowerCase())
  if (disk === undefined) throw notFound(id)
  if (disk.managedBy !== undefined)
    throw new ArmError(409, 'AttachDiskWhileBeingAttached', `Disk ${disk.name} is already attached to VM ${disk.managedBy}.`)
  if (disk.zone !== zone) throw new ArmError(400, 'BadRequest', `Disk ${disk.name} cannot be attached: it is not in the zone of the VM.`)
  return disk
}

function nicNamed(call: ArmCall, id: string): NicRecord {
  const nic = call.state.nics.get(id.toLowerCase())
  if (nic === undefined) throw notFound(id)
  if (nic.vmId !== undefined) throw new ArmError(400, 'NicInUse', `Network Interface ${nic.id} is used by existing resource ${nic.vmId}.`)
  return nic
}

/** Those that come when the machine is being allocated, long after the request was accepted. */
const allocationRefusals: ReadonlySet<string> = new Set(['AllocationFailed', 'OverconstrainedAllocationRequest'])

/** The resource exists from now on, whether or not there was room for it: then its operation fails and it stays as `Failed`. */
function create(call: ArmCall, parts: Parts): ArmReply {
  let instanceId: string | undefined
  let refusal: ArmError | undefined
  try {
    instanceId = launch(call, parts)
  } catch (error) {
    if (!(error instanceof SimError)) throw error
    refusal = armErrorOf(error)
    if (!allocationRefusals.has(refusal.code)) throw error
  }
  const vm: VmRecord = {
    id: vmIdOf(call),
    name: call.params['name'] ?? '',
    vmId: call.state.newId(),
    location: needText(call.body, 'location'),
    zone: textAt(call.body, 'zones.0'),
    createdAtMs: call.dataCentre.now(),
    properties: withDiskNames(need(call.body, 'properties') as JsonObject, parts), // checked member by member before
    identity: isObject(call.body['identity']) ? call.body['identity'] : undefined,
    tags: tagsOf(call.body),
    etag: 1,
    instanceId,
    deleting: false,
    updating: false,
  }
  call.state.vms.set(vm.id.toLowerCase(), vm)
  for (const { disk } of [{ disk: parts.osDisk }, ...parts.dataDisks]) disk.managedBy = vm.id
  for (const nic of parts.nics) {
    nic.vmId = vm.id
    carryPublicIp(call, nic)
  }
  const progress = refusal === undefined ? until(call, vm, 'running') : failure(refusal)
  return begin(call, progress, { status: 201, body: vmBody(call, vm) })
}

/** ARM names the disks that were attached by their ids alone. */
function withDiskNames(properties: JsonObject, { osDisk, dataDisks }: Parts): JsonObject {
  const entries = listAt(properties, 'storageProfile.dataDisks')
  return {
    ...properties,
    storageProfile: {
      ...(at(properties, 'storageProfile') as JsonObject), // checked before
      osDisk: { ...(at(properties, 'storageProfile.osDisk') as JsonObject), name: osDisk.name }, // checked before
      dataDisks: entries.map((entry, index) => ({ ...entry, name: dataDisks[index]?.disk.name ?? '' })),
    },
  }
}

export const osDevice = '/dev/sda1'
export const deviceOf = (lun: number): string => `/dev/sd${String.fromCharCode(102 + lun)}`

/** The data centre makes the volumes of an instance itself, from the same snapshots as the disks' own; those take their place. */
function launch(call: ArmCall, { osDisk, dataDisks }: Parts): string {
  const body = call.body
  const userData = textAt(body, 'properties.userData')
  const root = {
    deviceName: osDevice,
    sizeGiB: osDisk.sizeGiB,
    deleteOnTermination: textAt(body, 'properties.storageProfile.osDisk.deleteOption') === 'Delete',
  }
  const { instances } = call.dataCentre.instances.run({
    imageId: seededImages.ubuntu,
    instanceType: needText(body, 'properties.hardwareProfile.vmSize'),
    minCount: 1,
    maxCount: 1,
    zone: zoneNameOf(call, textAt(body, 'zones.0')),
    blockDevices: [
      { ...root, ...fromSnapshot(osDisk) },
      ...dataDisks.map(({ lun, disk, deletes }) => ({
        deviceName: deviceOf(lun),
        sizeGiB: disk.sizeGiB,
        deleteOnTermination: deletes,
        ...fromSnapshot(disk),
      })),
    ],
    ...hostPlacement(body),
    ...(userData === undefined ? {} : { userData }),
    ...(textAt(body, 'properties.priority') === 'Spot' ? { spot: evictionOf(body) } : {}),
    hibernationConfigured: at(body, 'properties.additionalCapabilities.hibernationEnabled') === true,
    tags: { instance: tagsOf(body) },
  })
  const [instance] = instances
  if (instance === undefined) throw new Error('one instance was asked for and none came')
  for (const [disk, deviceName] of [[osDisk, osDevice] as const, ...dataDisks.map(({ disk, lun }) => [disk, deviceOf(lun)] as const)]) {
    dropVolume(call, disk.volumeId)
    disk.volumeId = instance.blockDevices.find((device) => device.deviceName === deviceName)?.volumeId ?? disk.volumeId
  }
  return instance.instanceId
}

/** An evicted machine keeps its disks unless its policy says otherwise. */
const evictionOf = (body: JsonObject) =>
  textAt(body, 'properties.evictionPolicy') === 'Delete'
    ? ({ kind: 'one-time', interruptionBehavior: 'terminate' } as const)
    : ({ kind: 'persistent', interruptionBehavior: 'stop' } as const)

const fromSnapshot = (disk: DiskRecord): { snapshotId?: string } => (disk.snapshotId === undefined ? {} : { snapshotId: disk.snapshotId })

/** An operation that ends when the instance is in this state, and fails when it can no longer get there. */
export const until = (call: ArmCall, vm: VmRecord, wanted: 'running' | 'stopped' | 'terminated') => () => {
  const instance = instanceOf(call, vm)
  const state = instance?.state ?? 'terminated'
  if (state === wanted) return 'Succeeded' as const
  if (wanted === 'running' && (state === 'terminated' || (state === 'stopped' && instance?.stateReason?.code.startsWith('Server.') === true))) {
    return allocationFailed().body
  }
  return 'InProgress' as const
}

const powerStates: Readonly<Record<Instance['state'], string>> = {
  pending: 'starting',
  running: 'running',
  'shutting-down': 'deallocating',
  terminated: 'deallocated',
  stopping: 'deallocating',
  stopped: 'deallocated',
}

export function instanceViewOf(call: ArmCall, vm: VmRecord): JsonObject {
  const instance = instanceOf(call, vm)
  const provisioning = instance === undefined ? 'failed/AllocationFailed' : vm.deleting ? 'deleting' : vm.updating ? 'updating' : 'succeeded'
  const statuses: JsonObject[] = [{ code: `ProvisioningState/${provisioning}`, level: instance === undefined ? 'Error' : 'Info' }]
  if (instance !== undefined)
    statuses.push({ code: `PowerState/${powerStates[instance.state]}`, level: 'Info', displayStatus: `VM ${powerStates[instance.state]}` })
  const hosts = instance === undefined ? {} : hostView(instance)
  if (instance?.hibernated === true && instance.state === 'stopped') statuses.push({ code: 'HibernationState/Hibernated', level: 'Info' })
  return { ...hosts, statuses, ...(instance === undefined ? {} : plannedMaintenance(instance)) }
}

/** `instanceView` and `userData` are part of the answer only when they are asked for; each has a call of its own. */
export function vmBody(call: ArmCall, vm: VmRecord, expand?: string | null): JsonObject {
  const { userData, ...properties } = vm.properties
  const instance = instanceOf(call, vm)
  return {
    id: vm.id,
    name: vm.name,
    type: vmType,
    location: vm.location,
    ...(vm.zone === undefined ? {} : { zones: [vm.zone] }),
    ...(vm.identity === undefined ? {} : { identity: vm.identity }),
    tags: vm.tags,
    etag: etagText(vm.etag),
    properties: {
      ...properties,
      hardwareProfile: { vmSize: instance?.instanceType ?? textAt(vm.properties, 'hardwareProfile.vmSize') ?? '' },
      vmId: vm.vmId,
      provisioningState:
        instance === undefined ? 'Failed' : vm.deleting ? 'Deleting' : instance.state === 'pending' || vm.updating ? 'Updating' : 'Succeeded',
      timeCreated: new Date(vm.createdAtMs).toISOString(),
      ...(expand === 'userData' && userData !== undefined ? { userData } : {}),
      ...(expand === 'instanceView' ? { instanceView: instanceViewOf(call, vm) } : {}),
    },
  }
}

export const getVm = (call: ArmCall): Promise<ArmReply> =>
  call.dataCentre.invoke('VirtualMachines_Get', () => {
    const expand = call.query.get('$expand')
    if (expand !== null && expand !== 'instanceView' && expand !== 'userData') {
      throw new ArmError(400, 'InvalidParameter', `The value '${expand}' of the query parameter $expand is not supported.`)
    }
    return ok(vmBody(call, vmOf(call), expand))
  })

export const listVms = (call: ArmCall): Promise<ArmReply> =>
  call.dataCentre.invoke('VirtualMachines_ListAll', () => {
    const expand = call.query.get('statusOnly') === 'true' ? 'instanceView' : undefined
    return ok({ value: [...call.state.vms.values()].map((vm) => vmBody(call, vm, expand)) })
  })
