import type { JsonObject } from '@understudy/core'
import { ArmError } from './arm-error.ts'
import { type ArmCall, type ArmReply, type ArmWorld, listAt, need, needText, ok, tagsOf, textAt } from './call.ts'
import { followPools } from './load-balancers.ts'
import { checkEtag, etagText } from './etag.ts'
import { bindPublicIp, checkPublicIp } from './public-ips.ts'
import { checkSecurityGroup } from './security-groups.ts'
import type { NicRecord } from './state.ts'
import { idOf, notFound } from './resource-id.ts'

const type = 'Microsoft.Network/networkInterfaces'
/** Of the VM that has the interface, not of the interface: deleted by itself, it leaves its address. */
export const addressDeleteOption = 'ipConfigurations.0.properties.publicIPAddress.properties.deleteOption'

export async function putNic(call: ArmCall): Promise<ArmReply> {
  const id = idOf(call, type, call.params['name'] ?? '')
  const location = needText(call.body, 'location')
  const properties = need(call.body, 'properties') as JsonObject // an object; its members are checked one by one
  needText(call.body, 'properties.ipConfigurations.0.properties.subnet.id')
  return await call.dataCentre.invoke('NetworkInterfaces_CreateOrUpdate', () => {
    checkSecurityGroup(call, id, properties)
    const existing = call.state.nics.get(id.toLowerCase())
    if (existing !== undefined) {
      checkEtag(call, existing.etag)
      const publicIp = checkPublicIp(call, existing.id, properties)
      existing.properties = properties
      existing.tags = tagsOf(call.body)
      existing.etag += 1
      bindPublicIp(call, existing, publicIp)
      followPools(call, existing)
      return ok(nicBody(existing))
    }
    const nic: NicRecord = {
      id,
      name: call.params['name'] ?? '',
      location,
      privateIp: call.state.nextPrivateIp(),
      createdAtMs: call.dataCentre.now(),
      properties,
      tags: tagsOf(call.body),
      etag: 1,
      vmId: undefined,
    }
    const publicIp = checkPublicIp(call, id, properties)
    call.state.nics.set(id.toLowerCase(), nic)
    bindPublicIp(call, nic, publicIp)
    followPools(call, nic)
    return ok(nicBody(nic), 201)
  })
}

function nicBody(nic: NicRecord): JsonObject {
  const given = 'ipConfigurations.0.properties'
  const subnet = textAt(nic.properties, `${given}.subnet.id`) ?? ''
  const publicIp = textAt(nic.properties, `${given}.publicIPAddress.id`)
  const deleteOption = textAt(nic.properties, addressDeleteOption)
  const pools = listAt(nic.properties, `${given}.loadBalancerBackendAddressPools`)
  return {
    id: nic.id,
    name: nic.name,
    type,
    location: nic.location,
    tags: nic.tags,
    etag: etagText(nic.etag),
    properties: {
      ...nic.properties,
      provisioningState: 'Succeeded',
      ipConfigurations: [
        {
          id: `${nic.id}/ipConfigurations/primary`,
          name: 'primary',
          properties: {
            privateIPAddress: nic.privateIp,
            privateIPAllocationMethod: 'Dynamic',
            primary: true,
            provisioningState: 'Succeeded',
            subnet: { id: subnet },
            ...(publicIp === undefined
              ? {}
              : { publicIPAddress: { id: publicIp, ...(deleteOption === undefined ? {} : { properties: { deleteOption } }) } }),
            ...(pools.length === 0 ? {} : { loadBalancerBackendAddressPools: pools.map(({ id }) => ({ id: id ?? '' })) }),
          },
        },
      ],
      ...(nic.vmId === undefined ? {} : { virtualMachine: { id: nic.vmId } }),
    },
  }
}

export const getNic = (call: ArmCall): Promise<ArmReply> =>
  call.dataCentre.invoke('NetworkInterfaces_Get', () => {
    const id = idOf(call, type, call.params['name'] ?? '')
    const nic = call.state.nics.get(id.toLowerCase())
    if (nic === undefined) throw notFound(id)
    return ok(nicBody(nic))
  })

export const deleteNic = (call: ArmCall): Promise<ArmReply> =>
  call.dataCentre.invoke('NetworkInterfaces_Delete', () => {
    const id = idOf(call, type, call.params['name'] ?? '')
    const nic = call.state.nics.get(id.toLowerCase())
    if (nic === undefined) return { status: 204 }
    if (nic.vmId !== undefined) throw new ArmError(400, 'NicInUse', `Network Interface ${nic.id} is used by existing resource ${nic.vmId}.`)
    forgetNic(call, nic)
    return { status: 200 }
  })

/** What named the interface names it no more. */
export function forgetNic(call: ArmWorld, nic: NicRecord): void {
  nic.properties = {}
  bindPublicIp(call, nic, undefined)
  followPools(call, nic)
  call.state.nics.delete(nic.id.toLowerCase())
}

export const listNics = (call: ArmCall): Promise<ArmReply> =>
  call.dataCentre.invoke('NetworkInterfaces_List', () => ok({ value: [...call.state.nics.values()].map(nicBody) }))
