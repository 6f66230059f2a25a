import { startFailover } from '@understudy/control'
import { isAppError, pick } from '@understudy/core'
import type { Random } from '@understudy/core'
import { startLife } from './run.ts'
import type { Service, SimWorld, Site } from './world.ts'

const faulty = [
  'RunInstances',
  'StartInstances',
  'StopInstances',
  'TerminateInstances',
  'CreateTags',
  'DescribeInstances',
  'ModifyListener',
  'RegisterTargets',
  'DeregisterTargets',
  'DescribeTargetHealth',
  'AssociateAddress',
  'DisassociateAddress',
]
/** Of addresses. */
const lateFaults = new Set(['AssociateAddress', 'DisassociateAddress'])

/** In fair weather nothing breaks, and primaries are taken with a notice, one after the other. */
export type Weather = 'foul' | 'fair'

export function scheduleMischief(world: SimWorld, weather: Weather): void {
  if (weather === 'foul') for (const site of world.sites) makeUnreliable(world, site)
  const { random, clock } = world
  const next = (): void => {
    if (clock.nowMs() >= world.chaosUntilMs) return
    mischief(world, weather)
    clock.schedule(weather === 'foul' ? random.int(2000, 60_000) : random.int(60_000, 120_000), next)
  }
  clock.schedule(random.int(0, 30_000), next)
}

function makeUnreliable({ random, layout }: SimWorld, { dc }: Site): void {
  const intensity = random.next() * 0.15
  // The calls that EC2's balancers do without have chances of their own, so that the others keep theirs.
  const chanceOf = (operation: string): Random => (lateFaults.has(operation) ? layout : random)
  dc.faults.plan(
    faulty.flatMap((operation) => [
      { operation, fault: { kind: 'throttle' } as const, probability: intensity * chanceOf(operation).next() },
      { operation, fault: { kind: 'internal_error' } as const, probability: intensity * chanceOf(operation).next() * 0.5 },
      { operation, fault: { kind: 'reset_before' } as const, probability: intensity * chanceOf(operation).next() * 0.5 },
      { operation, fault: { kind: 'reset_after' } as const, probability: intensity * chanceOf(operation).next() * 0.5 },
      ...(operation === 'RunInstances' || operation === 'StartInstances'
        ? [{ operation, fault: { kind: 'capacity' } as const, probability: random.next() * 0.3 }]
        : []),
    ]),
  )
  if (random.next() < 0.3) dc.faults.setConsistency({ visibleAfter: random.int(0, 5000) })
  if (random.next() < 0.3) dc.faults.slowStarts(1 + random.next() * 5)
}

function mischief(world: SimWorld, weather: Weather): void {
  const { random } = world
  const deeds = [
    interrupt,
    interrupt,
    interrupt,
    interruptTwice,
    reclaimSilently,
    noticeAfterReclaim,
    loseAShadow,
    rebalance,
    crash,
    crash,
    manualFailover,
    massReclaim,
  ]
  const deed = weather === 'fair' ? interrupt : pick(random, deeds)
  world.trace(`* ${deed.name}`)
  deed(world)
}

interface Taken {
  readonly site: Site
  readonly instanceId: string
}

function runningPrimary({ site, resourceId }: Service): Taken | undefined {
  const running = [...site.dc.instances.all()].find(
    (instance) =>
      instance.state === 'running' &&
      instance.market === 'spot' &&
      instance.tags['understudy:resource'] === resourceId &&
      instance.tags['understudy:role'] === 'primary',
  )
  return running && { site, instanceId: running.instanceId }
}
const primaryOf = (world: SimWorld): Taken | undefined => runningPrimary(pick(world.random, world.services))

function interrupt(world: SimWorld): void {
  const primary = primaryOf(world)
  if (!primary) return
  world.interruptions += 1
  const { cloud, dc } = primary.site
  dc.market.interrupt(primary.instanceId, { noticeMs: pick(world.random, cloud.warnsAheadMs), copies: pick(world.random, [1, 1, 3]) })
}
function interruptTwice(world: SimWorld): void {
  interrupt(world)
  world.clock.schedule(world.random.int(100, 5000), () => interrupt(world))
}
function reclaimSilently(world: SimWorld): void {
  const primary = primaryOf(world)
  if (primary) primary.site.dc.market.reclaim(primary.instanceId, {})
}
function noticeAfterReclaim(world: SimWorld): void {
  const primary = primaryOf(world)
  if (primary) primary.site.dc.market.reclaim(primary.instanceId, { noticeAfterMs: world.random.int(100, 20_000) })
}
function loseAShadow(world: SimWorld): void {
  const shadows = world.sites.flatMap((site) =>
    [...site.dc.instances.all()]
      .filter(({ state, market, tags }) => state === 'running' && market === 'spot' && tags['understudy:role'] === 'shadow')
      .map(({ instanceId }): Taken => ({ site, instanceId })),
  )
  if (shadows.length === 0) return
  const { site, instanceId } = pick(world.random, shadows)
  site.dc.market.reclaim(instanceId, {})
}
function rebalance(world: SimWorld): void {
  const primary = primaryOf(world)
  if (primary?.site.cloud.recommends) primary.site.dc.market.rebalance(primary.instanceId)
}
function massReclaim(world: SimWorld): void {
  const { dc, cloud } = pick(world.layout, world.sites)
  const zone = pick(world.random, dc.network.describeZones().items).name
  world.interruptions += dc.market.massReclaim({ zone, noticeMs: Math.max(...cloud.warnsAheadMs) }).length
}
function manualFailover(world: SimWorld): void {
  const { resourceId } = pick(world.random, world.services)
  const asked = startFailover(world.control, world.principal, { resourceId, reason: 'a person tries it' })
  world.inFlight.track(asked).catch((error: unknown) => {
    if (!isAppError(error)) world.violation ??= error
  })
}
function crash(world: SimWorld): void {
  world.life.end()
  world.crashes += 1
  world.clock.schedule(world.random.int(100, 15_000), () => {
    startLife(world).catch((error: unknown) => {
      world.violation ??= error
    })
  })
}

/** The cloud behaves from now on, and a process runs that nobody kills. */
export function endMischief(world: SimWorld): void {
  world.trace('* calm')
  for (const { dc } of world.sites) dc.faults.clear()
  Object.assign(world.queueFaults, { lose: 0.1, repeat: 0.1, delayMaxMs: 200 })
}
