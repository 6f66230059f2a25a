import { seedRegion, seedWebService, simProvider } from '@understudy/cloud-sim'
import type { DataCentre, SeededService } from '@understudy/cloud-sim'
import {
  aesGcmVault,
  bootstrap,
  createAccount,
  importResource,
  primariesReconciler,
  protectResource,
  shadowsReconciler,
  startFailover,
  verifyAudit,
} from '@understudy/control'
import type { Account, Control, Principal, Tier } from '@understudy/control'
import { VirtualClock, isAppError, pick, seededIds, seededRandom } from '@understudy/core'
import type { Random } from '@understudy/core'
import { openDatabase } from '@understudy/persistence'
import { startWorker } from '@understudy/worker'
import type { RunningWorker } from '@understudy/worker'
import { checkAtTheEnd } from './at-the-end.ts'
import { checkEveryMoment, checkTermination } from './invariants.ts'
import type { Watched } from './invariants.ts'
import { lossyQueue } from './lossy-queue.ts'
import { InFlight, Life, mortalDatabase, orderedDatabase } from './mortal.ts'

export interface SimulationReport {
  readonly seed: number
  readonly ticks: number
  readonly crashes: number
  readonly interruptions: number
  readonly operations: Readonly<Record<string, number>>
  readonly virtualSeconds: number
}

export interface SimulationOptions {
  readonly seed: number
  /** An empty, migrated database of its own. */
  readonly databaseUrl: string
  readonly services?: number
  /** Minutes of faults, and of calm afterwards in which everything has to come right. */
  readonly chaosMinutes?: number
  readonly calmMinutes?: number
  /** Tells what happens, for finding out why a seed fails. */
  readonly trace?: (line: string) => void
}

const minute = 60_000

/**
 * One seed is one world: a data centre, services, faults, crashes, all in virtual time over the production code and a real
 * database. Throws when an invariant is violated; the message names the seed and the moment.
 */
export async function simulate(options: SimulationOptions): Promise<SimulationReport> {
  const world = await createWorld(options)
  try {
    await populate(world)
    world.chaosUntilMs = world.clock.nowMs() + (options.chaosMinutes ?? 6) * minute
    scheduleMischief(world)
    await runUntil(world, world.chaosUntilMs)
    endMischief(world)
    await runUntil(world, world.clock.nowMs() + (options.calmMinutes ?? 12) * minute)
    const operations = await checkAtTheEnd(world, runUntil)
    const { ok } = await settled(world, verifyAudit(world.control, world.principal, {}))
    if (!ok) throw new Error('the audit chain is broken')
    return {
      seed: options.seed,
      ticks: world.ticks,
      crashes: world.crashes,
      interruptions: world.interruptions,
      operations,
      virtualSeconds: (world.clock.nowMs() - world.startedMs) / 1000,
    }
  } catch (error) {
    const seconds = ((world.clock.nowMs() - world.startedMs) / 1000).toFixed(1)
    throw new Error(`seed ${options.seed}, at ${seconds} virtual seconds: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    })
  } finally {
    world.life.end()
    world.dc.close()
    await world.inFlight.settle()
    await world.close()
  }
}

export interface SimWorld {
  readonly clock: VirtualClock
  readonly random: Random
  readonly dc: DataCentre
  readonly control: Control
  readonly principal: Principal
  readonly account: Account
  readonly inFlight: InFlight
  readonly services: { readonly seeded: SeededService; readonly watched: Watched }[]
  readonly queueFaults: { lose: number; repeat: number; delayMaxMs: number }
  readonly trace: (line: string) => void
  readonly startedMs: number
  readonly serviceCount: number
  life: Life
  worker: RunningWorker | undefined
  violation: unknown
  chaosUntilMs: number
  ticks: number
  crashes: number
  interruptions: number
  incarnation: number
  close(): Promise<void>
}

async function createWorld(options: SimulationOptions): Promise<SimWorld> {
  const random = seededRandom(options.seed)
  const clock = new VirtualClock()
  const opened = openDatabase({ url: options.databaseUrl, poolMax: 1, clock, preparesStatements: true })
  const dc = seedRegion({ clock, random: seededRandom(options.seed ^ 0x5eed), stateChangeEvents: random.next() < 0.5 })
  const inFlight = new InFlight()
  const database = orderedDatabase(opened, inFlight)
  const provider = simProvider(dc)
  const control: Control = {
    database,
    clock,
    ids: seededIds(seededRandom(options.seed + 1)),
    random: seededRandom(options.seed + 2),
    vault: aesGcmVault({ keys: new Map([['sim', new Uint8Array(32).fill(1)]]), current: 'sim' }),
    providers: {
      names: ['sim'],
      adapter: () => ({
        name: 'sim',
        validate: () => [],
        create: () => provider,
        parse: (document, received) => provider.signals!.parse(document, received),
      }),
      open: () => Promise.resolve(provider),
    },
    settings: { installation: 'simulation', armTtlMs: 3 * minute, webhookAllowedNetworks: [], idempotencyTtlMs: 24 * 60 * minute },
  }
  const made = await bootstrap(database, clock, control.ids)
  if (!made) throw new Error('the database of a simulation must be empty')
  const principal: Principal = { keyId: 'key_simulation', projectId: made.projectId, role: 'admin', name: 'simulation', installationAdmin: true }
  const account = await createAccount(control, principal, { name: 'sim', provider: 'sim', region: dc.region, settings: {}, credentials: {} })
  const world: SimWorld = {
    clock,
    random,
    dc,
    control,
    principal,
    account,
    inFlight,
    services: [],
    queueFaults: { lose: random.next() * 0.5, repeat: 0.2, delayMaxMs: random.int(10, 2000) },
    trace: (line) => options.trace?.(`${((clock.nowMs() - world.startedMs) / 1000).toFixed(1).padStart(8)} ${line}`),
    startedMs: clock.nowMs(),
    serviceCount: options.services ?? 3,
    life: new Life(),
    worker: undefined,
    violation: undefined,
    chaosUntilMs: 0,
    ticks: 0,
    crashes: 0,
    interruptions: 0,
    incarnation: 0,
    close: () => database.close(),
  }
  watchTerminations(world)
  await startLife(world)
  return world
}

/** We end instances through the API; a person of the simulation never does, so every such end is ours. */
function watchTerminations(world: SimWorld): void {
  world.dc.subscribe((event) => {
    if (event.kind !== 'instance_state' || event.to !== 'shutting-down') return
    const instance = world.dc.instances.get(event.instanceId)
    if (!instance?.stateReason?.code.startsWith('Client.UserInitiated')) return
    try {
      checkTermination(
        world.dc,
        world.services.map((service) => service.watched),
        event.instanceId,
      )
    } catch (error) {
      // Listeners may not throw into the data centre: the loop finds it.
      world.violation ??= error
    }
  })
}

/** A new process: a new runner id, nothing in memory. */
export async function startLife(world: SimWorld): Promise<void> {
  const life = new Life()
  world.life = life
  world.incarnation += 1
  const clock = life.clock(world.clock)
  const control: Control = {
    ...world.control,
    clock,
    database: mortalDatabase(world.control.database, life),
    providers: { ...world.control.providers, open: async (account) => life.shroud(await world.control.providers.open(account)) },
  }
  world.worker = await startWorker({
    control,
    queue: lossyQueue(clock, world.random, world.queueFaults),
    runnerId: `life-${world.incarnation}`,
    concurrencyMax: 64,
    leaseMs: 20_000,
    sender: { send: () => Promise.reject(new Error('a simulation has no webhooks')) },
    observe: (event) => {
      if (event.type === 'finished' || event.type === 'stuck')
        world.trace(`${event.saga} ${event.operationId} ${event.type === 'finished' ? event.status : 'stuck'} ${event.failure?.message ?? ''}`)
      if (event.type === 'step_finished')
        world.trace(`  ${event.saga} ${event.operationId} ${event.step} ${event.action} ${event.outcome} ${event.failure?.message ?? ''}`)
    },
    onError: (where, error) => world.trace(`error in ${where}: ${String(error)}`),
    pollers: { parallel: 1, waitSeconds: 20, refreshMs: minute },
    reconcilers: [shadowsReconciler, primariesReconciler],
    sweepMs: 5000,
    relayMs: 5000,
  })
}

/** Moves time from one event to the next; everything that can happen without time passing happens first. */
export async function runUntil(world: SimWorld, untilMs: number, done: () => boolean = () => false): Promise<void> {
  const watched = world.services.map((service) => service.watched)
  while (!done()) {
    await world.inFlight.settle()
    if (world.violation !== undefined) throw world.violation
    checkEveryMoment(world.dc, watched)
    const next = world.clock.nextDueMs
    if (next === undefined || next > untilMs) {
      world.clock.advance(Math.max(0, untilMs - world.clock.nowMs()))
      return
    }
    world.clock.advanceToNext()
    world.ticks += 1
  }
}

/** Lets virtual time pass until a promise of the world has settled. */
export async function settled<T>(world: SimWorld, work: Promise<T>): Promise<T> {
  const outcome: { value?: T; error?: unknown; state: 'waiting' | 'done' | 'failed' } = { state: 'waiting' }
  const finished = world.inFlight.track(work).then(
    (value) => Object.assign(outcome, { value, state: 'done' as const }),
    (error: unknown) => Object.assign(outcome, { error, state: 'failed' as const }),
  )
  await runUntil(world, world.clock.nowMs() + 10 * minute, () => outcome.state !== 'waiting')
  await finished
  if (outcome.state === 'failed') throw outcome.error
  return outcome.value as T
}

async function populate(world: SimWorld): Promise<void> {
  const { dc, random, control, principal, account } = world
  for (let index = 0; index < world.serviceCount; index++) {
    const seeded = seedWebService(dc, { name: `web-${index}`, purchase: 'spot', intervalSeconds: 5, deregistrationDelaySeconds: random.int(1, 60) })
    await runUntil(world, world.clock.nowMs() + 2 * minute, () => dc.instances.get(seeded.instance.instanceId)?.state === 'running')
    await settled(
      world,
      importResource(control, principal, {
        accountId: account.id,
        nativeId: seeded.instance.instanceId,
        name: `web-${index}`,
        traffic: { mechanism: 'lb-weight', native: { ...seeded.binding } },
      }),
    )
    const found = async () =>
      (await world.inFlight.track(control.database.stores.resources.findByNativeIds(account.id, [seeded.instance.instanceId])))[0]
    let resource = await found()
    while (!resource) {
      await runUntil(world, world.clock.nowMs() + 1000)
      resource = await found()
    }
    world.services.push({
      seeded,
      watched: { listenerArn: seeded.listener.arn, groups: [seeded.primary.arn, seeded.standby.arn], resourceId: resource.id },
    })
    await settled(world, protectResource(control, principal, { id: resource.id, seenVersion: resource.version, tier: anyTier(random) }))
  }
  // Most worlds begin well protected; some are hit while they are still being built.
  if (random.next() < 0.8) await runUntil(world, world.clock.nowMs() + 4 * minute)
}

function anyTier(random: Random): Tier {
  const readiness = pick(random, ['hot', 'hot', 'warm', 'parked', 'cold'] as const)
  return {
    shadows: random.int(1, 2),
    readiness,
    zones: pick(random, ['other', 'any'] as const),
    instanceType: readiness === 'warm' ? 't3.small' : undefined,
    purchase: readiness === 'parked' ? 'on-demand' : pick(random, ['spot', 'on-demand'] as const),
    holdMemory: false,
    proofMaxAgeSeconds: pick(random, [300, 3600]),
    formerPrimary: pick(random, ['terminate', 'standby'] as const),
  }
}

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
]

function scheduleMischief(world: SimWorld): void {
  const { dc, random, clock } = world
  const intensity = random.next() * 0.15
  dc.faults.plan(
    faulty.flatMap((operation) => [
      { operation, fault: { kind: 'throttle' } as const, probability: intensity * random.next() },
      { operation, fault: { kind: 'internal_error' } as const, probability: intensity * random.next() * 0.5 },
      { operation, fault: { kind: 'reset_before' } as const, probability: intensity * random.next() * 0.5 },
      { operation, fault: { kind: 'reset_after' } as const, probability: intensity * random.next() * 0.5 },
      ...(operation === 'RunInstances' || operation === 'StartInstances'
        ? [{ operation, fault: { kind: 'capacity' } as const, probability: random.next() * 0.3 }]
        : []),
    ]),
  )
  if (random.next() < 0.3) dc.faults.setConsistency({ visibleAfter: random.int(0, 5000) })
  if (random.next() < 0.3) dc.faults.slowStarts(1 + random.next() * 5)
  const next = (): void => {
    if (clock.nowMs() >= world.chaosUntilMs) return
    mischief(world)
    clock.schedule(random.int(2000, 60_000), next)
  }
  clock.schedule(random.int(0, 30_000), next)
}

function mischief(world: SimWorld): void {
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
  const deed = pick(random, deeds)
  world.trace(`* ${deed.name}`)
  deed(world)
}

const primaryOf = (world: SimWorld) => {
  const service = pick(world.random, world.services)
  const running = [...world.dc.instances.all()].filter(
    (instance) => instance.state === 'running' && instance.market === 'spot' && instance.tags['understudy:resource'] === service.watched.resourceId,
  )
  return running.find((instance) => instance.tags['understudy:role'] === 'primary')
}

function interrupt(world: SimWorld): void {
  const primary = primaryOf(world)
  if (!primary) return
  world.interruptions += 1
  world.dc.market.interrupt(primary.instanceId, { noticeMs: pick(world.random, [30_000, 120_000, 120_000]), copies: pick(world.random, [1, 1, 3]) })
}
function interruptTwice(world: SimWorld): void {
  interrupt(world)
  world.clock.schedule(world.random.int(100, 5000), () => interrupt(world))
}
function reclaimSilently(world: SimWorld): void {
  const primary = primaryOf(world)
  if (primary) world.dc.market.reclaim(primary.instanceId, {})
}
function noticeAfterReclaim(world: SimWorld): void {
  const primary = primaryOf(world)
  if (primary) world.dc.market.reclaim(primary.instanceId, { noticeAfterMs: world.random.int(100, 20_000) })
}
function loseAShadow(world: SimWorld): void {
  const shadows = [...world.dc.instances.all()].filter(
    (instance) => instance.state === 'running' && instance.market === 'spot' && instance.tags['understudy:role'] === 'shadow',
  )
  if (shadows.length > 0) world.dc.market.reclaim(pick(world.random, shadows).instanceId, {})
}
function rebalance(world: SimWorld): void {
  const primary = primaryOf(world)
  if (primary) world.dc.market.rebalance(primary.instanceId)
}
function massReclaim(world: SimWorld): void {
  const zone = pick(world.random, world.dc.network.describeZones().items).name
  world.interruptions += world.dc.market.massReclaim({ zone, noticeMs: 120_000 }).length
}
function manualFailover(world: SimWorld): void {
  const { resourceId } = pick(world.random, world.services).watched
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
function endMischief(world: SimWorld): void {
  world.trace('* calm')
  world.dc.faults.clear()
  Object.assign(world.queueFaults, { lose: 0.1, repeat: 0.1, delayMaxMs: 200 })
}
