import { seededRandom, VirtualClock } from '@understudy/core'
import { beforeEach, describe, expect, it } from 'vitest'
import type { RunInstancesInput } from './api.ts'
import type { DataCentre } from './datacentre.ts'
import { seededImages, seedRegion } from './fixtures.ts'
import type { SimError } from './sim-error.ts'
import type { EventBridgeEvent, Instance } from './types.ts'

const latencies = {
  pending: 5_000,
  boot: 10_000,
  stopping: 20_000,
  hibernating: 20_000,
  shuttingDown: 15_000,
  hibernationAgent: 0,
  spotReturn: 600_000,
  spotRelaunch: 30_000,
}
let clock: VirtualClock
let dc: DataCentre
let events: EventBridgeEvent[]

const codeOf = (act: () => unknown): string | undefined => {
  try {
    act()
  } catch (error) {
    return (error as SimError).code
  }
  return undefined
}
const spot = (how: RunInstancesInput['spot'] = {}, more: Partial<RunInstancesInput> = {}): Instance => {
  const { instances } = dc.instances.run({
    imageId: seededImages.amazonLinux,
    instanceType: 'm7i.large',
    minCount: 1,
    maxCount: 1,
    spot: how,
    ...more,
  })
  clock.advance(latencies.pending + latencies.boot)
  const [instance] = instances
  if (!instance) throw new Error('nothing launched')
  return instance
}
const ofType = (type: string): EventBridgeEvent[] => events.filter((event) => event['detail-type'] === type)
const warnings = (): EventBridgeEvent[] => ofType('EC2 Spot Instance Interruption Warning')
const requestOf = (instance: Instance) => dc.market.describeSpotRequests({ ids: [instance.spot?.requestId ?? ''] }).items[0]

beforeEach(() => {
  clock = new VirtualClock(Date.UTC(2026, 10, 20, 13, 14, 44, 500))
  events = []
  dc = seedRegion({ clock, random: seededRandom(9), latencies })
  dc.subscribe((event) => {
    if (event.kind === 'cloud_event') events.push(event.event)
  })
})

describe('interruption', () => {
  it('is announced exactly as EventBridge sends it, and carried out at its deadline', () => {
    const instance = spot()
    dc.market.interrupt(instance.instanceId)
    expect(warnings()).toEqual([
      {
        version: '0',
        id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/),
        'detail-type': 'EC2 Spot Instance Interruption Warning',
        source: 'aws.ec2',
        account: '123456789012',
        time: '2026-11-20T13:14:59Z',
        region: 'sim-east-1',
        resources: [`arn:aws:ec2:sim-east-1a:instance/${instance.instanceId}`],
        detail: { 'instance-id': instance.instanceId, 'instance-action': 'terminate' },
      },
    ])
    expect(requestOf(instance)?.statusCode).toBe('marked-for-termination')
    clock.advance(119_999)
    expect(instance.state).toBe('running')
    clock.advance(1)
    expect(instance).toMatchObject({ state: 'shutting-down', answering: false, stateReason: { code: 'Server.SpotInstanceTermination' } })
    expect(requestOf(instance)).toMatchObject({ state: 'closed', statusCode: 'instance-terminated-no-capacity' })
  })

  it('stops or hibernates by the behaviour chosen at launch; hibernation begins at once', () => {
    const stopping = spot({ kind: 'persistent', interruptionBehavior: 'stop' })
    const hibernating = spot({ kind: 'persistent', interruptionBehavior: 'hibernate' }, { hibernationConfigured: true })
    dc.market.interrupt(stopping.instanceId)
    dc.market.interrupt(hibernating.instanceId)
    clock.advance(0)
    expect(hibernating.state).toBe('stopping')
    clock.advance(140_000)
    expect(stopping).toMatchObject({ state: 'stopped', hibernated: false, stateReason: { code: 'Server.SpotInstanceShutdown' } })
    expect(hibernating).toMatchObject({ state: 'stopped', hibernated: true })
    expect(codeOf(() => dc.instances.start([stopping.instanceId]))).toBe('IncorrectSpotRequestState')
  })

  it('gives an instance that the platform stopped its place back when there is room', () => {
    const instance = spot({ kind: 'persistent', interruptionBehavior: 'stop' })
    dc.catalogue.setCapacity('m7i.large', 'sim-east-1a', 'spot', 0)
    dc.market.reclaim(instance.instanceId)
    clock.advance(latencies.stopping)
    dc.catalogue.setCapacity('m7i.large', 'sim-east-1a', 'spot', 0)
    clock.advance(latencies.spotReturn)
    expect(instance.state).toBe('stopped')
    dc.catalogue.setCapacity('m7i.large', 'sim-east-1a', 'spot', 1)
    clock.advance(latencies.spotReturn)
    expect(instance.state).toBe('pending')
    expect(requestOf(instance)?.state).toBe('active')
  })

  it('concerns one life of an instance: a stop and start in between end it', () => {
    const instance = spot({ kind: 'persistent', interruptionBehavior: 'stop' })
    dc.market.interrupt(instance.instanceId)
    dc.instances.stop([instance.instanceId])
    clock.advance(latencies.stopping)
    dc.instances.start([instance.instanceId])
    clock.advance(200_000)
    expect(instance.state).toBe('running')
  })

  it('may come twice, late, or not at all', () => {
    const [twice, late, silent] = [spot(), spot(), spot()]
    dc.market.interrupt(twice.instanceId, { copies: 2 })
    dc.market.repeatNotice(twice.instanceId)
    expect(new Set(warnings().map((event) => event.id)).size).toBe(1)
    expect(warnings()).toHaveLength(3)
    dc.market.reclaim(late.instanceId, { noticeAfterMs: 5_000 })
    expect(late.state).toBe('shutting-down')
    expect(warnings()).toHaveLength(3)
    clock.advance(5_000)
    expect(warnings().at(-1)?.detail['instance-id']).toBe(late.instanceId)
    dc.market.reclaim(silent.instanceId)
    clock.advance(60_000)
    expect(warnings()).toHaveLength(4)
    expect(silent.state).toBe('terminated')
  })

  it('takes a whole zone, and nothing else', () => {
    const here = [spot({}, { zone: 'sim-east-1a' }), spot({}, { zone: 'sim-east-1a' })]
    const there = spot({}, { zone: 'sim-east-1b' })
    const [onDemand] = dc.instances.run({ imageId: seededImages.amazonLinux, instanceType: 'm7i.large', minCount: 1, maxCount: 1 }).instances
    clock.advance(20_000)
    expect(dc.market.massReclaim({ zone: 'sim-east-1a', noticeMs: 1_000 })).toEqual(here.map((instance) => instance.instanceId))
    clock.advance(1_000)
    expect([...here, there, onDemand].map((instance) => instance?.state)).toEqual(['shutting-down', 'shutting-down', 'running', 'running'])
    expect(codeOf(() => dc.market.interrupt(onDemand?.instanceId ?? ''))).toBe('UnsupportedOperation')
  })

  it('comes when the price passes the maximum', () => {
    const limited = spot({ maxPrice: '0.06' })
    const unlimited = spot()
    dc.catalogue.setSpotPrice('m7i.large', 'sim-east-1a', 0.07)
    expect(warnings().map((event) => event.detail['instance-id'])).toEqual([limited.instanceId])
    clock.advance(120_000)
    expect(unlimited.state).toBe('running')
  })
})

describe('persistent requests', () => {
  it('launch another instance, without tags, in place of one that has ended, until they are cancelled', () => {
    const first = spot({ kind: 'persistent' }, { tags: { instance: { Name: 'web' } } })
    dc.instances.terminate([first.instanceId])
    clock.advance(latencies.spotRelaunch)
    const second = [...dc.instances.all()].find((instance) => instance.instanceId !== first.instanceId)
    expect(second).toMatchObject({ state: 'pending', tags: {}, market: 'spot', spot: { requestId: first.spot?.requestId } })
    clock.advance(latencies.pending)
    dc.market.cancelSpotRequests([first.spot?.requestId ?? ''])
    expect(second?.state).toBe('running')
    dc.instances.terminate([second?.instanceId ?? ''])
    clock.advance(600_000)
    expect(dc.instances.count()).toBe(2)
  })

  it('end a stopped instance when they are cancelled, and one-time spot instances cannot be stopped', () => {
    const persistent = spot({ kind: 'persistent', interruptionBehavior: 'stop' })
    dc.instances.stop([persistent.instanceId])
    clock.advance(latencies.stopping)
    dc.market.cancelSpotRequests([persistent.spot?.requestId ?? ''])
    expect(persistent.state).toBe('shutting-down')
    const oneTime = spot()
    expect(codeOf(() => dc.instances.stop([oneTime.instanceId]))).toBe('UnsupportedOperation')
    expect(codeOf(() => spot({ kind: 'one-time', interruptionBehavior: 'stop' }))).toBe('InvalidParameterCombination')
  })
})

describe('other signals', () => {
  it('recommends rebalancing and reports state changes', () => {
    const instance = spot()
    expect(ofType('EC2 Instance State-change Notification').map((event) => event.detail['state'])).toEqual(['pending', 'running'])
    dc.market.rebalance(instance.instanceId)
    expect(ofType('EC2 Instance Rebalance Recommendation')[0]?.detail).toEqual({ 'instance-id': instance.instanceId })
    expect(instance.state).toBe('running')
  })

  it('schedules changes that can be postponed within their rules, and carries them out', () => {
    const { instanceId } = spot({ kind: 'persistent', interruptionBehavior: 'stop' })
    const hourMs = 3_600_000
    const start = clock.nowMs() + 24 * hourMs
    const event = dc.maintenance.schedule(instanceId, { code: 'instance-stop', notBeforeMs: start, notBeforeDeadlineMs: start + 48 * hourMs })
    const fixed = dc.maintenance.schedule(instanceId, { code: 'system-reboot', notBeforeMs: start + 100 * hourMs })
    expect(ofType('AWS Health Event')[0]).toMatchObject({
      source: 'aws.health',
      resources: [instanceId],
      detail: {
        service: 'EC2',
        eventTypeCategory: 'scheduledChange',
        startTime: new Date(start).toUTCString(),
        affectedEntities: [{ entityValue: instanceId }],
      },
    })
    const postpone = (to: number, id = event.instanceEventId): string | undefined => codeOf(() => dc.maintenance.postpone(instanceId, id, to))
    expect(postpone(start + 49 * hourMs)).toBe('InvalidInstanceEventStartTime')
    expect(postpone(clock.nowMs() + hourMs / 2)).toBe('InvalidInstanceEventStartTime')
    expect(postpone(start, fixed.instanceEventId)).toBe('UnsupportedOperation')
    expect(postpone(start, 'instance-event-0')).toBe('InvalidInstanceEventIDNotFound')
    expect(postpone(start + 40 * hourMs)).toBeUndefined()
    clock.advance(24 * hourMs)
    expect(dc.instances.get(instanceId)?.state).toBe('running')
    expect(dc.maintenance.describeStatus({ ids: [instanceId] }).items[0]?.events).toHaveLength(2)
    clock.advance(40 * hourMs)
    expect(dc.instances.get(instanceId)?.state).toBe('stopping')
  })

  it('forgets what was planned for a host when the instance is stopped and started', () => {
    const { instanceId } = spot({ kind: 'persistent', interruptionBehavior: 'stop' })
    dc.maintenance.schedule(instanceId, { code: 'instance-retirement', notBeforeMs: clock.nowMs() + 86_400_000 })
    dc.instances.stop([instanceId])
    clock.advance(latencies.stopping)
    dc.instances.start([instanceId])
    expect(dc.maintenance.describeStatus({ ids: [instanceId], includeAll: true }).items[0]?.events).toMatchObject([{ state: 'completed' }])
    clock.advance(2 * 86_400_000)
    expect(dc.instances.get(instanceId)?.state).toBe('running')
  })
})
