import type { JsonObject } from '@understudy/core'
import { ArmError } from './arm-error.ts'
import { type ArmCall, type ArmReply, type ArmWorld, needText, ok, tagsOf, textAt } from './call.ts'
import { etagText } from './etag.ts'
import type { NicRecord, PublicIpRecord } from './state.ts'
import { idOf, notFound } from './resource-id.ts'

const type = 'Microsoft.Network/publicIPAddresses'

export async function putPublicIp(call: ArmCall): Promise<ArmReply> {
  const location = needText(call.body, 'location')
  return await call.dataCentre.invoke('PublicIPAddresses_CreateOrUpdate', () => {
    const id = idOf(call, type, call.params['name'] ?? '')
    const existing = call.state.publicIps.get(id.toLowerCase())
    if (existing !== undefined) {
      existing.tags = tagsOf(call.body)
      return ok(publicIpBody(existing))
    }
    const { allocationId, publicIp } = call.dataCentre.network.allocateAddress()
    const record: PublicIpRecord = {
      id,
      name: call.params['name'] ?? '',
      location,
      sku: textAt(call.body, 'sku.name') ?? 'Standard',
      ip: publicIp,
      allocationId,
      tags: tagsOf(call.body),
      nicId: undefined,
    }
    call.state.publicIps.set(id.toLowerCase(), record)
    return ok(publicIpBody(record), 201)
  })
}

export const getPublicIp = (call: ArmCall): Promise<ArmReply> =>
  call.dataCentre.invoke('PublicIPAddresses_Get', () => {
    const id = idOf(call, type, call.params['name'] ?? '')
    const record = call.state.publicIps.get(id.toLowerCase())
    if (record === undefined) throw notFound(id)
    return ok(publicIpBody(record))
  })

export const listPublicIps = (call: ArmCall): Promise<ArmReply> =>
  call.dataCentre.invoke('PublicIPAddresses_ListAll', () => ok({ value: [...call.state.publicIps.values()].map(publicIpBody) }))

export const deletePublicIp = (call: ArmCall): Promise<ArmReply> =>
  call.dataCentre.invoke('PublicIPAddresses_Delete', () => {
    const id = idOf(call, type, call.params['name'] ?? '')
    const record = call.state.publicIps.get(id.toLowerCase())
    if (record === undefined) return { status: 204 }
    if (record.nicId !== undefined)
      throw new ArmError(
        400,
        'PublicIPAddressCannotBeDeleted',
        `Public IP address ${id} can not be deleted since it is still allocated to resource ${record.nicId}/ipConfigurations/primary.`,
      )
    releasePublicIp(call, record)
    return { status: 200 }
  })

/** It is nobody's by now. */
export function releasePublicIp(call: ArmWorld, record: PublicIpRecord): void {
  call.dataCentre.network.releaseAddress(record.allocationId)
  call.state.publicIps.delete(record.id.toLowerCase())
}

const publicIpBody = (record: PublicIpRecord): JsonObject => ({
  id: record.id,
  name: record.name,
  type,
  location: record.location,
  tags: record.tags,
  sku: { name: record.sku, tier: 'Regional' },
  etag: etagText(1),
  properties: {
    provisioningState: 'Succeeded',
    publicIPAllocationMethod: 'Static',
    publicIPAddressVersion: 'IPv4',
    ipAddress: record.ip,
    ...(record.nicId === undefined ? {} : { ipConfiguration: { id: `${record.nicId}/ipConfigurations/primary` } }),
  },
})

/** Which address a network interface asks for. Bound to another one it cannot be had: that one has to let go first. */
export function checkPublicIp(call: ArmCall, nicId: string, properties: JsonObject): PublicIpRecord | undefined {
  const id = textAt(properties, 'ipConfigurations.0.properties.publicIPAddress.id')
  if (id === undefined) return undefined
  const record = call.state.publicIps.get(id.toLowerCase())
  if (record === undefined) throw new ArmError(400, 'InvalidResourceReference', `Resource ${id} referenced by resource ${nicId} was not found.`)
  if (record.nicId !== undefined && record.nicId !== nicId) {
    throw new ArmError(
      400,
      'PublicIPAddressInUse',
      `Resource ${nicId}/ipConfigurations/primary is referencing public IP address ${record.id} that is already allocated to resource ${record.nicId}/ipConfigurations/primary.`,
    )
  }
  return record
}

export function bindPublicIp(call: ArmWorld, nic: NicRecord, wanted: PublicIpRecord | undefined): void {
  for (const record of call.state.publicIps.values()) {
    if (record.nicId !== nic.id || record === wanted) continue
    record.nicId = undefined
    const [address] = call.dataCentre.network.describeAddresses({ ids: [record.allocationId] }).items
    if (address?.associationId !== undefined) call.dataCentre.network.disassociateAddress(address.associationId)
  }
  if (wanted === undefined) return
  wanted.nicId = nic.id
  carryPublicIp(call, nic)
}

/** Traffic to the address reaches the instance behind the interface, once there is one. */
export function carryPublicIp(call: ArmWorld, nic: NicRecord): void {
  const record = [...call.state.publicIps.values()].find(({ nicId }) => nicId === nic.id)
  const instanceId = nic.vmId === undefined ? undefined : call.state.vms.get(nic.vmId.toLowerCase())?.instanceId
  const instance = instanceId === undefined ? undefined : call.dataCentre.instances.get(instanceId)
  const networkInterfaceId = instance?.nics[0]?.networkInterfaceId
  if (record === undefined || networkInterfaceId === undefined || instance?.state === 'terminated' || instance?.state === 'shutting-down') return
  call.dataCentre.network.associateAddress({ allocationId: record.allocationId, networkInterfaceId, allowReassociation: true })
}
