import { seededRandom, randomIds, ownTags } from '@understudy/core'
import type { VirtualClock } from '@understudy/core'
import { seedRegion, seedWebService, simProvider } from '@understudy/cloud-sim'
import type { DataCentre, Instance, SeededService } from '@understudy/cloud-sim'
import type { InstanceRef, Provider, TrafficBinding } from '@understudy/provider'
import { drive } from '@understudy/saga/testing'
import type { LawWorld } from '@understudy/testing/saga-laws'
import type { SagaDeps } from '../context.ts'
import { awaitOperation } from '../cloud/await-operation.ts'
import { ensureRunning } from '../cloud/ensure-running.ts'
import { awaitHealthy } from '../cloud/health.ts'
import type { Resource, Tier } from '../resources/resource.ts'
import type { Shadow } from '../shadows/shadow.ts'
import type { LawBench } from './law-bench.ts'
import { simProber } from './sim-prober.ts'
import { contextOf, insertAccount, insertResource, installation } from './stage-rows.ts'
import { testSigner } from './test-signer.ts'

export const primaryZone = 'sim-east-1a'
export const shadowZone = 'sim-east-1b'

export const hotTier: Tier = {
  shadows: 1,
  readiness: 'hot',
  zones: 'other',
  instanceType: undefined,
  purchase: 'spot',
  holdMemory: false,
  proofMaxAgeSeconds: 3600,
  formerPrimary: 'terminate',
}
export const parkedTier: Tier = { ...hotTier, readiness: 'parked', purchase: 'on-demand' }
export const warmTier: Tier = { ...hotTier, readiness: 'warm', instanceType: 't3.small' }

/** A protected web service in a simulated region, with its rows in the real database. */
export interface Stage {
  /** Instances that were ended or stopped by us while they had the traffic. */
  readonly offences: readonly string[]
  readonly clock: VirtualClock
  readonly dc: DataCentre
  readonly provider: Provider
  readonly deps: SagaDeps
  readonly resource: Resource
  readonly service: SeededService
  readonly binding: TrafficBinding
  readonly primary: InstanceRef
  /** What tests call the instances that were there before the saga. */
  readonly names: Map<string, string>
  /** Lets virtual time pass until it settles. */
  drive<T>(work: Promise<T>): Promise<T>
  /** Makes a shadow as its tier promises it: in the cloud, in the load balancer, and in the database. */
  addShadow(overrides?: Partial<Shadow>): Promise<Shadow>
  /** Has a parked shadow running and watched, until long from now. */
  arm(shadow: Shadow): Promise<void>
  /** A row that nothing stands for yet. */
  planShadow(): Promise<Shadow>
  /** What can be seen from outside, with `primary`, `shadow` and `new` in place of ids. */
  look(): Promise<View>
  /** Ties a world for the laws: the rest of it is in the hands of the test. */
  world(parts: Pick<LawWorld<SagaDeps>, 'params' | 'expectDone' | 'expectCleanSlate'> & { readonly deadlineInMs?: number }): LawWorld<SagaDeps>
}

export interface View {
  /** Weight of the target group, in percent, by its healthy members; empty: nobody serves. */
  readonly serving: Readonly<Record<string, number>>
  /** Everybody the load balancer still sends requests to or watches. */
  readonly enrolled: readonly string[]
  /** Instances that live, with what their tags say. */
  readonly living: Readonly<Record<string, { readonly state: string; readonly role: string | undefined; readonly name: string | undefined }>>
  readonly resource: { readonly primary: string; readonly epoch: number; readonly status: string }
  readonly shadows: Readonly<
    Record<string, { readonly status: string; readonly reserved: boolean; readonly armed: boolean; readonly proven: boolean }>
  >
}

export async function setStage(
  bench: LawBench,
  tier: Tier,
  {
    latencies = {},
    ...options
  }: { readonly purchase?: 'spot' | 'on-demand'; readonly latencies?: Parameters<typeof seedRegion>[0]['latencies'] } = {},
): Promise<Stage> {
  const clock = bench.startClock()
  const dc = seedRegion({ clock, random: seededRandom(7), latencies })
  const provider = simProvider(dc, { installation })
  const run = <T>(work: Promise<T>): Promise<T> => drive(clock, work, { settle: () => bench.inFlight.settle() })
  const service = seedWebService(dc, { name: 'web', zone: primaryZone, deregistrationDelaySeconds: 10, ...options })
  const binding: TrafficBinding = { mechanism: 'lb-weight', native: { ...service.binding } }
  const primary: InstanceRef = { ...provider.scope, nativeId: service.instance.instanceId, zone: primaryZone }
  await run(awaitHealthy({ clock }, provider, binding, primary, new AbortController().signal))
  const accountId = await insertAccount(bench, clock, dc.region)
  const resource = await insertResource(bench, { provider, primary, accountId, binding, tier, run, atMs: clock.nowMs() })
  const settings = { installation, armTtlMs: 180_000, webhookAllowedNetworks: ['10.0.0.0/8'], idempotencyTtlMs: 86_400_000 }
  const deps: SagaDeps = {
    database: bench.database,
    clock,
    ids: randomIds,
    settings,
    openProvider: () => Promise.resolve(provider),
    vault: { open: () => '' },
    prober: simProber(dc),
    signer: testSigner(bench.database, clock),
  }
  const offences = watchEndings(dc, service)
  const stage: Stage = {
    offences,
    clock,
    dc,
    provider,
    deps,
    resource,
    service,
    binding,
    primary,
    names: new Map([[primary.nativeId, 'primary']]),
    drive: run,
    addShadow: (overrides) => addShadow(stage, tier, overrides),
    arm: (shadow) => arm(stage, shadow),
    planShadow: () => insertShadow(stage, tier, { status: 'planned' }),
    look: () => look(stage),
    world: (parts) => ({
      ...parts,
      deps,
      clock,
      settle: () => bench.inFlight.settle(),
      close: () => dc.close(),
    }),
  }
  return stage
}

async function addShadow(stage: Stage, tier: Tier, overrides: Partial<Shadow> = {}): Promise<Shadow> {
  const { provider, resource, primary, binding, clock } = stage
  const never = new AbortController().signal
  const id = overrides.id ?? randomIds.next('shadow')
  const tags = {
    ...{ [ownTags.managed]: 'true', [ownTags.installation]: installation, [ownTags.role]: 'shadow' },
    ...{ [ownTags.resource]: resource.id, [ownTags.shadow]: id },
  }
  const context = contextOf(id, tags)
  const instanceType = tier.instanceType ?? resource.dna.size.type
  const power = tier.readiness === 'parked' ? 'stopped' : 'running'
  const made = await stage.drive(
    (async () => {
      const source = await provider.inventory.describe(primary)
      if (!source) throw new Error('the primary cannot be described')
      const spec = { name: 'web-shadow', power, instanceType, purchase: tier.purchase, zone: shadowZone, disks: { from: 'image' } } as const
      const ref = await awaitOperation({ clock }, provider, await provider.compute.provision(source, spec, context), never)
      if (power === 'running') {
        await provider.traffic?.enrol(binding, ref, context)
        await awaitHealthy({ clock }, provider, binding, ref, never)
      }
      return ref
    })(),
  )
  stage.names.set(made.nativeId, 'shadow')
  const proof = { at: new Date(clock.nowMs()), method: power === 'running' ? 'health' : 'start', seconds: 20, operationId: undefined } as const
  return insertShadow(stage, tier, { id, nativeId: made.nativeId, status: 'ready', proof, ...overrides })
}

async function arm({ provider, binding, clock, deps, drive: run }: Stage, shadow: Shadow): Promise<void> {
  const context = contextOf(`arm ${shadow.id}`, {})
  const signal = new AbortController().signal
  const ref = { ...provider.scope, nativeId: shadow.nativeId ?? '', zone: shadow.zone }
  await run(
    (async () => {
      await ensureRunning({ clock }, provider, ref, { ...context, signal })
      await provider.traffic?.enrol(binding, ref, context)
    })(),
  )
  await deps.database.stores.shadows.setArmed(shadow.id, new Date(clock.nowMs() + 3_600_000), new Date(clock.nowMs()))
}

async function insertShadow({ deps, resource, clock }: Stage, tier: Tier, overrides: Partial<Shadow>): Promise<Shadow> {
  const at = new Date(clock.nowMs())
  const shadow: Shadow = {
    ...{ id: randomIds.next('shadow'), projectId: resource.projectId, resourceId: resource.id, accountId: resource.accountId },
    ...{ status: 'ready', nativeId: undefined, zone: shadowZone, instanceType: tier.instanceType ?? resource.dna.size.type, purchase: tier.purchase },
    ...{ readiness: tier.readiness, dnaFingerprint: resource.dna.fingerprint, proof: undefined, armedUntil: undefined, operationId: undefined },
    ...{ failures: 0, lastError: undefined, createdAt: at, updatedAt: at, version: 1 },
    ...overrides,
  }
  await deps.database.stores.shadows.insert(shadow)
  return shadow
}

/** Nobody who has the traffic is ever ended or put to rest by us, not even for a moment in which somebody else takes over. */
function watchEndings(dc: DataCentre, service: SeededService): readonly string[] {
  const offences: string[] = []
  dc.subscribe((event) => {
    if (event.kind !== 'instance_state' || (event.to !== 'shutting-down' && event.to !== 'stopping')) return
    if (dc.instances.get(event.instanceId)?.stateReason?.code.startsWith('Client.') !== true) return
    const targets = groupsOf(dc, service).flatMap((group) => (group.weight > 0 ? group.targets : []))
    if (targets.some((target) => target.instanceId === event.instanceId))
      offences.push(`${event.instanceId} was ${event.to} while it had the traffic`)
  })
  return offences
}

/** The two groups with whom they send requests to, or watch. */
function groupsOf(dc: DataCentre, service: SeededService) {
  const [listener] = dc.balancers.describeListeners({ listenerArns: [service.listener.arn] })
  const forward = listener?.defaultActions.find((action) => action.kind === 'forward')
  return (forward?.targetGroups ?? []).map((group) => ({
    weight: group.weight,
    targets: dc.balancers.targetHealth(group.targetGroupArn).filter((target) => target.health !== 'draining' && target.health !== 'unused'),
  }))
}

const isGone = (instance: Instance): boolean => instance.state === 'terminated' || instance.state === 'shutting-down'

async function look(stage: Stage): Promise<View> {
  const { dc, deps, service, clock } = stage
  const { resources, shadows } = deps.database.stores
  const resource = await resources.findById(stage.resource.id)
  if (!resource) throw new Error('the resource has vanished')
  const listed = await shadows.list(stage.resource.projectId, { after: undefined, limit: 50, resourceId: stage.resource.id })
  // Retired rows are history.
  const rows = listed.filter((row) => row.status !== 'retired')
  const unknown: string[] = []
  const alias = (nativeId: string): string => {
    const known = stage.names.get(nativeId)
    if (known !== undefined) return known
    if (!unknown.includes(nativeId)) unknown.push(nativeId)
    return unknown.indexOf(nativeId) === 0 ? 'new' : `new-${unknown.indexOf(nativeId) + 1}`
  }
  const groups = groupsOf(dc, service)
  if (stage.offences.length > 0) throw new Error(stage.offences.join('; '))
  return {
    serving: Object.fromEntries(
      groups
        .filter((group) => group.weight > 0)
        .flatMap((group) => group.targets.filter((target) => target.health === 'healthy').map((target) => [alias(target.instanceId), group.weight])),
    ),
    enrolled: [...new Set(groups.flatMap((group) => group.targets.map((target) => alias(target.instanceId))))].toSorted(),
    living: Object.fromEntries(
      [...dc.instances.all()]
        .filter((instance) => !isGone(instance))
        .map((instance) => [alias(instance.instanceId), { state: instance.state, role: instance.tags[ownTags.role], name: instance.tags['Name'] }]),
    ),
    resource: { primary: alias(resource.nativeId), epoch: resource.primaryEpoch, status: resource.status },
    shadows: Object.fromEntries(
      rows.map((row) => [
        row.nativeId === undefined ? 'unmade' : alias(row.nativeId),
        {
          status: row.status,
          reserved: row.operationId !== undefined,
          armed: row.armedUntil !== undefined && row.armedUntil.getTime() > clock.nowMs(),
          proven: row.proof !== undefined,
        },
      ]),
    ),
  }
}
