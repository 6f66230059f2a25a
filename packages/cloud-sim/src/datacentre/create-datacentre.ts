import { ownTags, sleep, type Clock, type JsonObject } from '@understudy/core'
import type { InvokeOptions, Orphan } from './api.ts'
import { Balancers } from './balancers.ts'
import { memoryBlockStore } from './block-store-layers.ts'
import type { BlockStore } from './block-store.ts'
import { Calls } from './calls.ts'
import { Catalogue } from './catalogue.ts'
import type { DataCentre, DataCentreOptions, Latencies, Probe } from './datacentre.ts'
import { Dns } from './dns.ts'
import { errorBefore, Faults, throttled } from './faults.ts'
import { HostGroups } from './host-groups.ts'
import { Instances } from './instances.ts'
import { Lifecycle } from './lifecycle.ts'
import { Launch } from './launch.ts'
import { Maintenance } from './maintenance.ts'
import { SpotMarket } from './market.ts'
import { Network } from './network.ts'
import { Power } from './power.ts'
import { RateLimits } from './rate-limits.ts'
import { ConnectionReset, SimError } from './sim-error.ts'
import { SpotRequests } from './spot-requests.ts'
import { emptyState, stateFromJson, stateToJson, type State } from './state.ts'
import { Storage } from './storage.ts'
import { Tagging } from './tagging.ts'
import type { CallRecord, DataCentreEvent } from './types.ts'
import { World } from './world.ts'

export const usualLatencies: Latencies = {
  pending: { minMs: 4_000, maxMs: 9_000 },
  stopping: { minMs: 10_000, maxMs: 30_000 },
  hibernating: { minMs: 15_000, maxMs: 45_000 },
  shuttingDown: { minMs: 10_000, maxMs: 30_000 },
  boot: { minMs: 8_000, maxMs: 20_000 },
  resume: { minMs: 5_000, maxMs: 12_000 },
  volumeCreate: { minMs: 1_000, maxMs: 3_000 },
  attach: { minMs: 1_000, maxMs: 3_000 },
  detach: { minMs: 1_000, maxMs: 4_000 },
  snapshot: { minMs: 20_000, maxMs: 90_000 },
  loadBalancerCreate: { minMs: 30_000, maxMs: 90_000 },
  terminatedVisible: 3_600_000,
  hibernationAgent: 120_000,
  spotReturn: { minMs: 600_000, maxMs: 1_800_000 },
  spotRelaunch: { minMs: 20_000, maxMs: 60_000 },
  listenerPropagation: 0,
  call: 0,
}

/** Where copies of snapshots can be put; nothing else is there. */
const otherRegions = ['sim-west-1', 'sim-central-1', 'sim-east-1']

/** A new data centre: zones and a default network, nothing else. See `seedRegion` for one with images and types. */
export function createDataCentre(options: DataCentreOptions): DataCentre {
  const salt = Array.from({ length: 4 }, () => options.random.int(0, 0xffff).toString(16).padStart(4, '0')).join('')
  const built = build(options, emptyState(salt))
  const { world, network } = built
  const letters = options.zoneLetters ?? ['a', 'b', 'c']
  letters.forEach((letter, index) => {
    world.state.zones.set(`${world.region}${letter}`, {
      name: `${world.region}${letter}`,
      zoneId: `${zonePrefix(world.region)}-az${index + 1}`,
      state: 'available',
    })
  })
  network.createDefaultVpc()
  return built.dataCentre
}

/** The data centre that `serialise` described; what was pending then goes on now, late changes first. */
export function restoreDataCentre(options: DataCentreOptions, json: JsonObject): DataCentre {
  const { state, timers } = stateFromJson(json)
  const built = build(options, state)
  built.world.timers.restore(timers)
  built.balancers.wakeTargets()
  return built.dataCentre
}

/** `sim-east-1` → `sime1`, like EC2's `use1`. */
const zonePrefix = (region: string): string => region.replace(/^([a-z]+)-([a-z])[a-z]*-?(\d*)$/, '$1$2$3')

function build(options: DataCentreOptions, state: State) {
  const world = new World(
    {
      clock: options.clock,
      random: options.random,
      region: options.region ?? 'sim-east-1',
      accountId: options.accountId ?? '123456789012',
      latencies: { ...usualLatencies, ...options.latencies },
      blocks: options.blocks ?? memoryBlockStore(),
      encryptionByDefault: options.encryptionByDefault ?? true,
      stateChangeEvents: options.stateChangeEvents ?? true,
      ownersRestart: options.ownersRestart ?? false,
    },
    state,
  )
  const network = new Network(world)
  const catalogue = new Catalogue(world)
  const storage = new Storage(world)
  const spotRequests = new SpotRequests(world)
  const lifecycle = new Lifecycle(world, { network, catalogue, storage, spotRequests })
  const hostGroups = new HostGroups(world)
  const power = new Power(world, { catalogue, spotRequests, lifecycle, hostGroups })
  const launch = new Launch(world, { network, catalogue, storage, spotRequests, lifecycle, hostGroups })
  const balancers = new Balancers(world, network)
  const faults = new Faults(world, lifecycle)
  if (options.consistency) faults.setConsistency(options.consistency)
  if (options.probe) balancers.setProbe(options.probe)
  const dataCentre = new Region(world, {
    instances: new Instances(world, { launch, power, network, catalogue, storage }),
    hostGroups,
    storage,
    tags: new Tagging(world),
    network,
    catalogue,
    balancers,
    dns: new Dns(world),
    market: new SpotMarket(world, lifecycle, spotRequests, catalogue),
    maintenance: new Maintenance(world, lifecycle),
    faults,
    limits: options.rateLimits ? new RateLimits(() => world.now()) : undefined,
  })
  return { world, network, balancers, dataCentre }
}

interface Parts {
  readonly instances: Instances
  readonly hostGroups: HostGroups
  readonly storage: Storage
  readonly tags: Tagging
  readonly network: Network
  readonly catalogue: Catalogue
  readonly balancers: Balancers
  readonly dns: Dns
  readonly market: SpotMarket
  readonly maintenance: Maintenance
  readonly faults: Faults
  readonly limits: RateLimits | undefined
}

class Region implements DataCentre {
  readonly region: string
  readonly otherRegions: readonly string[]
  readonly accountId: string
  readonly clock: Clock
  readonly instances: Instances
  readonly hostGroups: HostGroups
  readonly storage: Storage
  readonly tags: Tagging
  readonly network: Network
  readonly catalogue: Catalogue
  readonly balancers: Balancers
  readonly dns: Dns
  readonly market: SpotMarket
  readonly maintenance: Maintenance
  readonly faults: Faults
  readonly calls = new Calls()
  readonly blocks: BlockStore
  readonly #world: World
  readonly #limits: RateLimits | undefined

  constructor(world: World, parts: Parts) {
    this.#world = world
    this.region = world.region
    this.otherRegions = otherRegions.filter((name) => name !== world.region)
    this.accountId = world.accountId
    this.clock = world.clock
    this.blocks = world.blocks
    this.instances = parts.instances
    this.hostGroups = parts.hostGroups
    this.storage = parts.storage
    this.tags = parts.tags
    this.network = parts.network
    this.catalogue = parts.catalogue
    this.balancers = parts.balancers
    this.dns = parts.dns
    this.market = parts.market
    this.maintenance = parts.maintenance
    this.faults = parts.faults
    this.#limits = parts.limits
  }

  async invoke<T>(operation: string, effect: () => T, options: InvokeOptions = {}): Promise<T> {
    const fault = this.faults.take(operation)
    const delayMs = this.#world.draw(this.#world.latencies.call) + (fault?.kind === 'latency' ? this.#world.draw(fault.latency) : 0)
    if (delayMs > 0) await sleep(this.clock, delayMs)
    try {
      if (this.#limits && !this.#limits.admit(operation, options)) throw throttled(operation)
      const before = errorBefore(fault, operation)
      if (before) throw before
      const result = this.#world.atOneInstant(effect)
      if (fault?.kind === 'reset_after') throw new ConnectionReset(true)
      this.#record(operation, options, 'ok')
      return result
    } catch (error) {
      if (error instanceof SimError) this.#record(operation, options, 'error', error.code)
      else this.#record(operation, options, error instanceof ConnectionReset ? 'reset' : 'error')
      throw error
    }
  }

  subscribe(listener: (event: DataCentreEvent) => void): () => void {
    return this.#world.subscribe(listener)
  }

  setProbe(probe: Probe | undefined): void {
    this.balancers.setProbe(probe)
  }

  orphans(isOwned: (operationKey: string) => boolean = () => false): readonly Orphan[] {
    const { instances, volumes, snapshots, addresses } = this.#world.state
    const found: Orphan[] = []
    const look = (kind: Orphan['kind'], id: string, record: { readonly tags: Record<string, string>; readonly createdAtMs: number }): void => {
      const operationKey = record.tags[ownTags.operation]
      if (operationKey !== undefined && !isOwned(operationKey))
        found.push({ kind, id, operationKey, createdAtMs: record.createdAtMs, tags: record.tags })
    }
    for (const [id, instance] of instances) if (instance.state !== 'terminated' && instance.state !== 'shutting-down') look('instance', id, instance)
    // A disk goes with its instance; only one that stands alone can be forgotten.
    for (const [id, volume] of volumes) if (!volume.attachment) look('volume', id, volume)
    for (const [id, snapshot] of snapshots) look('snapshot', id, { tags: snapshot.tags, createdAtMs: snapshot.startedAtMs })
    for (const [id, address] of addresses) look('address', id, address)
    return found
  }

  serialise(): JsonObject {
    return stateToJson(this.#world.state, this.#world.timers.pending())
  }

  close(): void {
    this.#world.timers.close()
  }

  now(): number {
    return this.#world.now()
  }

  #record(operation: string, options: InvokeOptions, outcome: CallRecord['outcome'], code?: string): void {
    this.calls.record({
      operation,
      atMs: this.#world.now(),
      outcome,
      ...(code === undefined ? {} : { code }),
      ...(options.detail === undefined ? {} : { detail: options.detail }),
    })
  }
}
