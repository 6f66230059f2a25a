import type { VirtualMachine } from '@azure/arm-compute'
import { hostGroupWorld, resolveTrafficManager, startAzureServer } from '@understudy/cloud-sim'
import type { AzureServer, AzureServerOptions } from '@understudy/cloud-sim'
import { type Random, seededRandom, sleep } from '@understudy/core'
import type { DiskRef, InstanceRef, Provider, TrafficBinding } from '@understudy/provider'
import type { Closed, ConformanceWorld, FaultyCall, HostGroupWorld } from '@understudy/provider/conformance'
import { azureClients } from '../clients.ts'
import { createAzureProvider } from '../azure-provider.ts'
import type { AzureSettings } from '../settings.ts'
import { EventGrid } from './event-grid.ts'

const operations: Readonly<Record<FaultyCall, string>> = {
  provision: 'VirtualMachines_Put',
  start: 'VirtualMachines_Start',
  stop: 'VirtualMachines_Deallocate',
  terminate: 'VirtualMachines_Delete',
  capture: 'RestorePoints_Create',
  describe: 'VirtualMachines_Get',
  setWeights: 'LoadBalancerBackendAddressPools_CreateOrUpdate',
}
const faults = { throttled: { kind: 'throttle' }, unavailable: { kind: 'unavailable' }, insufficient_capacity: { kind: 'capacity' } } as const
const speed = 200
const quick = { minMs: 1_000, maxMs: 3_000 }
const latencies = {
  pending: quick,
  boot: quick,
  resume: quick,
  stopping: quick,
  hibernating: quick,
  shuttingDown: quick,
  hibernationAgent: 5_000,
  volumeCreate: 0,
}
const group = 'shop'

export const settingsFor = (server: AzureServer, more: Partial<AzureSettings> = {}): AzureSettings => ({
  scope: { account: server.subscription, region: server.dataCentre.region },
  resourceGroup: group,
  credentials: {
    source: 'client-secret',
    tenantId: server.application.tenant,
    clientId: server.application.clientId,
    clientSecret: server.application.clientSecret,
  },
  endpoint: server.url,
  authority: server.url,
  certificateAuthority: server.ca,
  installation: 'conformance',
  clock: server.clock,
  random: seededRandom(7),
  waitMs: 5,
  ...more,
})

/** The adapter and its real SDK, talking TLS to a simulated ARM in this process, whose time runs fast. */
export async function wireWorld(options: AzureServerOptions = {}): Promise<ConformanceWorld & { readonly server: AzureServer }> {
  const server = await startAzureServer({ speed, latencies, retryAfterSeconds: 0, ...options })
  const providers: Provider[] = []
  const open = (): Provider => {
    const provider = createAzureProvider(settingsFor(server))
    providers.push(provider)
    return provider
  }
  const clients = azureClients(settingsFor(server))
  const random = seededRandom(11)
  const make = makerOf(server, clients)
  return {
    server,
    provider: open(),
    freshProvider: open,
    clock: server.clock,
    run: (work) => work,
    advance: (ms) => sleep(server.clock, ms),
    pace(faster) {
      server.clock.setSpeed(faster)
      return () => server.clock.setSpeed(speed)
    },
    zoneOther: '2',
    zoneThird: '3',
    typeOther: 'Standard_D4s_v5',
    makePrimary: (wanted) => make(wanted),
    hostGroups: groupsOf(server, make),
    makeBinding: binderOf(server, clients),
    writeDisk: (disk, value) => server.dataCentre.blocks.write(volumeOf(server, disk), 0, bytesOf(value)),
    readDisk: (disk) => Buffer.from(server.dataCentre.blocks.read(volumeOf(server, disk), 0, 4)).readUInt32BE(),
    request: async (binding) => servedBy(server, binding, random),
    answers: ({ nativeId }) => server.dataCentre.instances.get(server.state.vms.get(nativeId.toLowerCase())?.instanceId ?? '')?.answering === true,
    failNext: (call, kind, times) => server.dataCentre.faults.failNext(operations[call], faults[kind], times),
    exhaust(zone, instanceType) {
      server.dataCentre.catalogue.setCapacity(instanceType, `${server.dataCentre.region}${'abc'[Number(zone) - 1] ?? ''}`, 'on-demand', 0)
    },
    loseNextAnswer: (call) => server.dataCentre.faults.failNext(operations[call], { kind: 'reset_after' }),
    countOf: (key) => countOf(server, key),
    isolationOf: (key) => isolationOf(server, key),
    interruptionsInNoBook: true,
    ...announcing(server),
    async close() {
      clients.destroy()
      for (const provider of providers) await provider.close()
      await server.close()
    },
  }
}

/** What Azure tells of machines: an eviction to Event Grid alone, and what is planned also with the machine. */
function announcing(server: AzureServer): Pick<ConformanceWorld, 'interrupt' | 'scheduleMaintenance' | 'cancelMaintenance' | 'pushed'> {
  const { dataCentre: dc, state, clock } = server
  const grid = new EventGrid(server)
  const instanceIdOf = (nativeId: string): string => state.vms.get(nativeId.toLowerCase())?.instanceId ?? ''
  return {
    async interrupt({ nativeId }) {
      dc.market.interrupt(instanceIdOf(nativeId), { noticeMs: 30_000 })
      grid.emit(nativeId)
    },
    async scheduleMaintenance({ nativeId }) {
      dc.maintenance.schedule(instanceIdOf(nativeId), { code: 'system-reboot', notBeforeMs: clock.nowMs() + 3_600_000 })
      grid.emit(nativeId)
    },
    async cancelMaintenance({ nativeId }) {
      const instanceId = instanceIdOf(nativeId)
      for (const { instanceEventId } of dc.instances.get(instanceId)?.scheduledEvents ?? []) dc.maintenance.cancel(instanceId, instanceEventId)
    },
    pushed: async ({ nativeId }) => grid.about(nativeId),
  }
}

type Placing = Pick<VirtualMachine, 'hostGroup' | 'availabilitySet' | 'proximityPlacementGroup'>
type Make = (wanted?: Parameters<ConformanceWorld['makePrimary']>[0], placing?: Placing) => Promise<InstanceRef>

/** Azure's kinds of groups; a machine in an availability set is in no zone. */
const kinds = { 'own-hosts': 'hostGroups', together: 'proximityPlacementGroups', partitions: 'availabilitySets', apart: '' } as const

const groupsOf = (server: AzureServer, make: Make): HostGroupWorld =>
  hostGroupWorld(
    server.dataCentre,
    `${server.dataCentre.region}a`,
    (placing, strategy) => {
      const id = placing.hostGroup ?? placing.placementGroup ?? ''
      if (strategy === 'own-hosts') return make({}, { hostGroup: { id } })
      return make({}, strategy === 'together' ? { proximityPlacementGroup: { id } } : { availabilitySet: { id } })
    },
    {
      strategies: ['own-hosts', 'together', 'partitions'],
      nameOf: (strategy, name) => armIdIn(server)(`Microsoft.Compute/${kinds[strategy]}`, name).toLowerCase(),
      instanceIdOf: ({ nativeId }) => server.state.vms.get(nativeId.toLowerCase())?.instanceId ?? '',
    },
  )

function makerOf(server: AzureServer, { compute, network }: ReturnType<typeof azureClients>): Make {
  let made = 0
  const location = server.dataCentre.region
  const idOf = (type: string, name: string): string => `/subscriptions/${server.subscription}/resourceGroups/${group}/providers/${type}/${name}`
  return async ({ purchase = 'on-demand', holdEnabled = false, dataDisk } = {}, placing = {}): Promise<InstanceRef> => {
    const name = `primary-${(made += 1)}`
    const zone = placing.availabilitySet === undefined ? { zones: ['1'] } : {}
    const image = idOf('Microsoft.Compute/images', 'shop-image')
    const sku = { name: 'Premium_LRS' }
    await compute.disks.createOrUpdate(group, `${name}-os`, {
      location,
      ...zone,
      sku,
      diskSizeGB: 40,
      creationData: { createOption: 'FromImage', imageReference: { id: image } },
    })
    if (dataDisk !== false)
      await compute.disks.createOrUpdate(group, `${name}-data`, { location, ...zone, sku, diskSizeGB: 20, creationData: { createOption: 'Empty' } })
    await network.networkSecurityGroups.beginCreateOrUpdateAndWait(group, 'web', { location })
    await network.networkInterfaces.beginCreateOrUpdateAndWait(group, `${name}-nic`, {
      location,
      ipConfigurations: [{ name: 'primary', subnet: { id: idOf('Microsoft.Network/virtualNetworks', 'net/subnets/web') } }],
      networkSecurityGroup: { id: idOf('Microsoft.Network/networkSecurityGroups', 'web') },
    })
    const vm = await compute.virtualMachines.createOrUpdate(
      group,
      name,
      {
        location,
        ...zone,
        ...placing,
        tags: { Name: 'primary', team: 'shop' },
        hardwareProfile: { vmSize: 'Standard_D2s_v5' },
        userData: Buffer.from('#!/bin/sh\necho hello').toString('base64'),
        storageProfile: {
          osDisk: {
            createOption: 'Attach',
            osType: 'Linux',
            managedDisk: { id: idOf('Microsoft.Compute/disks', `${name}-os`) },
            deleteOption: 'Delete',
          },
          dataDisks:
            dataDisk === false
              ? []
              : [{ lun: 0, createOption: 'Attach', managedDisk: { id: idOf('Microsoft.Compute/disks', `${name}-data`) }, deleteOption: 'Delete' }],
        },
        networkProfile: {
          networkInterfaces: [{ id: idOf('Microsoft.Network/networkInterfaces', `${name}-nic`), primary: true, deleteOption: 'Delete' }],
        },
        ...(purchase === 'spot' ? { priority: 'Spot', evictionPolicy: 'Deallocate', billingProfile: { maxPrice: -1 } } : {}),
        ...(holdEnabled ? { additionalCapabilities: { hibernationEnabled: true } } : {}),
      },
      { updateIntervalInMs: 10 },
    )
    const ref = { provider: 'azure', account: server.subscription, region: location, nativeId: vm.id ?? '' }
    return placing.availabilitySet === undefined ? { ...ref, zone: '1' } : ref
  }
}

const armIdIn =
  (server: AzureServer) =>
  (type: string, name: string): string =>
    `/subscriptions/${server.subscription}/resourceGroups/${group}/providers/${type}/${name}`

/** What a person has set up before: a load balancer whose pool has the member's interface in it, an address bound to that interface, or a name for it. */
function binderOf(server: AzureServer, { network, compute, trafficManager }: ReturnType<typeof azureClients>): ConformanceWorld['makeBinding'] {
  const idOf = armIdIn(server)
  const location = server.dataCentre.region
  const nicNameOf = async (nativeId: string): Promise<string> => {
    const vm = await compute.virtualMachines.get(group, nativeId.split('/').pop() ?? '')
    return vm.networkProfile?.networkInterfaces?.[0]?.id?.split('/').pop() ?? ''
  }
  return async (mechanism, member) => {
    const nicName = await nicNameOf(member.nativeId)
    const nic = await network.networkInterfaces.get(group, nicName)
    const [configuration] = nic.ipConfigurations ?? []
    const write = (more: object) =>
      network.networkInterfaces.beginCreateOrUpdateAndWait(group, nicName, { ...nic, ipConfigurations: [{ ...configuration, ...more }] })
    if (mechanism === 'address-move' || mechanism === 'dns-weight') {
      const made = await network.publicIPAddresses.beginCreateOrUpdateAndWait(group, `${nicName}-ip`, {
        location,
        sku: { name: 'Standard' },
        publicIPAllocationMethod: 'Static',
      })
      // Only one that goes with its machine is nobody else's.
      await write({ publicIPAddress: { id: made.id, ...(mechanism === 'dns-weight' ? { deleteOption: 'Delete' } : {}) } })
      if (mechanism === 'address-move') return { mechanism, native: { publicIpAddressId: made.id ?? '' } }
      const profile = await trafficManager.profiles.createOrUpdate(group, `${nicName}-names`, {
        location: 'global',
        trafficRoutingMethod: 'Weighted',
        dnsConfig: { relativeName: nicName, ttl: 30 },
        monitorConfig: { protocol: 'HTTP', port: 8080, path: '/healthz' },
        endpoints: [
          {
            name: 'primary',
            type: 'Microsoft.Network/trafficManagerProfiles/externalEndpoints',
            ...(made.ipAddress === undefined ? {} : { target: made.ipAddress }),
          },
        ],
      })
      return { mechanism, native: { trafficManagerProfileId: profile.id ?? '' } }
    }
    const name = `${nicName}-lb`
    const balancerId = idOf('Microsoft.Network/loadBalancers', name)
    const frontend = { id: `${balancerId}/frontendIPConfigurations/front` }
    await network.loadBalancers.beginCreateOrUpdateAndWait(group, name, {
      location,
      sku: { name: 'Standard' },
      frontendIPConfigurations: [{ name: 'front' }],
      backendAddressPools: [{ name: 'web' }],
      probes: [{ name: 'http', protocol: 'Http', port: 8080, requestPath: '/healthz', intervalInSeconds: 5, numberOfProbes: 2 }],
      loadBalancingRules: [
        {
          name: 'web',
          protocol: 'Tcp',
          frontendPort: 80,
          backendPort: 8080,
          frontendIPConfiguration: frontend,
          backendAddressPool: { id: `${balancerId}/backendAddressPools/web` },
          probe: { id: `${balancerId}/probes/http` },
        },
      ],
    })
    await write({ loadBalancerBackendAddressPools: [{ id: `${balancerId}/backendAddressPools/web` }] })
    const arn = poolIn(server, `${balancerId}/backendAddressPools/web`).targetGroupArn
    while (server.dataCentre.balancers.targetHealth(arn)[0]?.health !== 'healthy') await sleep(server.clock, 1_000)
    return { mechanism, native: { backendPoolId: `${balancerId}/backendAddressPools/web`, loadBalancingRule: 'web' } }
  }
}

function poolIn({ state }: AzureServer, poolId: string) {
  const found = [...state.loadBalancers.values()].flatMap(({ pools }) => pools).find(({ id }) => id === poolId)
  if (found === undefined) throw new Error(`there is no pool ${poolId}`)
  return found
}

function servedBy(server: AzureServer, { mechanism, native }: TrafficBinding, random: Random): string | undefined {
  const { balancers, instances, network } = server.dataCentre
  const answering = (instanceId: string | undefined): string | undefined =>
    instances.get(instanceId ?? '')?.answering === true ? [...server.state.vms.values()].find((vm) => vm.instanceId === instanceId)?.id : undefined
  if (mechanism === 'address-move') {
    const { allocationId = '' } = server.state.publicIps.get(String(native['publicIpAddressId']).toLowerCase()) ?? {}
    return answering(network.describeAddresses({ ids: [allocationId] }).items[0]?.instanceId)
  }
  if (mechanism === 'dns-weight') {
    const name = fqdnOf(server, String(native['trafficManagerProfileId']))
    const address = resolveTrafficManager(server, name, random)?.address
    return answering([...instances.all()].find(({ publicIp }) => publicIp !== undefined && publicIp === address)?.instanceId)
  }
  const pool = poolIn(server, String(native['backendPoolId']))
  const rule = [...server.state.loadBalancers.values()].flatMap(({ rules }) => rules).find((candidate) => candidate.pool === pool)
  const choice = balancers.choose(rule?.listenerArn ?? '', random)
  return choice.kind === 'target' ? answering(choice.target.instanceId) : undefined
}

function fqdnOf({ state }: AzureServer, profileId: string): string {
  const { dnsConfig } = state.trafficProfiles.get(profileId.toLowerCase())?.properties ?? {}
  const { fqdn = '' } = (dnsConfig ?? {}) as { readonly fqdn?: string } // as the simulated Traffic Manager keeps it
  return fqdn
}

function countOf({ state, dataCentre }: AzureServer, key: string): { instances: number; looseDisks: number; snapshots: number } {
  const isOurs = ({ tags }: { readonly tags: Readonly<Record<string, string>> }): boolean => tags['understudy:op'] === key
  const isAlive = (instanceId: string | undefined): boolean =>
    !['terminated', 'shutting-down', undefined].includes(dataCentre.instances.get(instanceId ?? '')?.state)
  return {
    instances: [...state.vms.values()].filter((vm) => isOurs(vm) && isAlive(vm.instanceId)).length,
    looseDisks: [...state.disks.values()].filter((disk) => isOurs(disk) && disk.managedBy === undefined).length,
    snapshots:
      [...state.snapshots.values()].filter(isOurs).length +
      [...state.restorePointCollections.values()]
        .filter(isOurs)
        .flatMap(({ points }) => [...points.values()])
        .reduce((count, { members }) => count + members.length, 0),
  }
}

/** What the rules come to: the lowest priority is asked first, and Azure's own let everything out. */
function isolationOf({ state }: AzureServer, key: string): Closed | undefined {
  interface Rule {
    readonly direction: string
    readonly access: string
    readonly priority: number
    readonly destinationAddressPrefix: string
    readonly destinationPortRange: string
    readonly sourceAddressPrefixes?: readonly string[]
  }
  const group = [...state.securityGroups.values()].find(({ tags }) => tags['understudy:op'] === key)
  if (group === undefined) return undefined
  const rules = group.rules.map(({ properties }) => properties as unknown as Rule) // as they were given
  const everything = (direction: string): number =>
    rules.find((rule) => rule.direction === direction && rule.access === 'Deny' && rule.destinationAddressPrefix === '*')?.priority ??
    Number.POSITIVE_INFINITY
  const opened = rules.filter(({ access }) => access === 'Allow')
  const isClosed =
    everything('Outbound') < 65_000 &&
    everything('Inbound') < 65_000 &&
    opened.every(({ direction, sourceAddressPrefixes = [] }) => direction === 'Inbound' && sourceAddressPrefixes.length > 0)
  const ports = opened.filter(({ priority }) => priority < everything('Inbound')).map(({ destinationPortRange }) => Number(destinationPortRange))
  return { ports: ports.toSorted((a, b) => a - b), out: isClosed ? 'nothing' : 'something', owner: key }
}

const volumeOf = ({ state }: AzureServer, { nativeId }: DiskRef): string => {
  const disk = state.disks.get(nativeId.toLowerCase())
  if (disk === undefined) throw new Error(`there is no disk ${nativeId}`)
  return disk.volumeId
}

const bytesOf = (value: number): Uint8Array => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
