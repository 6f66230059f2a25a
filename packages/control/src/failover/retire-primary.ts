import { AppError, contentHash, now, ownTags, sleep } from '@understudy/core'
import { awaitOperation } from '../cloud/await-operation.ts'
import { memberOf } from '../cloud/health.ts'
import type { SagaDeps } from '../context.ts'
import { noZone } from '../placement/hosts.ts'
import { placeIn } from '../resources/elsewhere.ts'
import { redactDna } from '../resources/redact.ts'
import type { Resource } from '../resources/resource.ts'
import type { StandIn } from './failover.ts'
import { failoverWorld, formerAccountOf, standInAt, stillRuns, unlessGone, urgent } from './failover.world.ts'
import type { FailoverStep, FailoverWorld } from './failover.world.ts'
import { tellUnsaved } from './held-primary.ts'
import { holdPrimary } from './hold-primary.ts'
import type { Unfinished } from './hold-primary.ts'
import { finishState } from './place-replacement.ts'
import type { SavedState } from './place-replacement.ts'

/** The longest we wait for the requests that the former primary still serves. */
const drainMaxMs = 310_000
/** A drain takes no time or minutes. Thousands that drain after a mass reclaim must not ask twice a second until then. */
const drainPauseMs = 500
const drainPauseMaxMs = 10_000
/** Before the cloud takes it, we stop waiting. */
const deadlineMarginMs = 3000

/**
 * Takes the former primary out: no new requests, those in flight may finish, then it is ended or kept as the tier says. While its disks are not
 * saved it is held.
 * Runs only after the stand-in serves and is stable.
 */
export async function retirePrimary(
  deps: SagaDeps,
  step: FailoverStep,
  standIn: StandIn,
  saved: SavedState | null = null,
): Promise<{ readonly fate: 'gone' | 'terminated' | 'kept' | 'held' }> {
  const world = await failoverWorld(deps, step)
  const { resource, provider, primary } = world
  const { isElsewhere } = await standInAt(deps, world, step, standIn)
  if (standIn.nativeId === primary.nativeId && !isElsewhere) throw new AppError('conflict', 'The stand-in is the primary itself.')
  const tags = { [ownTags.role]: 'former', [ownTags.resource]: resource.id }
  const { gone } = await unlessGone(async () => {
    await step.audit({ action: 'labels.tag', target: primary.nativeId, details: tags })
    await provider.labels.tag([primary], tags, urgent(deps, step, { suffix: 'former' }))
  })
  await drain(deps, step, world, gone)
  const end = await finishState(deps, step, provider, saved)
  if (end === 'failed') await tellFailed(deps, step, resource, saved)
  const state = gone ? undefined : (await provider.inventory.states([primary])).get(primary.nativeId)?.state
  const isGone = state === undefined || state === 'terminating' || state === 'terminated'
  // Of one that is gone too: somebody has to say what has become of its state.
  const hold = end === 'running' ? () => holdPrimary(deps, step, world, saved as Unfinished) : undefined // what runs has both
  if (isGone) {
    await hold?.()
    return { fate: 'gone' }
  }
  // One that was stopped under us still has disks that cost, and may come back to life: it goes as well.
  if (state === 'running' && resource.tier?.formerPrimary === 'standby' && step.params.mode === 'manual') {
    if (!isElsewhere || placeIn(resource, formerAccountOf(step, resource))?.readiness === 'hot') return { fate: 'kept' }
    await step.note('The former primary is not kept: the tier names no hot shadow in the account that the resource leaves.')
  }
  if (hold !== undefined) {
    await hold()
    return { fate: 'held' }
  }
  await step.audit({ action: 'compute.terminate', target: primary.nativeId })
  await unlessGone(async () =>
    awaitOperation(deps, provider, await provider.compute.terminate(primary, urgent(deps, step, { suffix: 'terminate' })), step.signal),
  )
  return { fate: 'terminated' }
}

async function tellFailed(deps: SagaDeps, step: FailoverStep, { projectId, id: resourceId }: Resource, saved: SavedState | null): Promise<void> {
  const { primary } = step.params
  const what = { projectId, resourceId, primary, setId: saved?.setId ?? '' }
  await deps.database.transaction((stores) => tellUnsaved(deps, stores, what, { state: 'failed', operationId: step.operationId }))
  await step.note('The snapshots of the former primary could not be completed.')
}

async function drain(deps: SagaDeps, step: FailoverStep, world: FailoverWorld, gone: boolean): Promise<void> {
  const { provider, primary, binding } = world
  const { traffic } = provider
  if (!binding || !traffic || binding.mechanism === 'address-move') return
  // Where the cloud does not show who drains, whoever takes over from a worker that died waits as long again: nobody knows when it began.
  const drainSeconds = gone ? 0 : ((await traffic.drainSeconds?.(binding)) ?? 0)
  const unseenMs = drainSeconds > 0 && (await stillRuns(provider, primary)) ? drainSeconds * 1000 : 0
  await step.audit({ action: 'traffic.remove', target: primary.nativeId })
  await traffic.remove(binding, primary, urgent(deps, step, { suffix: 'remove' }))
  const removedMs = deps.clock.nowMs()
  const untilMs = Math.min(removedMs + drainMaxMs, step.deadlineMs === undefined ? Number.POSITIVE_INFINITY : step.deadlineMs - deadlineMarginMs)
  for (let pauseMs = drainPauseMs; ; pauseMs = Math.min(pauseMs * 1.5, drainPauseMaxMs)) {
    const member = memberOf(await traffic.state(binding), primary.nativeId)
    const isOut = member === undefined || member.health === 'unused'
    if (isOut && deps.clock.nowMs() >= removedMs + unseenMs) return
    if (deps.clock.nowMs() >= untilMs) {
      await step.note('Requests that the former primary still serves are cut off: it cannot be kept any longer.')
      return
    }
    const untilNextMs = isOut ? removedMs + unseenMs - deps.clock.nowMs() : pauseMs
    await sleep(deps.clock, Math.min(untilNextMs, untilMs - deps.clock.nowMs()), step.signal)
  }
}

/** Makes the stand-in the primary: in the cloud by its name and tags, with us by its row. Refused when somebody else did so first. */
export async function promote(deps: SagaDeps, step: FailoverStep, standIn: StandIn): Promise<{ readonly primary: string; readonly epoch: number }> {
  const world = await failoverWorld(deps, step)
  const { resource } = world
  const { host: provider, ref, accountId } = await standInAt(deps, world, step, standIn)
  const tags = { [ownTags.role]: 'primary', [ownTags.resource]: resource.id, [ownTags.shadow]: undefined }
  await step.audit({ action: 'labels.rename', target: ref.nativeId, details: { name: resource.name } })
  await provider.labels.tag([ref], tags, urgent(deps, step, { suffix: 'primary' }))
  await provider.labels.rename(ref, resource.name, urgent(deps, step, { suffix: 'rename' }))
  const described = await provider.inventory.describe(ref)
  const dna = described ? redactDna(described) : { ...resource.dna, ref }
  const at = now(deps.clock)
  await deps.database.transaction(async (stores) => {
    const promoted = await stores.resources.promote({
      id: resource.id,
      seenEpoch: step.params.primaryEpoch,
      accountId,
      nativeId: ref.nativeId,
      zone: standIn.zone === noZone ? undefined : standIn.zone,
      dna,
      dnaHash: contentHash(dna),
      at,
    })
    if (!promoted) throw new AppError('plan_stale', `Somebody else has promoted another primary of ${resource.id}.`)
    await stores.shadows.move(standIn.shadowId, { from: ['reserved', 'promoted'], to: 'promoted', operationId: null, at })
    await stores.events.append([
      {
        id: deps.ids.next('event'),
        projectId: resource.projectId,
        type: 'io.understudy.failover.promoted.v1',
        subject: `resources/${resource.id}`,
        at,
        data: {
          resourceId: resource.id,
          formerPrimary: step.params.primary,
          accountId,
          primary: ref.nativeId,
          zone: standIn.zone,
          operationId: step.operationId,
        },
      },
    ])
  })
  return { primary: ref.nativeId, epoch: step.params.primaryEpoch + 1 }
}
