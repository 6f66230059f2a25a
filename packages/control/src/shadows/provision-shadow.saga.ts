import { AppError, now } from '@understudy/core'
import { isProviderError } from '@understudy/provider'
import type { CloneSpec, InstanceRef, OperationHandle, Provider, ResourceDna } from '@understudy/provider'
import { saga } from '@understudy/saga'
import type { StepContext } from '@understudy/saga'
import { z } from 'zod'
import { adoptPatiently } from '../cloud/adopt-patiently.ts'
import { awaitCondition, awaitOperation } from '../cloud/await-operation.ts'
import { ensureRunning } from '../cloud/ensure-running.ts'
import { withEntry } from '../cloud/entry.ts'
import { awaitHealthy, watchesStandby } from '../cloud/health.ts'
import type { SagaDeps } from '../context.ts'
import { sagaVersions } from '../operations/saga-versions.ts'
import { rememberAvoided } from '../placement/remember-avoided.ts'
import { describeOwn, disksBeside } from '../recovery/restored-disks/disks-beside.ts'
import type { Resource } from '../resources/resource.ts'
import { portableSource, promisedPlace } from './portable-source.ts'
import { shadowCall } from './shadow-world.ts'
import { isRunningKind } from './shadow.ts'
import type { Proof, Shadow } from './shadow.ts'
import { wakeReconciler } from '../reconcilers/wake-reconciler.ts'

const params = z.strictObject({ shadowId: z.string() })
type Params = z.infer<typeof params>

const minute = 60_000

/**
 * Makes a planned shadow real: launch it like the primary, bring it to rest in the state its tier asks for, have the entry
 * point watch it where it can, and record it. A running shadow is proven by its health; a parked one waits for its drill.
 */
export const provisionShadowSaga = saga<SagaDeps, Params>('shadow.provision', { version: sagaVersions['shadow.provision'], params })
  .step('intent', {
    title: 'Check that the shadow is still wanted, and take it',
    budget: { maxMs: minute },
    run: takeShadow,
    undo: giveUpShadow,
  })
  .step('instance', {
    title: 'Launch an instance like the primary',
    budget: { maxMs: 10 * minute },
    when: ({ outputs }) => outputs.intent.readiness !== 'cold',
    run: launch,
    undo: terminateWhatWasMade,
  })
  .step('disks', {
    title: 'Keep the disks of the primary, for a shadow without an instance',
    when: ({ outputs }) => outputs.intent.readiness === 'cold',
    budget: { maxMs: 60 * minute },
    run: keepDisks,
    undo: deleteKeptDisks,
  })
  .step('enrolled', {
    title: 'Have the load balancer watch it, with no traffic',
    when: ({ outputs }) => outputs.instance !== null,
    budget: { maxMs: 10 * minute },
    run: enrol,
    undo: async (deps, step) => {
      const { shadow, resource, provider, ref } = await worldOf(deps, step)
      if (!ref || !resource.traffic || !provider.traffic || !isOurs(shadow, step)) return
      await step.audit({ action: 'traffic.remove', target: ref.nativeId })
      await provider.traffic.remove(resource.traffic, ref, purposeOf(deps, step, shadow, 'remove'))
    },
  })
  .step('registered', {
    title: 'Record it as a stand-in',
    budget: { maxMs: minute },
    run: register,
    undo: takeBackShadow,
  })
  .end()

type Outputs = { readonly intent?: unknown; readonly instance?: { readonly nativeId: string; readonly zone: string } | null }

interface World {
  readonly shadow: Shadow
  readonly resource: Resource
  readonly provider: Provider
  readonly ref: InstanceRef | undefined
}

async function worldOf(deps: SagaDeps, step: { readonly params: Params; readonly outputs: object }): Promise<World> {
  const { shadows, resources } = deps.database.stores
  const shadow = await shadows.findById(step.params.shadowId)
  const resource = shadow && (await resources.findById(shadow.resourceId))
  if (!shadow || !resource) throw new AppError('not_found', 'The shadow or its resource has been deleted meanwhile.')
  const provider = await withEntry(deps, resource, shadow.accountId)
  const made = (step.outputs as Outputs).instance
  return { shadow, resource, provider, ref: made ? { ...provider.scope, nativeId: made.nativeId, zone: made.zone } : undefined }
}

const purposeOf = (deps: SagaDeps, step: StepContext<Params, object>, shadow: Shadow, suffix: string) =>
  shadowCall(deps, step, shadow, { suffix, priority: 'background' })

async function takeShadow(
  deps: SagaDeps,
  step: StepContext<Params, object>,
): Promise<{ readonly resourceId: string; readonly primary: string; readonly readiness: Shadow['readiness'] }> {
  const { shadow, resource } = await worldOf(deps, step)
  if (!resource.tier) throw new AppError('conflict', 'The resource is no longer protected.')
  if (shadow.accountId !== resource.accountId) promisedPlace(resource, shadow)
  const taken = await deps.database.stores.shadows.move(shadow.id, {
    from: ['planned', 'provisioning'],
    to: 'provisioning',
    operationId: step.operationId,
    at: now(deps.clock),
  })
  if (!taken) throw new AppError('conflict', `The shadow is ${shadow.status}: it is not waiting to be provisioned.`)
  return { resourceId: resource.id, primary: resource.nativeId, readiness: shadow.readiness }
}

async function giveUpShadow(deps: SagaDeps, step: StepContext<Params, object>): Promise<void> {
  await deps.database.stores.shadows.move(step.params.shadowId, {
    from: ['provisioning'],
    to: 'retired',
    operationId: null,
    at: now(deps.clock),
  })
}

/** One that a failover or a drill has taken since is theirs: from then on nothing of it is undone. */
async function takeBackShadow(deps: SagaDeps, step: StepContext<Params, object>): Promise<void> {
  await deps.database.stores.shadows.move(step.params.shadowId, {
    from: ['ready', 'unproven'],
    to: 'provisioning',
    operationId: step.operationId,
    at: now(deps.clock),
  })
}

const isOurs = (shadow: Shadow, step: StepContext<Params, object>): boolean =>
  shadow.status === 'provisioning' && shadow.operationId === step.operationId

async function launch(deps: SagaDeps, step: StepContext<Params, object>): Promise<{ readonly nativeId: string; readonly zone: string }> {
  const { shadow, resource, provider } = await worldOf(deps, step)
  const context = purposeOf(deps, step, shadow, 'launch')
  const place = shadow.accountId === resource.accountId ? undefined : promisedPlace(resource, shadow)
  const source = place === undefined ? await sourceOf(deps, provider, resource) : await portableSource(deps, { resource, provider, place })
  const spec: CloneSpec = {
    name: `${resource.name}-shadow`,
    power: shadow.readiness === 'parked' ? (place === undefined && resource.tier?.holdMemory === true ? 'held' : 'stopped') : 'running',
    instanceType: shadow.instanceType,
    purchase: shadow.purchase,
    zone: shadow.zone,
    disks: { from: 'image' },
    ...(shadow.hosts === undefined ? {} : { hosts: shadow.hosts.rule }),
  }
  await step.audit({
    action: 'compute.provision',
    target: resource.nativeId,
    details: {
      ...(place === undefined ? {} : { accountId: shadow.accountId }),
      zone: spec.zone,
      instanceType: spec.instanceType,
      purchase: spec.purchase,
      power: spec.power,
      ...(shadow.hosts === undefined ? {} : { hosts: shadow.hosts.rule, hostGroup: shadow.hosts.group ?? null }),
    },
  })
  try {
    const handle: OperationHandle<InstanceRef> = await provider.compute.provision(source, spec, context)
    const made = await awaitOperation(deps, provider, handle, step.signal)
    await deps.database.stores.shadows.move(shadow.id, {
      from: ['provisioning'],
      to: 'provisioning',
      nativeId: made.nativeId,
      operationId: step.operationId,
      at: now(deps.clock),
    })
    return { nativeId: made.nativeId, zone: made.zone ?? shadow.zone }
  } catch (error) {
    await rememberAvoided(deps, shadow.accountId, error)
    throw error
  }
}

/** The primary's definition as it is now: what we stored is redacted and cannot boot anything. */
async function sourceOf(deps: SagaDeps, provider: Provider, resource: Resource): Promise<ResourceDna> {
  const dna = await describeOwn(deps.database.stores, provider, resource)
  if (!dna) throw new AppError('conflict', `The primary ${resource.nativeId} no longer exists, so nothing can be made like it.`)
  return dna
}

async function terminateWhatWasMade(deps: SagaDeps, step: StepContext<Params, object>): Promise<void> {
  const { shadow, provider } = await worldOf(deps, step)
  if (!isOurs(shadow, step)) return
  const context = purposeOf(deps, step, shadow, 'launch')
  // The launch may have succeeded without its answer reaching us: ask the cloud what this key has made.
  for (const instance of await adoptPatiently(deps, provider, context.idempotencyKey, step.signal)) {
    await step.audit({ action: 'compute.terminate', target: instance.nativeId })
    try {
      await awaitOperation(
        deps,
        provider,
        await provider.compute.terminate(instance, purposeOf(deps, step, shadow, `terminate:${instance.nativeId}`)),
        step.signal,
      )
    } catch (error) {
      if (!isProviderError(error, 'not_found')) throw error
    }
  }
}

async function enrol(deps: SagaDeps, step: StepContext<Params, object>): Promise<{ readonly watched: boolean; readonly seconds: number }> {
  const { shadow, resource, provider, ref } = await worldOf(deps, step)
  if (!ref || shadow.readiness === 'parked') return { watched: false, seconds: 0 }
  const startedMs = deps.clock.nowMs()
  const seconds = (): number => (deps.clock.nowMs() - startedMs) / 1000
  await ensureRunning(deps, provider, ref, purposeOf(deps, step, shadow, 'start'))
  if (!resource.traffic || !provider.traffic || !watchesStandby(provider, resource.traffic)) return { watched: false, seconds: seconds() }
  await step.audit({ action: 'traffic.enrol', target: ref.nativeId })
  await provider.traffic.enrol(resource.traffic, ref, purposeOf(deps, step, shadow, 'enrol'))
  await awaitHealthy(deps, provider, resource.traffic, ref, step.signal)
  return { watched: true, seconds: seconds() }
}

/** A cold shadow is a recipe and these snapshots: the cheapest stand-in, and the slowest. */
async function keepDisks(deps: SagaDeps, step: StepContext<Params, object>): Promise<{ readonly setId: string; readonly seconds: number }> {
  const { shadow, resource, provider } = await worldOf(deps, step)
  const { snapshots } = provider
  if (!snapshots) throw new AppError('unsupported', 'This cloud cannot keep the disks of an instance, so it has no cold shadows.')
  const startedMs = deps.clock.nowMs()
  const primary = { ...provider.scope, nativeId: resource.nativeId }
  const context = purposeOf(deps, step, shadow, 'capture')
  await step.audit({ action: 'snapshots.capture', target: primary.nativeId })
  const beside = await disksBeside(deps.database.stores, provider, resource.id)
  const without = [...beside].map((nativeId) => ({ ...provider.scope, nativeId }))
  const set = await awaitOperation(deps, provider, await snapshots.capture(primary, context, { without }), step.signal)
  await awaitCondition(deps, step.signal, async () => {
    const found = await snapshots.get(set)
    if (found === undefined || found.state === 'failed') throw new AppError('provider_rejected', 'The cloud could not keep the disks of the primary.')
    return found.state === 'usable' ? true : undefined
  })
  return { setId: set.setId, seconds: (deps.clock.nowMs() - startedMs) / 1000 }
}

async function deleteKeptDisks(deps: SagaDeps, step: StepContext<Params, object>): Promise<void> {
  const { shadow, provider } = await worldOf(deps, step)
  if (!isOurs(shadow, step)) return
  const { idempotencyKey } = purposeOf(deps, step, shadow, 'capture')
  await step.audit({ action: 'snapshots.delete', target: idempotencyKey })
  await provider.snapshots?.delete({ setId: idempotencyKey }, purposeOf(deps, step, shadow, 'delete'))
}

interface Made {
  readonly enrolled?: { readonly watched: boolean; readonly seconds: number } | null
  readonly disks?: { readonly setId: string; readonly seconds: number } | null
}

/** What was seen while it was made may be the proof already. A parked shadow was not seen to start: its drill is due. */
function proofOf(shadow: Shadow, made: Made, step: StepContext<Params, object>, at: Date): Proof | undefined {
  const { operationId } = step
  if (made.disks) return { at, method: 'snapshot', seconds: made.disks.seconds, operationId }
  if (!isRunningKind(shadow.readiness)) return undefined
  return { at, method: made.enrolled?.watched === true ? 'health' : 'running', seconds: made.enrolled?.seconds ?? 0, operationId }
}

async function register(deps: SagaDeps, step: StepContext<Params, Made>): Promise<{ readonly ready: boolean }> {
  const { shadow, ref } = await worldOf(deps, step)
  const at = now(deps.clock)
  const proof = proofOf(shadow, step.outputs, step, at)
  const status = proof ? 'ready' : 'unproven'
  await deps.database.transaction(async (stores) => {
    if (proof) await stores.shadows.setProof(shadow.id, proof)
    const moved = await stores.shadows.move(shadow.id, {
      from: ['provisioning', status],
      to: status,
      operationId: null,
      lastError: null,
      ...(ref ? { nativeId: ref.nativeId } : {}),
      ...(step.outputs.disks ? { snapshotSetId: step.outputs.disks.setId } : {}),
      at,
    })
    if (!moved) throw new AppError('conflict', 'The shadow was taken away while it was being provisioned.')
    await stores.events.append([
      {
        id: deps.ids.next('event'),
        projectId: shadow.projectId,
        type: proof ? 'io.understudy.shadows.became_ready.v1' : 'io.understudy.shadows.provisioned.v1',
        subject: `shadows/${shadow.id}`,
        at,
        data: { id: shadow.id, resourceId: shadow.resourceId, nativeId: ref?.nativeId ?? null, zone: shadow.zone },
      },
    ])
    await stores.outbox.append([wakeReconciler(deps, 'shadows')])
  })
  return { ready: proof !== undefined }
}
