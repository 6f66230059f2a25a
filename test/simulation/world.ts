import { parseEvent, simProvider } from '@understudy/cloud-sim'
import type { DataCentre } from '@understudy/cloud-sim'
import { acceptSignals, aesGcmVault, bootstrap, createAccount } from '@understudy/control'
import type { Account, Control, Principal } from '@understudy/control'
import { VirtualClock, seededIds, seededRandom } from '@understudy/core'
import type { Random } from '@understudy/core'
import { openDatabase } from '@understudy/persistence'
import type { Adapter, ParsedSignal, Provider } from '@understudy/provider'
import type { RunningWorker } from '@understudy/worker'
import { modelOf } from './clouds/cloud.ts'
import type { Cloud } from './clouds/cloud.ts'
import { checkTermination } from './invariants.ts'
import type { Watched } from './invariants.ts'
import { Life, orderedDatabase } from './mortal.ts'
import { startLife } from './run.ts'
import { InFlight } from '@understudy/testing/in-flight'

export const minute = 60_000

/** A cloud with the account we have there, and one region of it. */
export interface Site {
  readonly cloud: Cloud
  readonly dc: DataCentre
  readonly provider: Provider
  readonly account: Account
}

export interface Service {
  readonly site: Site
  readonly resourceId: string
  readonly watched: Watched
}

export interface SimWorld {
  readonly clock: VirtualClock
  readonly random: Random
  /** Decides what stands there; apart from `random`, so that more of it does not change what happens. */
  readonly layout: Random
  readonly sites: Site[]
  readonly control: Control
  readonly principal: Principal
  readonly inFlight: InFlight
  readonly services: Service[]
  readonly queueFaults: { lose: number; repeat: number; delayMaxMs: number }
  readonly trace: (line: string) => void
  readonly startedMs: number
  /** When a failover had moved the traffic, by operation. */
  readonly redirected: Map<string, number>
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

export interface WorldOptions {
  readonly seed: number
  /** An empty, migrated database of its own. */
  readonly databaseUrl: string
  readonly clouds: readonly Cloud[]
  /** Tells what happens, for finding out why a seed fails. */
  readonly trace?: (line: string) => void
}

export async function createWorld(options: WorldOptions): Promise<SimWorld> {
  const random = seededRandom(options.seed)
  const clock = new VirtualClock()
  const opened = openDatabase({ url: options.databaseUrl, poolMax: 1, clock, preparesStatements: true, connectTimeoutMs: 60_000 })
  const stateChangeEvents = random.next() < 0.5
  const inFlight = new InFlight()
  const database = orderedDatabase(opened, inFlight)
  const regions = options.clouds.map((cloud, index) =>
    openRegion(cloud, { clock, random: seededRandom(options.seed ^ (0x5eed + index)), stateChangeEvents }),
  )
  const control: Control = {
    database,
    clock,
    ids: seededIds(seededRandom(options.seed + 1)),
    random: seededRandom(options.seed + 2),
    vault: aesGcmVault({ keys: new Map([['sim', new Uint8Array(32).fill(1)]]), current: 'sim' }),
    providers: {
      names: regions.map(({ cloud }) => cloud.name),
      adapter: (name) => regions.find(({ cloud }) => cloud.name === name)?.adapter,
      open: ({ provider }) => Promise.resolve(needed(regions.find(({ cloud }) => cloud.name === provider)).provider),
    },
    settings: { installation: 'simulation', armTtlMs: 3 * minute, webhookAllowedNetworks: [], idempotencyTtlMs: 24 * 60 * minute },
  }
  const made = await bootstrap(database, clock, control.ids)
  if (!made) throw new Error('the database of a simulation must be empty')
  const principal: Principal = { keyId: 'key_simulation', projectId: made.projectId, role: 'admin', name: 'simulation', installationAdmin: true }
  const world: SimWorld = {
    clock,
    random,
    layout: seededRandom(options.seed ^ 0x1a70),
    sites: [],
    control,
    principal,
    inFlight,
    services: [],
    queueFaults: { lose: random.next() * 0.5, repeat: 0.2, delayMaxMs: random.int(10, 2000) },
    trace: (line) => options.trace?.(`${((clock.nowMs() - world.startedMs) / 1000).toFixed(1).padStart(8)} ${line}`),
    startedMs: clock.nowMs(),
    redirected: new Map(),
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
  for (const { cloud, dc, provider, parse } of regions) {
    const { id: nativeAccount, settings, credentials } = cloud.account
    const account = await createAccount(control, principal, {
      name: cloud.name,
      provider: cloud.name,
      nativeAccount,
      region: dc.region,
      settings,
      credentials,
    })
    const site = { cloud, dc, provider, account }
    world.sites.push(site)
    watchTerminations(world, dc)
    if (cloud.tellsBy === 'guest') letGuestsTell(world, site, parse)
  }
  await startLife(world)
  return world
}

const needed = <T>(found: T | undefined): T => {
  if (found === undefined) throw new Error('no account of this cloud')
  return found
}

function openRegion(cloud: Cloud, options: { readonly clock: VirtualClock; readonly random: Random; readonly stateChangeEvents: boolean }) {
  const dc = cloud.seedRegion(options)
  const model = modelOf(cloud)
  const provider = simProvider(dc, { provider: cloud.name, like: model })
  const notice = model.traits.interruptionNotice
  const parse = (document: unknown) => parseEvent(document, notice.supported ? notice.seconds * 1000 : 0)
  const adapter: Adapter = { ...cloud.adapter, validate: () => [], create: () => provider, parse }
  return { cloud, dc, provider, adapter, parse }
}

/** An agent in the guest tells us what it is told, by the API, for as long as the guest lives. */
function letGuestsTell(world: SimWorld, { dc, account }: Site, parse: (document: unknown) => ParsedSignal): void {
  dc.subscribe((event) => {
    const parsed = event.kind === 'cloud_event' ? parse(event.event) : undefined
    if (parsed?.outcome !== 'signals') return
    const heard = parsed.signals.filter(({ nativeId }) => dc.instances.get(nativeId)?.answering === true)
    if (heard.length === 0) return
    const told = acceptSignals(world.control, { account, source: 'api', received: heard.map((signal) => ({ signal, raw: null })) })
    world.inFlight.track(told).catch((error: unknown) => (world.violation ??= error))
  })
}

/** We end instances through the API; a person of the simulation never does, so every such end is ours. */
function watchTerminations(world: SimWorld, dc: DataCentre): void {
  dc.subscribe((event) => {
    if (event.kind !== 'instance_state' || event.to !== 'shutting-down') return
    const instance = dc.instances.get(event.instanceId)
    if (!instance?.stateReason?.code.startsWith('Client.UserInitiated')) return
    try {
      checkTermination(
        dc,
        world.services.map((service) => service.watched),
        event.instanceId,
      )
    } catch (error) {
      // Listeners may not throw into the data centre: the loop finds it.
      world.violation ??= error
    }
  })
}
