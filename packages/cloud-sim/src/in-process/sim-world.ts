import { seededRandom, VirtualClock, type Random } from '@understudy/core'
import type { InstanceRef, TrafficBinding, TrafficMechanism } from '@understudy/provider'
import type { Closed, ConformanceWorld, FaultyCall } from '@understudy/provider/conformance'
import type { RunInstancesInput } from '../datacentre/api.ts'
import type { DataCentre, DataCentreOptions } from '../datacentre/datacentre.ts'
import { seededImages, seedRegion } from '../datacentre/fixtures.ts'
import { hostGroupWorld } from './host-group-world.ts'
import { simProvider } from './sim-provider.ts'

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
/** More timers than any case needs: a promise that has not settled by then never will. */
const timersMax = 100_000

/** The in-process provider over a region of its own, in virtual time. */
export function simWorld(options: Pick<DataCentreOptions, 'consistency' | 'latencies'> = {}, seed = 17): ConformanceWorld {
  const clock = new VirtualClock()
  const dc = seedRegion({ clock, random: seededRandom(seed), ...options })
  const random = seededRandom(seed + 1)
  const open = () => simProvider(dc)
  const provider = open()
  const pushed: { readonly event: unknown; readonly text: string }[] = []
  dc.subscribe((event) => {
    if (event.kind === 'cloud_event') pushed.push({ event: event.event, text: JSON.stringify(event.event) })
  })
  const until = async (condition: () => boolean): Promise<void> => {
    while (!condition()) await clock.advanceAsync(1_000)
  }
  const listenerOf = new Map<string, string>()
  return {
    provider,
    freshProvider: open,
    clock,
    run: (work) => settled(clock, work),
    advance: (ms) => clock.advanceAsync(ms),
    zoneOther: 'sim-east-1b',
    zoneThird: 'sim-east-1c',
    typeOther: 'm7i.xlarge',
    makePrimary: (wanted) => makePrimary(dc, provider.scope.provider, until, wanted),
    hostGroups: hostGroupWorld(dc, 'sim-east-1a', (placing) => makePrimary(dc, provider.scope.provider, until, {}, placing)),
    makeBinding: (mechanism, member) => makeBinding(dc, until, listenerOf, mechanism, member),
    answers: ({ nativeId }) => dc.instances.get(nativeId)?.answering === true,
    request: async (binding) => servedBy(dc, binding, listenerOf, random),
    failNext: (call, kind, times) => dc.faults.failNext(operations[call], faults[kind], times),
    exhaust: (zone, instanceType) => dc.catalogue.setCapacity(instanceType, zone, 'on-demand', 0),
    loseNextAnswer: (call) => dc.faults.failNext(operations[call], { kind: 'reset_after' }),
    breakHold: () => dc.faults.failHibernations(),
    interrupt: async ({ nativeId }) => dc.market.interrupt(nativeId),
    rebalance: async ({ nativeId }) => dc.market.rebalance(nativeId),
    async scheduleMaintenance({ nativeId }) {
      dc.maintenance.schedule(nativeId, { code: 'instance-retirement', notBeforeMs: clock.nowMs() + 3_600_000 })
    },
    async cancelMaintenance({ nativeId }) {
      for (const event of dc.instances.get(nativeId)?.scheduledEvents ?? []) dc.maintenance.cancel(nativeId, event.instanceEventId)
    },
    pushed: async ({ nativeId }) => pushed.filter(({ text }) => text.includes(nativeId)).map(({ event }) => event),
    writeDisk: (disk, value) => dc.blocks.write(disk.nativeId, 0, new Uint8Array(Uint32Array.of(value).buffer)),
    readDisk: (disk) => new Uint32Array(dc.blocks.read(disk.nativeId, 0, 4).buffer)[0] ?? 0,
    countOf: (key) => countOf(dc, key),
    isolationOf: (key) => isolationOf(dc, key),
    close: () => provider.close(),
  }
}

/** Lets virtual time pass until the promise settles. */
async function settled<T>(clock: VirtualClock, work: Promise<T>): Promise<T> {
  let done = false
  const finish = (): void => {
    done = true
  }
  work.then(finish, finish)
  for (let timers = 0; ; timers++) {
    await clock.advanceAsync(0)
    if (done) return await work
    if (timers > timersMax || !clock.advanceToNext()) throw new Error('the work waits for something that time does not bring')
  }
}

async function makePrimary(
  dc: DataCentre,
  provider: string,
  until: (condition: () => boolean) => Promise<void>,
  { purchase = 'on-demand', holdEnabled = false, dataDisk }: NonNullable<Parameters<ConformanceWorld['makePrimary']>[0]> = {},
  placing: Pick<RunInstancesInput, 'placementGroup' | 'hostGroup'> = {},
): Promise<InstanceRef> {
  const { instances } = dc.instances.run({
    ...placing,
    imageId: seededImages.ubuntu,
    instanceType: 'm7i.large',
    minCount: 1,
    maxCount: 1,
    zone: 'sim-east-1a',
    ...(dataDisk === false ? {} : { blockDevices: [{ deviceName: '/dev/sdf', sizeGiB: 20, type: 'gp3', deleteOnTermination: true }] }),
    userData: Buffer.from('#!/bin/sh\necho hello').toString('base64'),
    ...(purchase === 'spot' ? { spot: {} } : {}),
    ...(holdEnabled ? { hibernationConfigured: true } : {}),
    tags: { instance: { Name: 'primary', team: 'shop' } },
  })
  const [made] = instances
  if (!made) throw new Error('one instance was asked for and none came')
  await until(() => made.state === 'running' && made.answering)
  return { provider, account: dc.accountId, region: dc.region, nativeId: made.instanceId, zone: made.zone }
}

async function makeBinding(
  dc: DataCentre,
  until: (condition: () => boolean) => Promise<void>,
  listenerOf: Map<string, string>,
  mechanism: TrafficMechanism,
  { nativeId }: InstanceRef,
): Promise<TrafficBinding> {
  if (mechanism === 'address-move') {
    const { allocationId } = dc.network.allocateAddress()
    dc.network.associateAddress({ allocationId, instanceId: nativeId })
    return { mechanism, native: { allocationId } }
  }
  if (mechanism === 'dns-weight') {
    const zone = dc.dns.createZone(`${nativeId.slice(-8)}.example.com.`)
    const address = dc.instances.get(nativeId)?.publicIp ?? ''
    dc.dns.change(zone.id, [{ action: 'CREATE', record: { name: `www.${zone.name}`, type: 'A', ttl: 30, values: [address] } }])
    return { mechanism, native: { hostedZoneId: zone.id, name: `www.${zone.name}` } }
  }
  const name = `t-${nativeId.slice(-8)}`
  const healthCheck = { intervalSeconds: 5, timeoutSeconds: 2, healthyThreshold: 2, unhealthyThreshold: 2 }
  const group = (role: string) => dc.balancers.createTargetGroup({ name: `${name}-${role}`, port: 8080, healthCheck, deregistrationDelaySeconds: 10 })
  const [primary, standby] = [group('p'), group('s')]
  const targetGroups = [
    { targetGroupArn: primary.arn, weight: 100 },
    { targetGroupArn: standby.arn, weight: 0 },
  ]
  const listener = dc.balancers.createListener({
    loadBalancerArn: dc.balancers.createLoadBalancer({ name }).arn,
    port: 80,
    defaultActions: [{ kind: 'forward', targetGroups: mechanism === 'lb-weight' ? targetGroups : targetGroups.slice(0, 1) }],
  })
  listenerOf.set(primary.arn, listener.arn)
  dc.balancers.registerTargets(primary.arn, [{ instanceId: nativeId }])
  await until(() => dc.balancers.targetHealth(primary.arn)[0]?.health === 'healthy')
  if (mechanism === 'lb-target') return { mechanism, native: { targetGroupArn: primary.arn, port: 8080 } }
  return { mechanism, native: { listenerArn: listener.arn, primaryTargetGroupArn: primary.arn, standbyTargetGroupArn: standby.arn, port: 8080 } }
}

function servedBy(
  dc: DataCentre,
  { mechanism, native }: TrafficBinding,
  listenerOf: ReadonlyMap<string, string>,
  random: Random,
): string | undefined {
  const answering = (nativeId: string | undefined): string | undefined =>
    nativeId !== undefined && dc.instances.get(nativeId)?.answering === true ? nativeId : undefined
  if (mechanism === 'address-move') {
    return answering(dc.network.describeAddresses({ ids: [String(native['allocationId'])] }).items[0]?.instanceId)
  }
  if (mechanism === 'dns-weight') {
    const found = dc.dns.resolve(String(native['name']), random)
    return answering([...dc.instances.all()].find((instance) => instance.publicIp === found?.address)?.instanceId)
  }
  const listenerArn = mechanism === 'lb-weight' ? String(native['listenerArn']) : (listenerOf.get(String(native['targetGroupArn'])) ?? '')
  const choice = dc.balancers.choose(listenerArn, random)
  return choice.kind === 'target' ? answering(choice.target.instanceId) : undefined
}

function countOf(dc: DataCentre, key: string): ReturnType<ConformanceWorld['countOf']> {
  const found = dc.orphans((operationKey) => operationKey !== key)
  const count = (kind: (typeof found)[number]['kind']): number => found.filter((thing) => thing.kind === kind).length
  return { instances: count('instance'), looseDisks: count('volume'), snapshots: count('snapshot') }
}

function isolationOf({ network }: DataCentre, key: string): Closed | undefined {
  const group = network.describeSecurityGroups().items.find(({ tags }) => tags['understudy:op'] === key)
  if (group === undefined) return undefined
  const ports = [...new Set((group.ingress ?? []).map(({ fromPort }) => fromPort ?? -1))]
  return { ports: ports.toSorted((a, b) => a - b), out: group.egress?.length === 0 ? 'nothing' : 'something', owner: key }
}
