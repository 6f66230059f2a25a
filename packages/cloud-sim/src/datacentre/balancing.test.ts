import { seededRandom, VirtualClock } from '@understudy/core'
import { beforeEach, describe, expect, it } from 'vitest'
import type { DataCentre } from './datacentre.ts'
import { seededImages, seedRegion, seedWebService, type SeededService } from './fixtures.ts'
import type { SimError } from './sim-error.ts'
import type { ForwardTarget } from './types.ts'

let clock: VirtualClock
let dc: DataCentre
let service: SeededService

const latencies = { pending: 5_000, boot: 10_000, stopping: 20_000, shuttingDown: 15_000 }
const codeOf = (act: () => unknown): string | undefined => {
  try {
    act()
  } catch (error) {
    return (error as SimError).code
  }
  return undefined
}
const run = (): string => {
  const { instances } = dc.instances.run({
    imageId: seededImages.amazonLinux,
    instanceType: 'm7i.large',
    minCount: 1,
    maxCount: 1,
    zone: 'sim-east-1b',
  })
  clock.advance(latencies.pending + latencies.boot)
  return instances[0]?.instanceId ?? ''
}
const health = (group: string): Record<string, string> =>
  Object.fromEntries(dc.balancers.targetHealth(group).map((target) => [target.instanceId, target.health]))
const forward = (primary: number, standby: number): void => {
  const targetGroups: ForwardTarget[] = [
    { targetGroupArn: service.primary.arn, weight: primary },
    { targetGroupArn: service.standby.arn, weight: standby },
  ]
  dc.balancers.modifyListener({ listenerArn: service.listener.arn, defaultActions: [{ kind: 'forward', targetGroups }] })
}
const served = (count: number): Record<string, number> => {
  const random = seededRandom(1)
  const counts: Record<string, number> = {}
  for (let n = 0; n < count; n++) {
    const choice = dc.balancers.choose(service.listener.arn, random)
    const key = choice.kind === 'target' ? choice.target.instanceId : choice.kind
    counts[key] = (counts[key] ?? 0) + 1
  }
  return counts
}

beforeEach(() => {
  clock = new VirtualClock()
  dc = seedRegion({ clock, random: seededRandom(3), latencies })
  service = seedWebService(dc, { name: 'web-1' })
})

describe('health of targets', () => {
  it('is initial until enough checks in a row have passed, and then healthy', () => {
    const { instanceId } = service.instance
    clock.advance(latencies.pending)
    expect(health(service.primary.arn)).toEqual({ [instanceId]: 'initial' })
    clock.advance(latencies.boot)
    expect(health(service.primary.arn)[instanceId]).not.toBe('healthy')
    clock.advance(10_000)
    expect(health(service.primary.arn)).toEqual({ [instanceId]: 'healthy' })
  })

  it('turns unhealthy when the guest stops answering, and healthy again when it answers', () => {
    const { instanceId } = service.instance
    clock.advance(60_000)
    dc.instances.setAnswering(instanceId, false)
    clock.advance(10_000)
    expect(health(service.primary.arn)).toEqual({ [instanceId]: 'unhealthy' })
    dc.instances.setAnswering(instanceId, true)
    clock.advance(10_000)
    expect(health(service.primary.arn)).toEqual({ [instanceId]: 'healthy' })
  })

  it('is watched in a group of weight 0, and not in a group that nobody forwards to', () => {
    clock.advance(60_000)
    const standby = run()
    const idle = dc.balancers.createTargetGroup({ name: 'idle', port: 80 })
    dc.balancers.registerTargets(service.standby.arn, [{ instanceId: standby }])
    dc.balancers.registerTargets(idle.arn, [{ instanceId: standby }])
    clock.advance(10_000)
    expect(health(service.standby.arn)).toEqual({ [standby]: 'healthy' })
    expect(dc.balancers.targetHealth(idle.arn)).toMatchObject([{ health: 'unused', reason: 'Target.NotInUse' }])
    dc.balancers.createRule({
      listenerArn: service.listener.arn,
      priority: 1,
      conditions: [{ field: 'path-pattern', values: ['/idle*'] }],
      actions: [{ kind: 'forward', targetGroups: [{ targetGroupArn: idle.arn, weight: 0 }] }],
    })
    clock.advance(200_000)
    expect(health(idle.arn)).toEqual({ [standby]: 'healthy' })
  })

  it('drains for the whole delay after deregistration, and takes no new requests meanwhile', () => {
    clock.advance(60_000)
    const { instanceId } = service.instance
    dc.balancers.deregisterTargets(service.primary.arn, [{ instanceId }, { instanceId: 'i-00000000000000000' }])
    expect(health(service.primary.arn)).toEqual({ [instanceId]: 'draining' })
    expect(served(10)).toEqual({ none: 10 })
    clock.advance(29_999)
    expect(health(service.primary.arn)).toEqual({ [instanceId]: 'draining' })
    clock.advance(1)
    expect(health(service.primary.arn)).toEqual({})
    expect(dc.balancers.targetHealth(service.primary.arn, [{ instanceId }])).toMatchObject([{ health: 'unused', reason: 'Target.NotRegistered' }])
  })

  it('begins anew when a draining target is registered again', () => {
    clock.advance(60_000)
    const { instanceId } = service.instance
    dc.balancers.deregisterTargets(service.primary.arn, [{ instanceId }])
    clock.advance(10_000)
    dc.balancers.registerTargets(service.primary.arn, [{ instanceId }])
    expect(health(service.primary.arn)).toEqual({ [instanceId]: 'initial' })
    clock.advance(60_000)
    expect(health(service.primary.arn)).toEqual({ [instanceId]: 'healthy' })
  })

  it('is unused while the instance is stopped, and the balancer takes terminated instances out', () => {
    const id = run()
    dc.balancers.registerTargets(service.standby.arn, [{ instanceId: id }])
    clock.advance(20_000)
    dc.instances.stop([id])
    clock.advance(latencies.stopping)
    expect(dc.balancers.targetHealth(service.standby.arn)).toMatchObject([{ health: 'unused', reason: 'Target.InvalidState' }])
    dc.instances.start([id])
    clock.advance(60_000)
    expect(health(service.standby.arn)).toEqual({ [id]: 'healthy' })
    dc.instances.terminate([id])
    expect(health(service.standby.arn)).toEqual({ [id]: 'draining' })
    clock.advance(latencies.shuttingDown)
    expect(health(service.standby.arn)).toEqual({})
  })

  it('follows an injected probe, also one that answers later', async () => {
    clock.advance(60_000)
    let passes = false
    dc.setProbe(() => Promise.resolve(passes))
    await clock.advanceAsync(20_000)
    expect(health(service.primary.arn)).toEqual({ [service.instance.instanceId]: 'unhealthy' })
    passes = true
    await clock.advanceAsync(20_000)
    expect(health(service.primary.arn)).toEqual({ [service.instance.instanceId]: 'healthy' })
    dc.setProbe(() => Promise.reject(new Error('connection refused')))
    await clock.advanceAsync(20_000)
    expect(health(service.primary.arn)).toEqual({ [service.instance.instanceId]: 'unhealthy' })
  })

  it('refuses targets that do not run', () => {
    const [pending] = dc.instances.run({ imageId: seededImages.amazonLinux, instanceType: 'm7i.large', minCount: 1, maxCount: 1 }).instances
    expect(codeOf(() => dc.balancers.registerTargets(service.standby.arn, [{ instanceId: pending?.instanceId ?? '' }]))).toBe('InvalidTarget')
    expect(codeOf(() => dc.balancers.registerTargets('arn:none', []))).toBe('TargetGroupNotFound')
  })
})

describe('choosing a target', () => {
  it('shares by weight, all or nothing at 100 and 0', () => {
    clock.advance(60_000)
    const standby = run()
    dc.balancers.registerTargets(service.standby.arn, [{ instanceId: standby }])
    clock.advance(20_000)
    expect(served(500)).toEqual({ [service.instance.instanceId]: 500 })
    forward(75, 25)
    const counts = served(2_000)
    expect(counts[standby]).toBeGreaterThan(400)
    expect(counts[standby]).toBeLessThan(600)
    forward(0, 100)
    expect(served(500)).toEqual({ [standby]: 500 })
    forward(0, 0)
    expect(served(5)).toEqual({ none: 5 })
  })

  it('does not send the share of an empty group elsewhere, and fails open when all members are unhealthy', () => {
    clock.advance(60_000)
    forward(0, 100)
    expect(served(5)).toEqual({ none: 5 })
    forward(100, 0)
    dc.instances.setAnswering(service.instance.instanceId, false)
    clock.advance(20_000)
    expect(served(5)).toEqual({ [service.instance.instanceId]: 5 })
  })

  it('takes the first rule that matches, in the order of priority', () => {
    clock.advance(60_000)
    const fixed = (body: string) => [{ kind: 'fixed-response', statusCode: '200', body }] as const
    const conditions = [{ field: 'path-pattern', values: ['/api/*'] }] as const
    dc.balancers.createRule({ listenerArn: service.listener.arn, priority: 20, conditions, actions: fixed('late') } as never)
    dc.balancers.createRule({ listenerArn: service.listener.arn, priority: 10, conditions, actions: fixed('early') } as never)
    const choose = (path: string): unknown => dc.balancers.choose(service.listener.arn, seededRandom(1), { path })
    expect(choose('/api/x')).toMatchObject({ kind: 'fixed-response', action: { body: 'early' } })
    expect(choose('/other')).toMatchObject({ kind: 'target' })
    expect(codeOf(() => dc.balancers.createRule({ listenerArn: service.listener.arn, priority: 10, conditions, actions: fixed('x') } as never))).toBe(
      'PriorityInUse',
    )
  })

  it('goes on with the former weights until a change has spread', () => {
    dc = seedRegion({ clock, random: seededRandom(3), latencies: { ...latencies, listenerPropagation: 3_000 } })
    service = seedWebService(dc, { name: 'web-1' })
    clock.advance(60_000)
    forward(0, 100)
    expect(served(3)).toEqual({ [service.instance.instanceId]: 3 })
    clock.advance(3_000)
    expect(served(3)).toEqual({ none: 3 })
  })
})

describe('configuration', () => {
  it('refuses what Elastic Load Balancing refuses', () => {
    const second = dc.balancers.createLoadBalancer({ name: 'second' })
    const action = (weight: number, targetGroupArn = service.primary.arn) => [
      { kind: 'forward' as const, targetGroups: [{ targetGroupArn, weight }] },
    ]
    expect(codeOf(() => dc.balancers.createListener({ loadBalancerArn: second.arn, port: 80, defaultActions: action(1) }))).toBe(
      'TargetGroupAssociationLimit',
    )
    expect(codeOf(() => dc.balancers.modifyListener({ listenerArn: service.listener.arn, defaultActions: action(1000) }))).toBe('ValidationError')
    expect(codeOf(() => dc.balancers.modifyListener({ listenerArn: service.listener.arn, defaultActions: action(1, 'arn:none') }))).toBe(
      'TargetGroupNotFound',
    )
    expect(codeOf(() => dc.balancers.createListener({ loadBalancerArn: service.loadBalancer.arn, port: 80, defaultActions: action(1) }))).toBe(
      'DuplicateListener',
    )
    expect(codeOf(() => dc.balancers.deleteTargetGroup(service.primary.arn))).toBe('ResourceInUse')
    expect(codeOf(() => dc.balancers.createTargetGroup({ name: 'web-1-primary', port: 1 }))).toBe('DuplicateTargetGroupName')
    expect(codeOf(() => dc.balancers.createLoadBalancer({ name: 'web-1' }))).toBe('DuplicateLoadBalancerName')
    dc.balancers.deleteLoadBalancer(service.loadBalancer.arn)
    expect(codeOf(() => dc.balancers.describeListeners({ listenerArns: [service.listener.arn] }))).toBe('ListenerNotFound')
    expect(codeOf(() => dc.balancers.deleteTargetGroup(service.primary.arn))).toBeUndefined()
  })
})
