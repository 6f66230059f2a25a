import { createProviders } from '@understudy/adapters'
import { seedRegion, seedWebService, simProvider } from '@understudy/cloud-sim'
import type { DataCentre } from '@understudy/cloud-sim'
import {
  aesGcmVault,
  authenticate,
  bootstrap,
  captureRecoveryPoint,
  createAccount,
  failureOf,
  importResource,
  restoreDrillsReconciler,
  sagaDefinitions,
  serviceSigner,
  startTestRollback,
} from '@understudy/control'
import type { Control, Operation, Principal, SagaDeps } from '@understudy/control'
import { isAppError, ownTags, randomIds, seededRandom, sleep, VirtualClock } from '@understudy/core'
import type { Random } from '@understudy/core'
import { openDatabase } from '@understudy/persistence'
import { createRunner, isFinal, runnable } from '@understudy/saga'
import type { SagaStore } from '@understudy/saga'
import { drive } from '@understudy/saga/testing'
import { orderedDatabase } from './mortal.ts'
import { InFlight } from '@understudy/testing/in-flight'

export interface Rehearsal {
  /** How the test rollbacks ended. */
  readonly statuses: Readonly<Record<string, number>>
  readonly crashes: number
  readonly sweeps: number
  readonly stuck: number
  /** Not begun, because one before them is stuck. */
  readonly refused: number
  /** What is still in the cloud when everybody's time is up: nothing, or the ids. */
  readonly left: readonly string[]
  /** Rows that do not say that they were cleaned. */
  readonly uncleaned: number
  readonly virtualSeconds: number
}

const resources = 5
const leaseMs = 30_000
const hourMs = 3_600_000

/** Test rollbacks in virtual time, in a region where calls fail, capacity is short, guests do not answer, and workers die. */
export async function rehearse(options: { readonly seed: number; readonly drills: number; readonly databaseUrl: string }): Promise<Rehearsal> {
  const clock = new VirtualClock(Date.UTC(2026, 0, 1))
  const random = seededRandom(options.seed)
  const opened = openDatabase({ url: options.databaseUrl, clock, connectTimeoutMs: 60_000 })
  const inFlight = new InFlight()
  const database = orderedDatabase(opened, inFlight)
  const dc = seedRegion({ clock, random: seededRandom(options.seed + 1) })
  const provider = simProvider(dc, { installation: 'rehearsal', queue: false })
  const vault = aesGcmVault({ keys: new Map([['test', new Uint8Array(32).fill(7)]]), current: 'test' })
  const adapter = {
    name: 'sim',
    validate: () => [],
    create: () => provider,
    parse: () => ({ outcome: 'ignored', reason: 'nothing is pushed' }) as const,
  }
  const control: Control = {
    ...{ database, clock, ids: randomIds, random, vault },
    providers: createProviders({ adapters: [adapter], accounts: () => database.stores.accounts, vault, installation: 'rehearsal', clock, random }),
    settings: { installation: 'rehearsal', armTtlMs: 60_000, webhookAllowedNetworks: ['10.0.0.0/8'], idempotencyTtlMs: 86_400_000 },
  }
  const deps: SagaDeps = {
    ...{ database, clock, ids: randomIds, settings: control.settings, vault, signer: serviceSigner(control) },
    openProvider: () => Promise.resolve(provider),
    prober: {
      attempt: () =>
        Promise.resolve(random.next() < 0.1 ? { passed: false, detail: 'It answered 503.' } : { passed: true, detail: 'It answered 200.' }),
    },
  }
  const world = new Rehearsing(control, deps, dc, random)
  try {
    return await drive(clock, world.run(options.drills), { settle: () => inFlight.settle() })
  } finally {
    dc.close()
    await opened.close()
  }
}

class Rehearsing {
  readonly #control: Control
  readonly #deps: SagaDeps
  readonly #dc: DataCentre
  readonly #random: Random
  #crashes = 0
  #sweeps = 0
  #stuck = 0
  #refused = 0

  constructor(control: Control, deps: SagaDeps, dc: DataCentre, random: Random) {
    this.#control = control
    this.#deps = deps
    this.#dc = dc
    this.#random = random
  }

  async run(drills: number): Promise<Rehearsal> {
    const control = this.#control
    const startedMs = control.clock.nowMs()
    const made = await bootstrap(control.database, control.clock, control.ids)
    if (made === undefined) throw new Error('the database is not empty')
    const principal = await authenticate(control, made.secret)
    const points = await this.#points(principal)
    this.#trouble()
    for (let done = 0; done < drills; done += points.length) {
      const batch = points.slice(0, drills - done)
      await Promise.all(batch.map((pointId) => this.#rehearse(principal, pointId)))
      await this.#sweep()
    }
    this.#dc.faults.clear()
    this.#dc.faults.setConsistency({ visibleAfter: 0, staleFor: 0 })
    // The longest time that any of them may be there.
    await sleep(control.clock, 2 * hourMs)
    await this.#sweep()
    const statuses: Record<string, number> = {}
    const rows = await control.database.stores.restoreDrills.list(principal.projectId, { after: undefined, limit: drills })
    for (const { status } of rows) statuses[status] = (statuses[status] ?? 0) + 1
    return {
      statuses,
      ...{ crashes: this.#crashes, sweeps: this.#sweeps, stuck: this.#stuck, refused: this.#refused, left: this.#left() },
      uncleaned: rows.filter(({ cleanedAt }) => cleanedAt === undefined).length,
      virtualSeconds: (control.clock.nowMs() - startedMs) / 1000,
    }
  }

  async #points(principal: Principal): Promise<readonly string[]> {
    const control = this.#control
    const account = await createAccount(control, principal, { name: 'sim', provider: 'sim', region: this.#dc.region, settings: {}, credentials: {} })
    const points: string[] = []
    for (let index = 0; index < resources; index++) {
      const { instance, binding } = seedWebService(this.#dc, { name: `web-${index}`, purchase: 'on-demand' })
      await sleep(control.clock, 120_000)
      const traffic = { mechanism: 'lb-weight', native: { ...binding } } as const
      await this.#finish(
        await importResource(control, principal, { accountId: account.id, nativeId: instance.instanceId, name: `web-${index}`, traffic }),
      )
      const [resource] = await control.database.stores.resources.findByNativeIds(account.id, [instance.instanceId])
      if (resource === undefined) throw new Error('the import has made no resource')
      const capture = await captureRecoveryPoint(control, principal, { resourceId: resource.id, reason: 'a rehearsal' })
      await this.#finish(capture)
      points.push((capture.params as { readonly pointId: string }).pointId)
    }
    return points
  }

  #trouble(): void {
    this.#dc.faults.plan([
      { operation: 'RunInstances', fault: { kind: 'capacity' }, probability: 0.08 },
      { operation: '*', fault: { kind: 'reset_after' }, probability: 0.03 },
      { operation: '*', fault: { kind: 'reset_before' }, probability: 0.03 },
      { operation: '*', fault: { kind: 'internal_error' }, probability: 0.02 },
      { operation: '*', fault: { kind: 'throttle' }, probability: 0.03 },
    ])
    this.#dc.faults.setConsistency({ visibleAfter: { minMs: 0, maxMs: 8000 }, staleFor: { minMs: 0, maxMs: 4000 } })
  }

  async #rehearse(principal: Principal, id: string): Promise<void> {
    const probe = { kind: 'http', port: 8080, path: '/healthz' } as const
    const verification = { probes: [probe], withinSeconds: this.#random.next() < 0.2 ? 1 : 120 }
    if (this.#random.next() < 0.1) this.#dc.faults.failLaunches()
    try {
      await this.#finish(await startTestRollback(this.#control, principal, { id, reason: 'a rehearsal', verification, ttlSeconds: 3600 }), 0.4)
    } catch (error) {
      // One that is stuck keeps its point until a person has looked; the sweep does not wait for that.
      if (!isAppError(error, 'busy')) throw error
      this.#refused += 1
    }
  }

  async #sweep(): Promise<void> {
    await restoreDrillsReconciler.pass(this.#control)
    for (const operation of await this.#control.database.stores.operations.listUnfinished({ kinds: ['recovery.sweep-drill'], limit: 1000 })) {
      this.#sweeps += 1
      await this.#finish(operation)
    }
  }

  /** Runs an operation to its end. Workers die at random moments, with a probability for each. */
  async #finish({ id }: Pick<Operation, 'id'>, mortality = 0): Promise<void> {
    for (let lives = 0; lives < 100; lives++) {
      const dies = this.#random.next() < mortality
      const store = dies ? this.#dying(this.#deps.database.sagas) : this.#deps.database.sagas
      const runner = createRunner({
        ...{ store, clock: this.#deps.clock, random: this.#random, runnerId: `worker-${lives}`, classify: failureOf, leaseMs, undoAttemptsMax: 100 },
        sagas: sagaDefinitions.map((definition) => runnable(definition, () => this.#deps)),
      })
      await runner.runOne(id)
      const found = await this.#deps.database.stores.operations.findById(id)
      if (found !== undefined && (isFinal(found.status) || found.status === 'stuck')) {
        if (found.status === 'stuck') this.#stuck += 1
        return
      }
      await sleep(this.#deps.clock, leaseMs + 1000)
    }
    throw new Error(`the operation ${id} has not ended`)
  }

  /** The store as a process sees it that dies after some calls: from then on nothing it asks arrives. */
  #dying(store: SagaStore): SagaStore {
    let left = this.#random.int(1, 14)
    let counted = false
    return new Proxy(store, {
      get: (target, property) => {
        const method: unknown = Reflect.get(target, property)
        if (typeof method !== 'function') return method
        return (...parameters: readonly unknown[]): unknown => {
          left -= 1
          if (left >= 0) return Reflect.apply(method, target, parameters)
          if (!counted) this.#crashes += 1
          counted = true
          return Promise.reject(new Error('the process has died'))
        }
      },
    })
  }

  #left(): readonly string[] {
    const isDrill = ({ tags }: { readonly tags: Readonly<Record<string, string>> }): boolean => tags[ownTags.role] === 'drill'
    const instances = [...this.#dc.instances.all()].filter((instance) => isDrill(instance) && instance.state !== 'terminated')
    const volumes = this.#dc.storage.describeVolumes().items.filter((volume) => isDrill(volume))
    const groups = this.#dc.network.describeSecurityGroups().items.filter((group) => isDrill(group))
    return [...instances.map(({ instanceId }) => instanceId), ...volumes.map(({ volumeId }) => volumeId), ...groups.map(({ groupId }) => groupId)]
  }
}
