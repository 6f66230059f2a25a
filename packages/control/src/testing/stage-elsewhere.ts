import { seededImages, seedRegion, seedWebService, simProvider } from '@understudy/cloud-sim'
import type { DataCentre } from '@understudy/cloud-sim'
import { ownTags, randomIds, seededRandom } from '@understudy/core'
import type { VirtualClock } from '@understudy/core'
import type { Provider, TrafficBinding } from '@understudy/provider'
import { drive } from '@understudy/saga/testing'
import type { LawWorld } from '@understudy/testing/saga-laws'
import { awaitOperation } from '../cloud/await-operation.ts'
import type { SagaDeps } from '../context.ts'
import { fingerprintOfPlace } from '../resources/elsewhere.ts'
import type { Elsewhere } from '../resources/elsewhere.ts'
import type { Resource, Tier } from '../resources/resource.ts'
import type { Shadow } from '../shadows/shadow.ts'
import type { LawBench } from './law-bench.ts'
import { simProber } from './sim-prober.ts'
import { contextOf, insertAccount, insertResource, installation } from './stage-rows.ts'
import { testSigner } from './test-signer.ts'

const name = 'www.example.com.'

/** A primary in one simulated region and the promise of a shadow in another, each in an account of its own, behind one name. */
export interface StageElsewhere {
  readonly clock: VirtualClock
  readonly deps: SagaDeps
  readonly resource: Resource
  readonly place: Elsewhere
  readonly near: DataCentre
  readonly far: DataCentre
  /** As `:protect` and the planner leave it. */
  planShadow(): Promise<Shadow>
  addShadow(): Promise<Shadow>
  look(): Promise<ViewElsewhere>
  world(parts: Pick<LawWorld<SagaDeps>, 'params' | 'expectDone' | 'expectCleanSlate'>): LawWorld<SagaDeps>
}

/** With `primary`, `shadow` and `new` in place of ids. */
export interface ViewElsewhere {
  /** Weights of the addresses that the name answers with. */
  readonly answers: Readonly<Record<string, number>>
  /** Instances that live, and what they are tagged with. */
  readonly near: Readonly<Record<string, string | undefined>>
  readonly far: Readonly<Record<string, string | undefined>>
  readonly resource: {
    readonly primary: string
    readonly at: 'near' | 'far'
    readonly entry: 'near' | 'far'
    readonly epoch: number
    readonly status: string
  }
  readonly shadows: Readonly<Record<string, { readonly status: string; readonly reserved: boolean; readonly at: 'near' | 'far' }>>
}

export async function setStageElsewhere(
  bench: LawBench,
  options: { readonly place?: Partial<Elsewhere>; readonly tier?: Partial<Tier> } = {},
): Promise<StageElsewhere> {
  const clock = bench.startClock()
  const near = seedRegion({ clock, random: seededRandom(7) })
  const far = seedRegion({ clock, random: seededRandom(8), region: 'sim-west-1' })
  const providers = { near: simProvider(near, { installation }), far: simProvider(far, { installation }) }
  const accounts = { near: await insertAccount(bench, clock, near.region), far: await insertAccount(bench, clock, far.region) }
  const run = <T>(work: Promise<T>): Promise<T> => drive(clock, work, { settle: () => bench.inFlight.settle() })
  const place: Elsewhere = {
    accountId: accounts.far,
    readiness: 'hot',
    purchase: 'on-demand',
    zones: 'any',
    definition: {
      ...{ image: seededImages.ubuntu, arch: 'x86_64', vcpus: 2, memoryMiB: 8192, subnet: far.network.describeSubnets({}).items[0]?.subnetId ?? '' },
      ...{ securityGroups: [], publicAddress: true, bootData: { from: 'primary' } },
    },
    ...options.place,
  }
  const resource = await insertPrimary(bench, {
    clock,
    near,
    provider: providers.near,
    accountId: accounts.near,
    place,
    tier: options.tier ?? {},
    run,
  })
  const deps: SagaDeps = {
    database: bench.database,
    clock,
    ids: randomIds,
    settings: { installation, armTtlMs: 180_000, webhookAllowedNetworks: [], idempotencyTtlMs: 86_400_000 },
    openProvider: (accountId) => Promise.resolve(accountId === accounts.far ? providers.far : providers.near),
    vault: { open: () => '' },
    prober: simProber(far),
    signer: testSigner(bench.database, clock),
  }
  const names = new Map([[resource.nativeId, 'primary']])
  const shadowRow = (overrides: Partial<Shadow>): Shadow => ({
    ...{ id: randomIds.next('shadow'), projectId: resource.projectId, resourceId: resource.id, accountId: accounts.far, nativeId: undefined },
    ...{ status: 'planned', zone: `${far.region}b`, instanceType: 'm7i.large', purchase: place.purchase, readiness: place.readiness },
    ...{ dnaFingerprint: fingerprintOfPlace(place), proof: undefined, armedUntil: undefined, operationId: undefined, failures: 0 },
    ...{ lastError: undefined, createdAt: new Date(clock.nowMs()), updatedAt: new Date(clock.nowMs()), version: 1 },
    ...overrides,
  })
  const insert = async (shadow: Shadow): Promise<Shadow> => {
    await bench.database.stores.shadows.insert(shadow)
    return shadow
  }
  return {
    ...{ clock, deps, resource, place, near, far },
    planShadow: () => insert(shadowRow({})),
    async addShadow() {
      const row = shadowRow({})
      const nativeId = await run(launch(providers.far, place, row, clock))
      names.set(nativeId, 'shadow')
      const proof = { at: new Date(clock.nowMs()), method: 'health', seconds: 20, operationId: undefined } as const
      return insert({ ...row, nativeId, status: 'ready', proof })
    },
    look: () => look({ bench, near, far, farAccountId: accounts.far, resource, names }),
    world: (parts) => ({
      ...parts,
      deps,
      clock,
      settle: () => bench.inFlight.settle(),
      close() {
        near.close()
        far.close()
      },
    }),
  }
}

async function insertPrimary(
  bench: LawBench,
  what: {
    readonly clock: VirtualClock
    readonly near: DataCentre
    readonly provider: Provider
    readonly accountId: string
    readonly place: Elsewhere
    readonly tier: Partial<Tier>
    run<T>(work: Promise<T>): Promise<T>
  },
): Promise<Resource> {
  const { clock, near, provider, accountId, place, run } = what
  const { instance } = seedWebService(near, { name: 'web', userData: Buffer.from('#!/bin/sh\necho primary').toString('base64') })
  await clock.advanceAsync(120_000)
  const primary = { ...provider.scope, nativeId: instance.instanceId, zone: instance.zone }
  const zone = near.dns.createZone('example.com.')
  near.dns.change(zone.id, [{ action: 'CREATE', record: { name, type: 'A', ttl: 30, values: [instance.publicIp ?? ''] } }])
  const binding: TrafficBinding = { mechanism: 'dns-weight', native: { hostedZoneId: zone.id, name } }
  const tier: Tier = {
    ...{ shadows: 0, readiness: 'hot', zones: 'other', instanceType: undefined, purchase: 'on-demand', holdMemory: false },
    ...{ proofMaxAgeSeconds: 3600, formerPrimary: 'terminate', elsewhere: [place], ...what.tier },
  }
  return insertResource(bench, { provider, primary, accountId, binding, tier, run, atMs: clock.nowMs() })
}

async function launch(provider: Provider, { definition, readiness }: Elsewhere, row: Shadow, clock: VirtualClock): Promise<string> {
  const { bootData: _source, ...portable } = definition
  const source = provider.portable?.define({ ...portable, tags: {} })
  if (source === undefined) throw new Error('this region makes no instances of portable definitions')
  const tags = { [ownTags.managed]: 'true', [ownTags.installation]: installation, [ownTags.role]: 'shadow', [ownTags.resource]: row.resourceId }
  const { zone, instanceType, purchase } = row
  const spec = {
    name: 'web-shadow',
    power: readiness === 'parked' ? 'stopped' : 'running',
    instanceType,
    purchase,
    zone,
    disks: { from: 'image' },
  } as const
  const context = contextOf(row.id, tags)
  const made = await awaitOperation({ clock }, provider, await provider.compute.provision(source, spec, context), new AbortController().signal)
  return made.nativeId
}

async function look(what: {
  readonly bench: LawBench
  readonly near: DataCentre
  readonly far: DataCentre
  readonly farAccountId: string
  readonly resource: Resource
  readonly names: ReadonlyMap<string, string>
}): Promise<ViewElsewhere> {
  const { bench, near, far, farAccountId } = what
  const { resources, shadows } = bench.database.stores
  const resource = await resources.findById(what.resource.id)
  if (!resource) throw new Error('the resource has vanished')
  const rows = await shadows.list(resource.projectId, { after: undefined, limit: 50, resourceId: resource.id })
  const alias = (nativeId: string): string => what.names.get(nativeId) ?? 'new'
  const side = (accountId: string): 'near' | 'far' => (accountId === farAccountId ? 'far' : 'near')
  const all = [...near.instances.all(), ...far.instances.all()]
  const ownerOf = (address: string | undefined): string => alias(all.find(({ publicIp }) => publicIp === address)?.instanceId ?? 'nobody')
  const records = near.dns.zones().flatMap((zone) => zone.records)
  const living = (dc: DataCentre) =>
    Object.fromEntries(
      [...dc.instances.all()]
        .filter(({ state }) => state !== 'terminated' && state !== 'shutting-down')
        .map(({ instanceId, state, tags }) => [alias(instanceId), `${state} ${tags[ownTags.role] ?? ''}`]),
    )
  return {
    answers: Object.fromEntries(records.map(({ values, weight = 100 }) => [ownerOf(values[0]), weight])),
    near: living(near),
    far: living(far),
    resource: {
      primary: alias(resource.nativeId),
      at: side(resource.accountId),
      entry: side(resource.traffic?.accountId ?? resource.accountId),
      epoch: resource.primaryEpoch,
      status: resource.status,
    },
    shadows: Object.fromEntries(
      rows
        .filter(({ status }) => status !== 'retired')
        .map(({ nativeId, status, operationId, accountId }) => [
          nativeId === undefined ? 'unmade' : alias(nativeId),
          { status, reserved: operationId !== undefined, at: side(accountId) },
        ]),
    ),
  }
}
