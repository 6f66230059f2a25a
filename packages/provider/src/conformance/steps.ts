import { sha256 } from '@understudy/core'
import type { CloneSpec } from '../capabilities/compute.ts'
import type { SnapshotSetRef } from '../capabilities/snapshots.ts'
import type { ResourceDna } from '../dna.ts'
import { isProviderError } from '../provider-error.ts'
import type { Provider } from '../provider.ts'
import type { CallContext, InstanceRef, OperationHandle, OperationStatus, ProviderErrorShape } from '../refs.ts'
import type { ConformanceWorld } from './world.ts'
import { randomUUID } from 'node:crypto'

/** Longest that anything may take, of the world's time. */
const patienceMs = 20 * 60_000
const stepMs = 1_000
let contexts = 0
/** Real clouds remember keys for longer than a run takes. */
const run = randomUUID()

/** A context with a key of its own. */
export function newContext(more: Partial<CallContext> = {}): CallContext {
  contexts += 1
  return {
    idempotencyKey: sha256(`conformance ${contexts} ${run}`).slice(0, 32),
    tags: { 'understudy:role': 'shadow' },
    actor: 'conformance',
    priority: 'background',
    ...more,
  }
}

export function specLike(source: ResourceDna, world: ConformanceWorld, more: Partial<CloneSpec> = {}): CloneSpec {
  return {
    name: 'clone',
    power: 'running',
    instanceType: source.size.type,
    purchase: 'on-demand',
    zone: world.zoneOther,
    disks: { from: 'image' },
    ...more,
  }
}

export async function describeOf(world: ConformanceWorld, ref: InstanceRef): Promise<ResourceDna> {
  const dna = await world.run(world.provider.inventory.describe(ref))
  if (dna === undefined) throw new Error(`the world made ${ref.nativeId}, and the provider does not know it`)
  return dna
}

/** Polls until the operation has ended. */
export async function ended<Result>(
  world: ConformanceWorld,
  handle: OperationHandle<Result>,
  provider: Provider = world.provider,
): Promise<Exclude<OperationStatus<Result>, { phase: 'running' }>> {
  for (let waitedMs = 0; waitedMs < patienceMs;) {
    const status = await world.run(provider.compute.poll(handle))
    if (status.phase !== 'running') return status
    const pauseMs = status.retryAfterMs ?? stepMs
    await world.advance(pauseMs)
    waitedMs += pauseMs
  }
  throw new Error(`${handle.verb} did not end`)
}

/** The result of an operation that has to succeed. */
export async function finished<Result>(world: ConformanceWorld, handle: OperationHandle<Result>, provider?: Provider): Promise<Result> {
  const status = await ended(world, handle, provider)
  if (status.phase === 'failed') throw new Error(`${handle.verb} failed: ${status.error.nativeCode} ${status.error.message}`)
  return status.result
}

export async function clone(
  world: ConformanceWorld,
  source: ResourceDna,
  more: Partial<CloneSpec> = {},
  context = newContext(),
): Promise<InstanceRef> {
  return await finished(world, await world.run(world.provider.compute.provision(source, specLike(source, world, more), context)))
}

export async function stateOf(world: ConformanceWorld, ref: InstanceRef): Promise<string | undefined> {
  return (await world.run(world.provider.inventory.states([ref]))).get(ref.nativeId)?.state
}

export async function until(world: ConformanceWorld, what: string, condition: () => Promise<boolean>): Promise<void> {
  for (let waitedMs = 0; waitedMs < patienceMs; waitedMs += stepMs) {
    if (await condition()) return
    await world.advance(stepMs)
  }
  throw new Error(`it did not happen: ${what}`)
}

/** The kind of the provider error that `work` fails with, or what it did instead. */
export async function failureOf(world: ConformanceWorld, work: Promise<unknown>): Promise<string> {
  try {
    await world.run(work)
    return 'no failure'
  } catch (error) {
    return isProviderError(error) ? error.kind : `not a ProviderError: ${String(error)}`
  }
}

/** Why something was refused: at once, or, on clouds that find out later, as the end of the operation. `undefined`: it was not. */
export async function refusalOf<Result>(
  world: ConformanceWorld,
  work: Promise<OperationHandle<Result>>,
  provider: Provider = world.provider,
): Promise<ProviderErrorShape | undefined> {
  try {
    const status = await ended(world, await world.run(work), provider)
    return status.phase === 'failed' ? status.error : undefined
  } catch (error) {
    if (isProviderError(error)) return error.shape
    throw error
  }
}

export async function captured(world: ConformanceWorld, ref: InstanceRef): Promise<SnapshotSetRef> {
  const { snapshots } = world.provider
  if (snapshots === undefined) throw new Error('asked of a provider without snapshots')
  return await finished(world, await world.run(snapshots.capture(ref, newContext())))
}
