import { startAzureServer } from '@understudy/cloud-sim'
import type { AzureServer } from '@understudy/cloud-sim'
import type { Json } from '@understudy/core'
import { Agent, request } from 'node:https'
import { setTimeout } from 'node:timers/promises'
import { latencies, type Site } from './site.ts'

const speed = 200
const group = 'shop'

/** And what is there that is neither a machine, a disk nor a snapshot. */
interface AzureSite extends Site {
  leftovers(): { readonly addresses: number; readonly commands: number }
  /** Ids of the snapshots of single disks. */
  snapshots(): readonly string[]
}

interface Machines {
  /** With none of them a machine is kept by a snapshot, and not by a restore point. */
  readonly dataDisks?: 0 | 2
  /** They are all in it, and so in no zone. */
  readonly availabilitySet?: string
}

export async function azureSite({ dataDisks = 2, availabilitySet }: Machines = {}): Promise<AzureSite> {
  const server = await startAzureServer({ speed, latencies, retryAfterSeconds: 0 })
  const set = availabilitySet && setId(server.subscription, availabilitySet)
  if (set) server.dataCentre.hostGroups.create({ name: set.toLowerCase(), strategy: 'partition', partitions: 2 })
  const { state, dataCentre, clock, application } = server
  const agent = new Agent({ ca: server.ca, keepAlive: true })
  const vmOf = (nativeId: string) => state.vms.get(nativeId.toLowerCase())!
  return {
    account: {
      name: 'simulated Azure',
      provider: 'azure',
      region: dataCentre.region,
      nativeAccount: server.subscription,
      settings: { resourceGroup: group, endpoint: server.url, authority: server.url, certificateAuthority: server.ca },
      credentials: { source: 'client-secret', tenantId: application.tenant, clientId: application.clientId, clientSecret: application.clientSecret },
    },
    dataCentre,
    clock,
    speed,
    make: async (name) => make(server, await armOf(server, agent), name, { dataDisks, set }),
    instanceIdOf: (nativeId) => vmOf(nativeId).instanceId ?? '',
    attachments(nativeId) {
      const { osDisk, dataDisks } = vmOf(nativeId).properties['storageProfile'] as unknown as StorageProfile // as it was accepted
      const volumeOf = ({ managedDisk }: DiskEntry): string => state.disks.get(managedDisk.id.toLowerCase())?.volumeId ?? ''
      const [os, ...data] = [{ device: 'os', entry: osDisk }, ...dataDisks.map((entry) => ({ device: `lun:${entry.lun}`, entry }))].map(
        ({ device, entry }) => ({
          device,
          volumeId: volumeOf(entry),
          deletes: entry.deleteOption === 'Delete',
        }),
      )
      return [os!, ...data.toSorted((a, b) => (a.device < b.device ? -1 : 1))]
    },
    addresses: (nativeId) =>
      [...state.nics.values()].filter(({ vmId }) => vmId?.toLowerCase() === nativeId.toLowerCase()).map(({ privateIp }) => privateIp),
    seclusion(instanceId) {
      const vm = [...state.vms.values()].find((candidate) => candidate.instanceId === instanceId)
      const nic = [...state.nics.values()].find(({ vmId }) => vmId !== undefined && vmId === vm?.id)
      if (vm === undefined || nic === undefined) return undefined
      const { networkSecurityGroup } = nic.properties as unknown as { networkSecurityGroup?: { id: string } } // as it was accepted
      const rules = (state.securityGroups.get(networkSecurityGroup?.id.toLowerCase() ?? '')?.rules ?? [])
        .map(({ properties }) => properties as unknown as Rule) // as it was accepted
        .toSorted((a, b) => a.priority - b.priority)
        .map((rule) => `${rule.access} ${rule.direction} ${rule.destinationAddressPrefix} ${rule.destinationPortRange}`)
      return {
        rules,
        identity: vm.identity !== undefined,
        publicAddress: JSON.stringify(nic.properties).includes('publicIPAddress'),
      }
    },
    guards: () => state.securityGroups.size,
    snapshots: () => [...state.snapshots.values()].map(({ id }) => id),
    leftovers: () => ({ addresses: state.publicIps.size, commands: state.runCommands.size }),
    openAddresses: () => state.accesses.size,
    snapshotIdOf(member) {
      const members = [...state.restorePointCollections.values()].flatMap(({ points }) => [...points.values()].flatMap((point) => point.members))
      return [...members, ...state.snapshots.values()].find(({ id }) => id === member)?.snapshotId ?? ''
    },
    async lose(member) {
      // A restore point is deleted as a whole.
      const [, point] = /^(.+)\/diskRestorePoints\//.exec(member) ?? []
      const [collection] = point?.split('/restorePoints/') ?? []
      const arm = await armOf(server, agent)
      await arm('DELETE', collection ?? member, collection === undefined ? '2025-01-02' : '2026-03-01')
    },
    async close() {
      agent.destroy()
      await server.close()
    },
  }
}

interface Rule {
  readonly access: string
  readonly direction: string
  readonly priority: number
  readonly destinationAddressPrefix: string
  readonly destinationPortRange: string
}
interface DiskEntry {
  readonly lun: number
  readonly managedDisk: { readonly id: string }
  readonly deleteOption?: string
}
export interface StorageProfile {
  readonly osDisk: DiskEntry
  readonly dataDisks: readonly DiskEntry[]
}

type Arm = (method: 'PUT' | 'DELETE', id: string, version: string, body?: Record<string, Json>) => Promise<unknown>

/** As a person would with curl. */
async function armOf({ url, application }: AzureServer, agent: Agent): Promise<Arm> {
  const form = new URLSearchParams({
    ...{ grant_type: 'client_credentials', client_id: application.clientId, client_secret: application.clientSecret },
    scope: 'https://management.azure.com/.default',
  })
  const { access_token: token } = (await ask(
    agent,
    'POST',
    `${url}/${application.tenant}/oauth2/v2.0/token`,
    { 'content-type': 'application/x-www-form-urlencoded' },
    form.toString(),
  )) as { access_token: string } // as OAuth has it
  return (method, id, version, body) => {
    const headers = { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) }
    return ask(agent, method, `${url}${id}?api-version=${version}`, headers, body === undefined ? '' : JSON.stringify(body))
  }
}

const setId = (subscription: string, name: string): string =>
  `/subscriptions/${subscription}/resourceGroups/${group}/providers/Microsoft.Compute/availabilitySets/${name}`

/** Disks, an interface, and the machine. */
async function make(
  { subscription, dataCentre, state }: AzureServer,
  arm: Arm,
  name: string,
  { dataDisks, set }: { readonly dataDisks: number; readonly set: string | undefined },
): Promise<string> {
  const zones = set ? {} : { zones: ['1'] }
  const idOf = (type: string, of: string): string => `/subscriptions/${subscription}/resourceGroups/${group}/providers/${type}/${of}`
  const put = async (type: string, of: string, version: string, body: Record<string, Json>): Promise<string> => {
    const { id } = (await arm('PUT', idOf(type, of), version, { location: dataCentre.region, ...body })) as { id: string } // as ARM answers a PUT
    return id
  }
  const disk = (of: string, diskSizeGB: number, creationData: Record<string, Json>): Promise<string> =>
    put('Microsoft.Compute/disks', `${name}-${of}`, '2025-01-02', {
      ...zones,
      sku: { name: 'Premium_LRS' },
      properties: { diskSizeGB, creationData },
    })
  const image = { createOption: 'FromImage', imageReference: { id: idOf('Microsoft.Compute/images', 'shop') } }
  const os = await disk('os', 30, image)
  const data: string[] = []
  for (let lun = 0; lun < dataDisks; lun++) data.push(await disk(`data${lun}`, lun === 0 ? 8 : 4, { createOption: 'Empty' }))
  const subnet = { id: idOf('Microsoft.Network/virtualNetworks', 'net/subnets/web') }
  const nic = await put('Microsoft.Network/networkInterfaces', `${name}-nic`, '2025-05-01', {
    properties: { ipConfigurations: [{ name: 'primary', properties: { subnet } }] },
  })
  const id = await put('Microsoft.Compute/virtualMachines', name, '2026-03-01', {
    ...zones,
    properties: {
      ...(set ? { availabilitySet: { id: set } } : {}),
      hardwareProfile: { vmSize: 'Standard_D2s_v5' },
      storageProfile: {
        osDisk: { createOption: 'Attach', osType: 'Linux', managedDisk: { id: os }, deleteOption: 'Delete' },
        dataDisks: data.map((diskId, lun) => ({
          lun,
          createOption: 'Attach',
          managedDisk: { id: diskId },
          deleteOption: lun === 0 ? 'Delete' : 'Detach',
        })),
      },
      networkProfile: { networkInterfaces: [{ id: nic, properties: { primary: true, deleteOption: 'Delete' } }] },
    },
  })
  while (dataCentre.instances.get(state.vms.get(id.toLowerCase())?.instanceId ?? '')?.state !== 'running') await setTimeout(10)
  return id
}

function ask(agent: Agent, method: string, url: string, headers: Record<string, string>, body: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, agent }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (part: string) => (text += part))
      response.on('end', () => ((response.statusCode ?? 500) < 300 ? resolve(text === '' ? undefined : JSON.parse(text)) : reject(new Error(text))))
    })
    sent.on('error', reject)
    sent.end(body)
  })
}
