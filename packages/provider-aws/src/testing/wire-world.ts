import { hostGroupWorld, startSimServer } from '@understudy/cloud-sim'
import type { DataCentre, RunInstancesInput, SimServer, SimServerOptions } from '@understudy/cloud-sim'
import { seededRandom, sleep } from '@understudy/core'
import type { InstanceRef, Provider, TrafficBinding, TrafficMechanism } from '@understudy/provider'
import type { Closed, ConformanceWorld, FaultyCall } from '@understudy/provider/conformance'
import { createAwsProvider } from '../aws-provider.ts'

const operations: Readonly<Record<FaultyCall, string>> = {
  provision: 'RunInstances',
  start: 'StartInstances',
  stop: 'StopInstances',
  terminate: 'TerminateInstances',
  capture: 'CreateSnapshots',
  describe: 'DescribeInstances',
  setWeights: 'ModifyListener',
}
const faults = { throttled: { kind: 'throttle' }, unavailable: { kind: 'unavailable' }, insufficient_capacity: { kind: 'capacity' } } as const
const servicePort = 8080
const healthCheck = { intervalSeconds: 2, timeoutSeconds: 1, healthyThreshold: 2, unhealthyThreshold: 2, path: '/healthz' }
/** How fast the region's time runs; the adapter lives in the same time. Faster, a slow machine would miss the adapter's own deadlines. */
const speed = 200
/** Quicker than a real region: the suite waits for hundreds of changes. */
const quick = { minMs: 1_000, maxMs: 3_000 }
const latencies = {
  pending: quick,
  boot: quick,
  resume: quick,
  stopping: quick,
  hibernating: quick,
  shuttingDown: quick,
  snapshot: { minMs: 4_000, maxMs: 8_000 },
  loadBalancerCreate: quick,
  hibernationAgent: 5_000,
}

/** The adapter and its real SDK, talking HTTP to a simulated region in this process, whose time runs fast. */
export async function wireWorld(
  options: Pick<SimServerOptions, 'consistency' | 'latencies'> = {},
): Promise<ConformanceWorld & { readonly server: SimServer }> {
  const server = await startSimServer({ speed, listeners: false, ...options, latencies: { ...latencies, ...options.latencies } })
  const { queues } = await server.endpoints()
  const providers: Provider[] = []
  const open = (): Provider => {
    const provider = createAwsProvider({
      scope: { account: server.dataCentre.accountId, region: server.region },
      credentials: server.credentials,
      endpoint: server.url,
      ...(queues[0] === undefined ? {} : { eventsQueueUrl: queues[0].url }),
      installation: 'conformance',
      clock: server.clock,
      random: seededRandom(7),
    })
    providers.push(provider)
    return provider
  }
  const documents: { readonly event: unknown; readonly text: string }[] = []
  server.dataCentre.subscribe((event) => {
    if (event.kind === 'cloud_event') documents.push({ event: event.event, text: JSON.stringify(event.event) })
  })
  return {
    server,
    provider: open(),
    freshProvider: open,
    clock: server.clock,
    run: (work) => work,
    advance: (ms) => sleep(server.clock, ms),
    zoneOther: `${server.region}b`,
    zoneThird: `${server.region}c`,
    typeOther: 'm7i.xlarge',
    ...controls(server),
    async pushed(ref) {
      return documents.filter(({ text }) => text.includes(ref.nativeId)).map(({ event }) => event)
    },
    async close() {
      for (const provider of providers) await provider.close()
      await server.close()
    },
  }
}

type Controls = Omit<
  ConformanceWorld,
  'provider' | 'freshProvider' | 'clock' | 'run' | 'advance' | 'zoneOther' | 'zoneThird' | 'typeOther' | 'pushed' | 'close'
>

function controls(server: SimServer): Controls {
  const dc = server.dataCentre
  const random = seededRandom(11)
  const listenerOf = new Map<string, string>()
  const until = async (condition: () => boolean): Promise<void> => {
    while (!condition()) await sleep(server.clock, 1_000)
  }
  const makePrimary = async (
    { purchase = 'on-demand', holdEnabled = false, dataDisk }: NonNullable<Parameters<ConformanceWorld['makePrimary']>[0]> = {},
    placing: Pick<RunInstancesInput, 'placementGroup' | 'hostGroup'> = {},
  ): Promise<InstanceRef> => {
    const zone = `${server.region}a`
    const { instances } = dc.instances.run({
      ...placing,
      imageId: dc.catalogue.describeImages().items[0]?.imageId ?? '',
      instanceType: 'm7i.large',
      minCount: 1,
      maxCount: 1,
      zone,
      ...(dataDisk === false ? {} : { blockDevices: [{ deviceName: '/dev/sdf', sizeGiB: 20, type: 'gp3', deleteOnTermination: true }] }),
      userData: Buffer.from('#!/bin/sh\necho hello').toString('base64'),
      ...(purchase === 'spot' ? { spot: { kind: 'one-time', interruptionBehavior: 'terminate' } as const } : {}),
      ...(holdEnabled ? { hibernationConfigured: true } : {}),
      tags: { instance: { Name: 'primary', team: 'shop' } },
    })
    const [made] = instances
    if (made === undefined) throw new Error('one instance was asked for and none came')
    // In a region that shows things late, an instance may serve before other calls know of it.
    await until(() => {
      const found = dc.instances.get(made.instanceId)
      return found?.state === 'running' && found.answering && found.visibleAtMs <= server.clock.nowMs()
    })
    return { provider: 'aws', account: dc.accountId, region: dc.region, nativeId: made.instanceId, zone }
  }
  return {
    makePrimary: (wanted) => makePrimary(wanted),
    hostGroups: hostGroupWorld(dc, `${server.region}a`, (placing) => makePrimary({}, placing)),
    makeBinding: (mechanism, member) => makeBinding(dc, until, listenerOf, mechanism, member),
    answers: ({ nativeId }) => dc.instances.get(nativeId)?.answering === true,
    async request(binding) {
      return servedBy(dc, binding, listenerOf, random)
    },
    failNext: (call, kind, times) => dc.faults.failNext(operations[call], faults[kind], times),
    exhaust(zone, instanceType) {
      dc.catalogue.setCapacity(instanceType, zone, 'on-demand', 0)
    },
    loseNextAnswer: (call) => dc.faults.failNext(operations[call], { kind: 'reset_after' }),
    breakHold: () => dc.faults.failHibernations(),
    async interrupt(ref) {
      // The reclaim comes late, so that a slow machine still finds the warning standing; the warning itself is as ever.
      dc.market.interrupt(ref.nativeId, { noticeMs: 1_200_000 })
    },
    async rebalance(ref) {
      dc.market.rebalance(ref.nativeId)
    },
    async scheduleMaintenance(ref) {
      dc.maintenance.schedule(ref.nativeId, { code: 'instance-retirement', notBeforeMs: server.clock.nowMs() + 3_600_000 })
    },
    async cancelMaintenance({ nativeId }) {
      for (const event of dc.instances.get(nativeId)?.scheduledEvents ?? []) dc.maintenance.cancel(nativeId, event.instanceEventId)
    },
    writeDisk: (disk, value) => dc.blocks.write(disk.nativeId, 0, bytesOf(value)),
    readDisk: (disk) => numberIn(dc.blocks.read(disk.nativeId, 0, 4)),
    countOf: (key) => countOf(dc, key),
    isolationOf: (key) => isolationOf(dc, key),
  }
}

async function makeBinding(
  dc: DataCentre,
  until: (condition: () => boolean) => Promise<void>,
  listenerOf: Map<string, string>,
  mechanism: TrafficMechanism,
  member: InstanceRef,
): Promise<TrafficBinding> {
  if (mechanism === 'address-move') {
    const { allocationId } = dc.network.allocateAddress()
    dc.network.associateAddress({ allocationId, instanceId: member.nativeId })
    return { mechanism, native: { allocationId } }
  }
  if (mechanism === 'dns-weight') {
    const zone = dc.dns.createZone('example.com.')
    const name = `${member.nativeId}.example.com.`
    const address = dc.instances.get(member.nativeId)?.publicIp ?? ''
    dc.dns.change(zone.id, [{ action: 'CREATE', record: { name, type: 'A', ttl: 30, values: [address] } }])
    return { mechanism, native: { hostedZoneId: zone.id, name } }
  }
  const name = `t-${member.nativeId.slice(-8)}`
  const group = (role: string) =>
    dc.balancers.createTargetGroup({ name: `${name}-${role}`, port: servicePort, healthCheck, deregistrationDelaySeconds: 10 })
  const [primary, standby] = [group('p'), group('s')]
  const loadBalancer = dc.balancers.createLoadBalancer({ name })
  const both = [
    { targetGroupArn: primary.arn, weight: 100 },
    { targetGroupArn: standby.arn, weight: 0 },
  ]
  const listener = dc.balancers.createListener({
    loadBalancerArn: loadBalancer.arn,
    port: 80,
    defaultActions: [{ kind: 'forward', targetGroups: mechanism === 'lb-weight' ? both : both.slice(0, 1) }],
  })
  listenerOf.set(primary.arn, listener.arn)
  dc.balancers.registerTargets(primary.arn, [{ instanceId: member.nativeId }])
  await until(() => dc.balancers.targetHealth(primary.arn)[0]?.health === 'healthy')
  const native =
    mechanism === 'lb-weight'
      ? { listenerArn: listener.arn, primaryTargetGroupArn: primary.arn, standbyTargetGroupArn: standby.arn, port: servicePort }
      : { targetGroupArn: primary.arn, port: servicePort }
  return { mechanism, native }
}

function servedBy(
  dc: DataCentre,
  { mechanism, native }: TrafficBinding,
  listenerOf: ReadonlyMap<string, string>,
  random: ReturnType<typeof seededRandom>,
) {
  const answers = (nativeId: string): string | undefined => (dc.instances.get(nativeId)?.answering === true ? nativeId : undefined)
  if (mechanism === 'address-move') {
    const address = dc.network.describeAddresses().items.find(({ allocationId }) => allocationId === native['allocationId'])
    return address?.instanceId === undefined ? undefined : answers(address.instanceId)
  }
  if (mechanism === 'dns-weight') {
    const address = dc.dns.resolve(String(native['name']), random)?.address
    return answers([...dc.instances.all()].find(({ publicIp }) => publicIp !== undefined && publicIp === address)?.instanceId ?? '')
  }
  const listenerArn = mechanism === 'lb-weight' ? String(native['listenerArn']) : (listenerOf.get(String(native['targetGroupArn'])) ?? '')
  const choice = dc.balancers.choose(listenerArn, random)
  return choice.kind === 'target' ? answers(choice.target.instanceId) : undefined
}

function countOf(dc: DataCentre, key: string): { instances: number; looseDisks: number; snapshots: number } {
  const isOurs = ({ tags }: { readonly tags: Readonly<Record<string, string>> }): boolean => tags['understudy:op'] === key
  const instances = [...dc.instances.all()].filter((instance) => isOurs(instance) && !['terminated', 'shutting-down'].includes(instance.state))
  const loose = dc.storage.describeVolumes().items.filter((volume) => isOurs(volume) && volume.state === 'available')
  return { instances: instances.length, looseDisks: loose.length, snapshots: dc.storage.describeSnapshots().items.filter(isOurs).length }
}

const bytesOf = (value: number): Uint8Array => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
const numberIn = (bytes: Uint8Array): number => Buffer.from(bytes).readUInt32BE()

function isolationOf({ network }: DataCentre, key: string): Closed | undefined {
  const group = network.describeSecurityGroups().items.find(({ tags }) => tags['understudy:op'] === key)
  if (group === undefined) return undefined
  const ports = [...new Set((group.ingress ?? []).map(({ fromPort }) => fromPort ?? -1))]
  return { ports: ports.toSorted((a, b) => a - b), out: group.egress?.length === 0 ? 'nothing' : 'something', owner: key }
}
