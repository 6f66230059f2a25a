import type { JsonObject } from '@understudy/core'
import { ArmError } from './arm-error.ts'
import { type ArmCall, type ArmReply, headerOf, need, needText, ok, tagsOf, textAt } from './call.ts'
import type { NicRecord } from './state.ts'
import { idOf, notFound } from './storage.ts'

const type = 'Microsoft.Network/networkInterfaces'

export async function putNic(call: ArmCall): Promise<ArmReply> {
  const id = idOf(call, type, call.params['name'] ?? '')
  const location = needText(call.body, 'location')
  const properties = need(call.body, 'properties') as JsonObject // an object; its members are checked one by one
  needText(call.body, 'properties.ipConfigurations.0.properties.subnet.id')
  return await call.dataCentre.invoke('NetworkInterfaces_CreateOrUpdate', () => {
    const existing = call.state.nics.get(id.toLowerCase())
    if (existing !== undefined) {
      checkEtag(call, existing.etag)
      existing.properties = properties
      existing.tags = tagsOf(call.body)
      existing.etag += 1
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
    call.state.nics.set(id.toLowerCase(), nic)
    return ok(nicBody(nic), 201)
  })
}

/** ARM's preconditions: `*` in If-None-Match makes a PUT create-only. */
export function checkEtag(call: ArmCall, etag: number | undefined): void {
  const ifMatch = headerOf(call, 'if-match')
  const failed =
    (headerOf(call, 'if-none-match') === '*' && etag !== undefined) || (ifMatch !== undefined && ifMatch !== '*' && ifMatch !== etagText(etag ?? 0))
  if (failed)
    throw new ArmError(
      412,
      'PreconditionFailed',
      'The precondition given in one of the request header fields evaluated to false when tested on the server.',
    )
}

export const etagText = (etag: number): string => `"${etag}"`

function nicBody(nic: NicRecord): JsonObject {
  const subnet = textAt(nic.properties, 'ipConfigurations.0.properties.subnet.id') ?? ''
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
    call.state.nics.delete(id.toLowerCase())
    return { status: 200 }
  })

export const listNics = (call: ArmCall): Promise<ArmReply> =>
  call.dataCentre.invoke('NetworkInterfaces_List', () => ok({ value: [...call.state.nics.values()].map(nicBody) }))
