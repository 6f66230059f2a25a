import { AppError, now } from '@understudy/core'
import { isProviderError } from '@understudy/provider'
import type { InstanceRef, OperationHandle, Provider, ResourceDna, SnapshotSetRef } from '@understudy/provider'
import { awaitCondition, awaitOperation } from '../cloud/await-operation.ts'
import { carriesTraffic, memberOf } from '../cloud/health.ts'
import type { SagaDeps } from '../context.ts'
import { findPlacements, zonesOf } from '../placement/find-placements.ts'
import type { Placement } from '../placement/place.ts'
import { rememberAvoided } from '../placement/remember-avoided.ts'
import { knownBeside, withoutDisks } from '../recovery/restored-disks/disks-beside.ts'
import { withoutRedacted } from '../resources/redact.ts'
import type { Resource } from '../resources/resource.ts'
import { swapOrRepeat } from '../seen-version.ts'
import type { StandIn } from './failover.ts'
import { failoverWorld, unlessGone, urgent } from './failover.world.ts'
import type { FailoverStep } from './failover.world.ts'

/** Snapshots that are not usable after this long are kept, but the replacement does not wait for them. */
const snapshotWaitMs = 45_000

/** What of the primary's disks was kept, and, where that was not done in time, the operation that goes on. */
export type SavedState = {
  readonly setId: string | null
  readonly usable: boolean
  readonly capture?: Capture
}
type Capture = Omit<OperationHandle<SnapshotSetRef>, '_result'>

/** Keeps the disks of the primary as they are now. Whatever happens next, this is never deleted by the failover. */
export async function saveState(deps: SagaDeps, step: FailoverStep): Promise<SavedState> {
  const { provider, primary } = await failoverWorld(deps, step)
  const { snapshots } = provider
  if (!snapshots) return { setId: null, usable: false }
  const beside = [...(await knownBeside(deps.database.stores, step.params.resourceId))]
  const without = beside.map((nativeId) => ({ ...provider.scope, nativeId }))
  await step.audit({ action: 'snapshots.capture', target: primary.nativeId, ...(beside.length === 0 ? {} : { details: { without: beside } }) })
  const context = urgent(deps, step, { suffix: 'state', role: 'primary' })
  const set = { setId: context.idempotencyKey }
  let capture: Capture | undefined
  const { gone } = await unlessGone(async () => {
    capture = await snapshots.capture(primary, context, { without })
  })
  if (gone && (await snapshots.get(set)) === undefined) return { setId: null, usable: false }
  const untilMs = deps.clock.nowMs() + snapshotWaitMs
  return await awaitCondition(deps, step.signal, async (): Promise<SavedState | undefined> => {
    if (deps.clock.nowMs() >= untilMs) return { ...set, usable: false, ...(capture ? { capture } : {}) }
    // Asked for what a capture consists of, which some clouds make one after the other, each when it is asked again.
    const state = capture ? (await provider.compute.poll(capture)).phase : (await snapshots.get(set))?.state
    if (state === 'succeeded' || state === 'usable') return { ...set, usable: true }
    return state === 'failed' ? { ...set, usable: false } : undefined
  })
}

/** For what was not saved in time for the replacement the failover waits this long: the disks it is made of may not go before. */
const finishMaxMs = 300_000

export async function finishState(
  deps: SagaDeps,
  step: FailoverStep,
  provider: Provider,
  saved: SavedState | null,
): Promise<'nothing' | 'complete' | 'failed' | 'running'> {
  if (saved === null || saved.setId === null) return 'nothing'
  const { capture } = saved
  if (capture === undefined) return saved.usable ? 'complete' : 'failed'
  const untilMs = deps.clock.nowMs() + finishMaxMs
  return await awaitCondition(deps, step.signal, async () => {
    const { phase } = await provider.compute.poll(capture)
    if (phase === 'running') return deps.clock.nowMs() >= untilMs ? phase : undefined
    return phase === 'succeeded' ? 'complete' : 'failed'
  })
}

/**
 * Launches a stand-in when no shadow can take over: in every place that may have capacity, one after the other, first as
 * interruptible as the primary was and then on demand.
 */
export async function placeReplacement(deps: SagaDeps, step: FailoverStep, state: SavedState): Promise<StandIn> {
  const { resource, provider, primary } = await failoverWorld(deps, step)
  const source = await sourceOf(deps, provider, primary, resource, step)
  const set = await disksFor(deps, step, state)
  const refused: string[] = []
  for (const placement of await orderedPlaces(deps, step, provider, resource)) {
    try {
      const made = await launchAt(deps, step, { provider, resource, source, placement, set })
      await endLaunchedElsewhere(deps, step, provider, { resource, chosen: placement })
      return {
        shadowId: shadowIdOf(step),
        nativeId: made.nativeId,
        zone: placement.zone,
        instanceType: placement.instanceType,
        purchase: placement.purchase,
      }
    } catch (error) {
      if (!isProviderError(error, 'insufficient_capacity', 'quota_exceeded', 'price_too_low', 'unsupported')) throw error
      await rememberAvoided(deps, resource.accountId, error)
      refused.push(`${placement.purchase} ${placement.instanceType} in ${placement.zone}: ${error.shape.nativeCode}`)
      await step.note(`No capacity for ${refused.at(-1) ?? ''}`)
    }
  }
  throw new AppError(
    'insufficient_capacity',
    `No place could take a replacement. Refused: ${refused.join('; ') || 'every offering is being avoided'}.`,
  )
}

/** The disks as they were just saved; when that came too late, as the newest cold shadow has them; otherwise the image's. */
async function disksFor(deps: SagaDeps, step: FailoverStep, state: SavedState): Promise<SnapshotSetRef | undefined> {
  if (state.usable && state.setId !== null) return { setId: state.setId }
  const alive = await deps.database.stores.shadows.listAlive([step.params.resourceId])
  const [newest] = alive
    .filter((shadow) => shadow.snapshotSetId !== undefined && shadow.proof)
    .toSorted((a, b) => (b.proof?.at.getTime() ?? 0) - (a.proof?.at.getTime() ?? 0))
  if (newest?.snapshotSetId === undefined) return undefined
  await step.note(`The disks are those that the cold shadow ${newest.id} has kept since ${newest.proof?.at.toISOString() ?? ''}.`)
  return { setId: newest.snapshotSetId }
}

/** A place that an attempt before a crash had chosen comes first: its key finds what was launched there, and nothing is launched twice. */
async function orderedPlaces(deps: SagaDeps, step: FailoverStep, provider: Provider, resource: Resource): Promise<readonly Placement[]> {
  const places = await placesFor(deps, provider, resource)
  const row = await deps.database.stores.shadows.findById(shadowIdOf(step))
  if (!row) return places
  const begun: Placement = { zone: row.zone, instanceType: row.instanceType, purchase: row.purchase }
  return [begun, ...places.filter((place) => place.zone !== begun.zone || place.purchase !== begun.purchase)]
}

async function placesFor(deps: SagaDeps, provider: Provider, resource: Resource): Promise<readonly Placement[]> {
  const zones = resource.tier?.zones ?? 'other'
  const instanceType = resource.dna.size.type
  const wanted = { instanceType, occupiedZones: [] }
  const ask = (purchase: 'spot' | 'on-demand', where: typeof zones) => findPlacements(deps, provider, resource, { ...wanted, zones: where, purchase })
  // On-demand before spot: a replacement in an emergency must not go the same way. Its own zone comes last.
  return [...(await ask('on-demand', zones)), ...(await ask('spot', zones)), ...(await ask('on-demand', 'any'))]
}

/** Derived from the operation, so that a step that runs again finds its own row. */
export const shadowIdOf = (step: FailoverStep): string => `shd_${step.key('standin').slice(0, 20)}`

export async function launchAt(
  deps: SagaDeps,
  step: FailoverStep,
  what: {
    readonly provider: Provider
    readonly resource: Resource
    readonly source: ResourceDna
    readonly placement: Placement
    readonly set: SnapshotSetRef | undefined
  },
): Promise<InstanceRef> {
  const { provider, resource, source, placement, set } = what
  await recordPlanned(deps, step, resource, placement)
  const context = urgent(deps, step, { suffix: `launch:${placement.zone}:${placement.purchase}`, role: 'replacement', shadowId: shadowIdOf(step) })
  await step.audit({
    action: 'compute.provision',
    target: `${resource.id}@${placement.zone}`,
    details: { ...placement, from: set ? 'snapshots' : 'image' },
  })
  const handle = await provider.compute.provision(
    source,
    { name: `${resource.name}-replacement`, power: 'running', ...placement, disks: set ? { from: 'snapshots', set } : { from: 'image' } },
    context,
  )
  const made = await awaitOperation(deps, provider, handle, step.signal)
  await deps.database.stores.shadows.move(shadowIdOf(step), {
    from: ['reserved'],
    to: 'reserved',
    nativeId: made.nativeId,
    operationId: step.operationId,
    at: now(deps.clock),
  })
  return made
}

/** The row comes before the instance. */
async function recordPlanned(deps: SagaDeps, step: FailoverStep, resource: Resource, placement: Placement): Promise<void> {
  const at = now(deps.clock)
  const id = shadowIdOf(step)
  const { shadows } = deps.database.stores
  const existing = await shadows.findById(id)
  const row = {
    id,
    projectId: resource.projectId,
    resourceId: resource.id,
    accountId: resource.accountId,
    status: 'reserved' as const,
    // Made by an attempt before a crash: whatever becomes of this one, it is known.
    nativeId: existing?.nativeId,
    ...placement,
    readiness: 'hot' as const,
    dnaFingerprint: resource.dna.fingerprint,
    proof: undefined,
    armedUntil: undefined,
    operationId: step.operationId,
    failures: 0,
    lastError: undefined,
    createdAt: existing?.createdAt ?? at,
    updatedAt: at,
    version: (existing?.version ?? 0) + 1,
  }
  await swapOrRepeat(existing ? shadows.update(row, existing.version) : shadows.insert(row))
}

async function sourceOf(deps: SagaDeps, provider: Provider, primary: InstanceRef, resource: Resource, step: FailoverStep): Promise<ResourceDna> {
  const dna = await provider.inventory.describe(primary)
  if (dna && dna.state !== 'terminated') return withoutDisks(dna, await knownBeside(deps.database.stores, resource.id))
  await step.note('The primary is gone: the replacement is made from the recorded definition, without what was redacted from it.')
  return withoutRedacted(resource.dna)
}

/**
 * A launch whose answer was lost, and that was refused when it was asked for again, may be there all the same. Before one place is
 * settled on, what this step has made in any other is ended.
 */
async function endLaunchedElsewhere(
  deps: SagaDeps,
  step: FailoverStep,
  provider: Provider,
  { resource, chosen }: { readonly resource: Resource; readonly chosen: Placement },
): Promise<void> {
  for (const place of await everyPlace(provider, resource)) {
    if (place.zone === chosen.zone && place.purchase === chosen.purchase) continue
    for (const instance of await launchedAt(deps, step, provider, place)) await endInstance(deps, step, provider, instance)
  }
}

type Place = Pick<Placement, 'zone' | 'purchase'>

/** Wherever `findPlacements` may have sent us. Avoided offerings too: what was launched there before they refused has to be found as well. */
const everyPlace = async (provider: Provider, resource: Resource): Promise<readonly Place[]> =>
  (await zonesOf(provider, resource.zone)).flatMap((zone) => [{ zone, purchase: 'spot' } as const, { zone, purchase: 'on-demand' } as const])

async function launchedAt(deps: SagaDeps, step: FailoverStep, provider: Provider, place: Place): Promise<readonly InstanceRef[]> {
  const { idempotencyKey } = urgent(deps, step, { suffix: `launch:${place.zone}:${place.purchase}` })
  return (await provider.compute.adopt(idempotencyKey)).instances
}

/**
 * Ends everything this step may have launched, whether or not we were told. One that has the traffic is kept, whatever has become
 * of the failover: it has it because the primary is gone. It becomes a stand-in like any other, and the next attempt finds it.
 */
export async function removeReplacement(deps: SagaDeps, step: FailoverStep): Promise<void> {
  const { provider, binding, resource } = await failoverWorld(deps, step)
  const shadow = await deps.database.stores.shadows.findById(shadowIdOf(step))
  const made = new Set(shadow?.nativeId === undefined ? [] : [shadow.nativeId])
  for (const place of await everyPlace(provider, resource)) {
    for (const { nativeId } of await launchedAt(deps, step, provider, place)) made.add(nativeId)
  }
  let kept: string | undefined
  for (const nativeId of made) {
    if (await carriesTraffic(provider, binding, nativeId)) {
      kept = nativeId
      await step.note(`${nativeId} has the traffic and nobody else could serve it: it stays.`)
      continue
    }
    await leaveTraffic(deps, step, { ...provider.scope, nativeId })
    await endInstance(deps, step, provider, { ...provider.scope, nativeId })
  }
  await deps.database.stores.shadows.move(shadowIdOf(step), {
    from: ['reserved'],
    ...(kept === undefined ? { to: 'retired' as const } : { to: 'unproven' as const, nativeId: kept }),
    operationId: null,
    at: now(deps.clock),
  })
}

async function leaveTraffic(deps: SagaDeps, step: FailoverStep, ref: InstanceRef): Promise<void> {
  const { provider, binding } = await failoverWorld(deps, step)
  const { traffic } = provider
  if (!binding || !traffic || memberOf(await traffic.state(binding), ref.nativeId) === undefined) return
  await step.audit({ action: 'traffic.remove', target: ref.nativeId })
  await traffic.remove(binding, ref, urgent(deps, step, { suffix: `remove:${ref.nativeId}` }))
}

export async function endInstance(deps: SagaDeps, step: FailoverStep, provider: Provider, instance: InstanceRef): Promise<void> {
  await step.audit({ action: 'compute.terminate', target: instance.nativeId })
  const context = urgent(deps, step, { suffix: `terminate:${instance.nativeId}` })
  await unlessGone(async () => awaitOperation(deps, provider, await provider.compute.terminate(instance, context), step.signal))
}
