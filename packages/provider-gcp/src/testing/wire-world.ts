// Loaded before the time of any test runs: it takes seconds.
import '@google-cloud/compute/build/src/v1/index.js'
import { hostGroupWorld, resolveGoogleName, seededGoogleImage, startGoogleServer } from '@understudy/cloud-sim'
import type { GoogleServer, GoogleServerOptions } from '@understudy/cloud-sim'
import { seededRandom, sleep } from '@understudy/core'
import type { DiskRef, InstanceRef, Provider, TrafficBinding, TrafficMechanism } from '@understudy/provider'
import type { Closed, ConformanceWorld, FaultyCall, HostGroupWorld } from '@understudy/provider/conformance'
import { createGcpProvider } from '../gcp-provider.ts'

const operations: Readonly<Record<FaultyCall, string>> = {
  provision: 'instances.insert',
  start: 'instances.start',
  stop: 'instances.stop',
  terminate: 'instances.delete',
  // Of several disks; of a single one it is `snapshots.insert`.
  capture: 'instantSnapshotGroups.insert',
  describe: 'instances.get',
  setWeights: 'backendServices.patch',
}
const faults = { throttled: { kind: 'throttle' }, unavailable: { kind: 'unavailable' }, insufficient_capacity: { kind: 'capacity' } } as const
/** Quicker than a real region, and its time runs fast: the suite waits for hundreds of changes. */
const quick = { minMs: 1_000, maxMs: 3_000 }
const latencies = {
  pending: quick,
  boot: quick,
  resume: quick,
  stopping: quick,
  hibernating: quick,
  shuttingDown: quick,
  loadBalancerCreate: quick,
  snapshot: { minMs: 4_000, maxMs: 8_000 },
}

const subscription = 'audit'

/** The adapter and its real SDK, talking HTTP to a simulated Compute Engine in this process. */
export async function gcpWireWorld(options: GoogleServerOptions = {}): Promise<ConformanceWorld & { readonly server: GoogleServer }> {
  const server = await startGoogleServer({ speed: 100, latencies, ...options })
  server.project.subscriptions.set(subscription, [])
  const providers: Provider[] = []
  const open = (): Provider => {
    const provider = createGcpProvider({
      scope: { account: server.project.id, region: server.region },
      credentials: { accessToken: server.accessToken },
      endpoint: server.url,
      eventsSubscription: subscription,
      installation: 'conformance',
      clock: server.clock,
      random: seededRandom(7),
    })
    providers.push(provider)
    return provider
  }
  return {
    server,
    provider: open(),
    freshProvider: open,
    clock: server.clock,
    run: (work) => work,
    advance: (ms) => sleep(server.clock, ms),
    zoneOther: `${server.region}-c`,
    zoneThird: `${server.region}-d`,
    typeOther: 'e2-standard-4',
    ...controls(server),
    async close() {
      for (const provider of providers) await provider.close()
      await server.close()
    },
  }
}

/** Sole-tenant nodes by the name of their group; policies as somebody has made them before. */
const groupsOf = (
  { dataCentre: dc, project, region }: GoogleServer,
  make: (wanted: object, placing: object) => Promise<InstanceRef>,
  instanceIdOf: (ref: InstanceRef) => string,
): HostGroupWorld =>
  hostGroupWorld(
    dc,
    `${region}-b`,
    ({ hostGroup, placementGroup = '' }, strategy) => {
      if (hostGroup !== undefined)
        return make({}, { scheduling: { nodeAffinities: [{ key: 'compute.googleapis.com/node-group-name', operator: 'IN', values: [hostGroup] }] } })
      const groupPlacementPolicy = strategy === 'together' ? { collocation: 'COLLOCATED' } : { availabilityDomainCount: 7 }
      project.policies.set(placementGroup, { id: project.newId(), body: { groupPlacementPolicy } })
      return make({}, { resourcePolicies: [`projects/${project.id}/regions/${region}/resourcePolicies/${placementGroup}`] })
    },
    { strategies: ['own-hosts', 'together', 'partitions'], nameOf: (_strategy, name) => name, instanceIdOf },
  )

type Controls = Omit<ConformanceWorld, 'provider' | 'freshProvider' | 'clock' | 'run' | 'advance' | 'zoneOther' | 'zoneThird' | 'typeOther' | 'close'>

function controls(server: GoogleServer): Controls {
  const dc = server.dataCentre
  const random = seededRandom(11)
  let made = 0
  const volumeOf = ({ nativeId, zone }: DiskRef): string => server.project.disk(zone ?? '', nativeId.replace('disks/', '')).volumeId
  const machineIn = (ref: InstanceRef) => server.project.machine(server.project.instance(ref.zone ?? '', ref.nativeId))
  const make = async (
    { purchase = 'on-demand', dataDisk }: NonNullable<Parameters<ConformanceWorld['makePrimary']>[0]> = {},
    placing: object = {},
  ): Promise<InstanceRef> => {
    made += 1
    const zone = `${server.region}-b`
    const name = `primary-${made}`
    await insert(server, zone, { ...primaryResource(zone, name, { spot: purchase === 'spot', dataDisk: dataDisk !== false }), ...placing })
    const record = server.project.instance(zone, name)
    while (dc.instances.get(record.instanceId)?.answering !== true) await sleep(server.clock, 1_000)
    return { provider: 'gcp', account: server.project.id, region: server.region, nativeId: record.id, zone }
  }
  return {
    makePrimary: (wanted) => make(wanted),
    hostGroups: groupsOf(server, make, (ref) => machineIn(ref).instanceId),
    makeBinding: (mechanism, member) => makeBinding(server, mechanism, member),
    answers: (member) => machineIn(member).answering,
    async request({ mechanism, native }) {
      const served = (instanceId: string | undefined): string | undefined =>
        dc.instances.get(instanceId ?? '')?.answering === true
          ? server.project.instances().find((record) => record.instanceId === instanceId)?.id
          : undefined
      if (mechanism === 'address-move') {
        const reserved = server.project.addresses.find(({ name }) => name === native['address'])
        return served(dc.network.describeAddresses().items.find(({ allocationId }) => allocationId === reserved?.allocationId)?.instanceId)
      }
      if (mechanism === 'dns-weight') {
        const address = resolveGoogleName(server.project, String(native['managedZone']), String(native['name']), random)
        return served([...dc.instances.all()].find(({ publicIp }) => publicIp !== undefined && publicIp === address)?.instanceId)
      }
      const service = server.project.backendServices.find(({ name }) => name === native['backendService'])
      const choice = dc.balancers.choose(service?.listenerArn ?? '', random)
      return choice.kind === 'target' ? served(choice.target.instanceId) : undefined
    },
    failNext: (call, kind, times) => dc.faults.failNext(operations[call], faults[kind], times),
    exhaust(zone, instanceType) {
      dc.catalogue.setCapacity(instanceType, zone, 'on-demand', 0)
    },
    loseNextAnswer: (call) => dc.faults.failNext(operations[call], { kind: 'reset_after' }),
    async interrupt(ref) {
      // It goes later than announced, so that a slow machine still finds it standing; the announcement itself is as ever.
      dc.market.interrupt(machineIn(ref).instanceId, { noticeMs: 1_200_000 })
    },
    async scheduleMaintenance(ref) {
      dc.maintenance.schedule(machineIn(ref).instanceId, { code: 'system-maintenance', notBeforeMs: server.clock.nowMs() + 3_600_000 })
    },
    async cancelMaintenance(ref) {
      const { instanceId, scheduledEvents } = machineIn(ref)
      for (const event of scheduledEvents) dc.maintenance.cancel(instanceId, event.instanceEventId)
    },
    pushed: async ({ nativeId }) => server.project.published.filter((entry) => JSON.stringify(entry).includes(nativeId)),
    writeDisk: (disk, value) => dc.blocks.write(volumeOf(disk), 0, bytesOf(value)),
    readDisk: (disk) => Buffer.from(dc.blocks.read(volumeOf(disk), 0, 4)).readUInt32BE(),
    countOf: (key) => countOf(server, key),
    isolationOf: (key) => isolationOf(server, key),
  }
}

const healthCheck = { intervalSeconds: 2, timeoutSeconds: 1, healthyThreshold: 2, unhealthyThreshold: 2, path: '/healthz' }

/** What a person has set up before, with the member as the only one. */
async function makeBinding(server: GoogleServer, mechanism: TrafficMechanism, member: InstanceRef): Promise<TrafficBinding> {
  const { project, dataCentre: dc, clock } = server
  if (mechanism === 'address-move') return { mechanism, native: { address: await reserveFor(server, member) } }
  if (mechanism === 'dns-weight') return { mechanism, native: nameFor(server, member) }
  const backendService = `web-${member.nativeId}`
  const listenerArn = dc.balancers.createLoadBalancer({ name: `lb-${member.nativeId}` }).arn
  const { native, backends, targetGroups } =
    mechanism === 'lb-weight' ? groupsFor(server, member, backendService) : endpointsFor(server, member, backendService)
  const listener = dc.balancers.createListener({ loadBalancerArn: listenerArn, port: 80, defaultActions: [{ kind: 'forward', targetGroups }] })
  project.backendServices.push({ id: project.newId(), name: backendService, listenerArn: listener.arn, backends })
  const [first] = targetGroups
  const { instanceId } = project.instance(member.zone ?? '', member.nativeId)
  dc.balancers.registerTargets(first?.targetGroupArn ?? '', [{ instanceId }])
  while (dc.balancers.targetHealth(first?.targetGroupArn ?? '')[0]?.health !== 'healthy') await sleep(clock, 1_000)
  return { mechanism, native: { backendService, ...native } }
}

const targetGroupOf = ({ dataCentre: dc }: GoogleServer, name: string): string =>
  dc.balancers.createTargetGroup({ name, port: 8080, healthCheck, deregistrationDelaySeconds: 10 }).arn

/** One instance group per zone, with its own share. */
function groupsFor(server: GoogleServer, member: InstanceRef, backendService: string) {
  const groups = [`${server.region}-b`, `${server.region}-c`].map((zone, index) => ({
    name: `group-${index}-${member.nativeId}`,
    zone,
    targetGroupArn: targetGroupOf(server, `g${index}-${member.nativeId}`),
  }))
  server.project.groups.push(...groups)
  const [primaryGroup = '', standbyGroup = ''] = groups.map(({ zone, name }) => `${zone}/${name}`)
  return {
    native: { backendService, primaryGroup, standbyGroup },
    backends: groups.map((group, index) => ({ group, capacityScaler: index === 0 ? 1 : 0 })),
    targetGroups: groups.map(({ targetGroupArn }, index) => ({ targetGroupArn, weight: index === 0 ? 100 : 0 })),
  }
}

/** One endpoint group per zone, which share. */
function endpointsFor(server: GoogleServer, member: InstanceRef, backendService: string) {
  const targetGroupArn = targetGroupOf(server, `e-${member.nativeId}`)
  const groups = [`${server.region}-b`, `${server.region}-c`].map((zone, index) => {
    return { id: server.project.newId(), name: `neg-${index}-${member.nativeId}`, zone, backendService, targetGroupArn }
  })
  server.project.endpointGroups.push(...groups)
  const endpointGroups = groups.map(({ zone, name }) => `${zone}/${name}`)
  return { native: { endpointGroups, port: 8080 }, backends: [], targetGroups: [{ targetGroupArn, weight: 100 }] }
}

/** A plain record that answers with the member's address. */
function nameFor({ project }: GoogleServer, member: InstanceRef) {
  const [managedZone, name] = [`zone-${member.nativeId}`, 'www.example.com.']
  const address = project.machine(project.instance(member.zone ?? '', member.nativeId)).publicIp ?? ''
  const record = { name, type: 'A', ttl: 30, rrdatas: [address] }
  project.dnsZones.push({ name: managedZone, changes: [], records: new Map([[`${name} A`, record]]) })
  return { managedZone, name }
}

/** A reserved address in the place of the member's own. */
async function reserveFor({ project, dataCentre: dc }: GoogleServer, member: InstanceRef): Promise<string> {
  const { allocationId } = dc.network.allocateAddress()
  const name = `address-${member.nativeId}`
  project.addresses.push({ id: project.newId(), name, allocationId })
  const { instanceId } = project.instance(member.zone ?? '', member.nativeId)
  dc.network.associateAddress({ allocationId, instanceId })
  return name
}

const primaryResource = (zone: string, name: string, { spot, dataDisk }: { readonly spot: boolean; readonly dataDisk: boolean }) => ({
  name,
  machineType: `zones/${zone}/machineTypes/e2-standard-2`,
  labels: { team: 'shop' },
  disks: [
    {
      boot: true,
      autoDelete: true,
      deviceName: 'boot',
      initializeParams: {
        sourceImage: `projects/sim-images/global/images/${seededGoogleImage}`,
        diskSizeGb: '20',
        diskType: `zones/${zone}/diskTypes/pd-balanced`,
      },
    },
    ...(dataDisk
      ? [{ boot: false, autoDelete: true, deviceName: 'data', initializeParams: { diskSizeGb: '30', diskType: `zones/${zone}/diskTypes/pd-ssd` } }]
      : []),
  ],
  networkInterfaces: [{ accessConfigs: [{ name: 'External NAT', type: 'ONE_TO_ONE_NAT' }] }],
  tags: { items: ['web'] },
  metadata: { items: [{ key: 'startup-script', value: '#!/bin/sh\necho hello' }] },
  ...(spot
    ? { scheduling: { provisioningModel: 'SPOT', instanceTerminationAction: 'STOP', automaticRestart: false, onHostMaintenance: 'TERMINATE' } }
    : {}),
})

/** Through the API, as a person would with curl. */
async function insert({ url, accessToken, project }: GoogleServer, zone: string, resource: object): Promise<void> {
  const answer = await fetch(`${url}/compute/v1/projects/${project.id}/zones/${zone}/instances`, {
    method: 'POST',
    headers: { authorization: `Bearer ${accessToken}`, 'content-type': 'application/json' },
    body: JSON.stringify(resource),
  })
  if (!answer.ok) throw new Error(`the primary was refused: ${await answer.text()}`)
}

function countOf({ project }: GoogleServer, key: string): { instances: number; looseDisks: number; snapshots: number } {
  const isOurs = ({ labels }: { readonly labels: Readonly<Record<string, string>> }): boolean => labels['understudy_3aop'] === key
  const instances = project.instances().filter((record) => isOurs(record) && project.machine(record).state !== 'shutting-down')
  const attached = new Set(project.instances().flatMap(({ zone, disks }) => disks.map(({ name }) => `${zone}/${name}`)))
  const loose = project.disks().filter((disk) => isOurs(disk) && !attached.has(`${disk.zone}/${disk.name}`))
  return { instances: instances.length, looseDisks: loose.length, snapshots: project.snapshots.filter(isOurs).length }
}

/** What the rules for the tag that these rules have in common come to: the lowest priority wins, and of one priority what denies. */
function isolationOf({ project }: GoogleServer, key: string): Closed | undefined {
  interface Rule {
    readonly direction: string
    readonly priority: number
    readonly targetTags: readonly string[]
    readonly sourceRanges?: readonly string[]
    readonly destinationRanges?: readonly string[]
    readonly denied?: readonly object[]
    readonly allowed?: readonly { readonly IPProtocol: string; readonly ports: readonly string[] }[]
  }
  const owned = project.firewalls.map(({ rule }) => rule).filter((rule) => String(rule['description']).includes(`"understudy:op":"${key}"`))
  const rules = owned as unknown as readonly Rule[] // as Google shows them
  if (rules.length === 0) return undefined
  const denies = (direction: string, range: string): number =>
    rules.find(
      (rule) => rule.direction === direction && rule.denied !== undefined && [rule.sourceRanges, rule.destinationRanges].flat().includes(range),
    )?.priority ?? Number.POSITIVE_INFINITY
  const opened = rules.filter(({ allowed }) => allowed !== undefined)
  const isClosed =
    ['0.0.0.0/0', '::/0'].every((range) => denies('EGRESS', range) === 0 && denies('INGRESS', range) < Number.POSITIVE_INFINITY) &&
    opened.every(({ direction, sourceRanges = [] }) => direction === 'INGRESS' && sourceRanges.every((range) => !/^0\.|^::/.test(range)))
  const ports = opened
    .filter(({ priority }) => priority < denies('INGRESS', '0.0.0.0/0'))
    .flatMap(({ allowed = [] }) => allowed.flatMap((entry) => entry.ports.map(Number)))
  return { ports: ports.toSorted((a, b) => a - b), out: isClosed ? 'nothing' : 'something', owner: key }
}

const bytesOf = (value: number): Uint8Array => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
