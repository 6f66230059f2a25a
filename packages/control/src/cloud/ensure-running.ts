import { isProviderError, providerError } from '@understudy/provider'
import type { CallContext, InstanceRef, Provider } from '@understudy/provider'
import type { SagaDeps } from '../context.ts'
import { awaitCondition, awaitOperation } from './await-operation.ts'

/**
 * Starts or resumes an instance whatever state it is in and waits until it runs. An instance that is just stopping is
 * waited for and then started. Answers whether this call had to start it.
 */
export async function ensureRunning(
  deps: Pick<SagaDeps, 'clock'>,
  provider: Provider,
  ref: InstanceRef,
  context: CallContext & { readonly signal: AbortSignal },
): Promise<{ readonly started: boolean }> {
  let started = false
  await awaitCondition(deps, context.signal, async () => {
    const summary = (await provider.inventory.states([ref])).get(ref.nativeId)
    switch (summary?.state) {
      case undefined:
      case 'terminating':
      case 'terminated':
        throw providerError('not_found', 'InstanceGone', `${ref.nativeId} no longer exists`)
      case 'running':
        return true
      case 'stopped':
      case 'stopped-billed':
      case 'held':
        await provider.compute.start(ref, context)
        started = true
        return undefined
      case 'provisioning':
      case 'stopping':
      case 'holding':
      case 'repairing':
      case 'unknown':
        return undefined
    }
  })
  return { started }
}

/** A guest that has just started cannot save its memory yet, and clouds refuse to hold it: for so long it is asked again. */
const holdReadyWithinMs = 5 * 60_000

/**
 * Brings an instance to rest whatever state it is in, and waits until it rests. One that is just starting is waited for and then
 * stopped; one that no longer exists rests for ever. `hold` keeps its memory. Whoever may lose the instance to somebody else says
 * by `mayRest` whether it is still theirs: it is asked before every attempt, and false leaves the instance as it is.
 */
export async function ensureResting(
  deps: Pick<SagaDeps, 'clock'>,
  provider: Provider,
  ref: InstanceRef,
  hold: boolean,
  context: CallContext & { readonly signal: AbortSignal },
  mayRest: () => Promise<boolean> = () => Promise.resolve(true),
): Promise<boolean> {
  const impatientMs = deps.clock.nowMs() + holdReadyWithinMs
  return await awaitCondition(deps, context.signal, async () => {
    if (!(await mayRest())) return false
    const summary = (await provider.inventory.states([ref])).get(ref.nativeId)
    switch (summary?.state) {
      case undefined:
      case 'terminating':
      case 'terminated':
      case 'stopped':
      case 'stopped-billed':
      case 'held':
        return true
      case 'running': {
        try {
          const handle = hold ? await provider.compute.hold(ref, context) : await provider.compute.stop(ref, {}, context)
          await awaitOperation(deps, provider, handle, context.signal)
          return true
        } catch (error) {
          if (hold && isProviderError(error, 'unsupported', 'conflict') && deps.clock.nowMs() < impatientMs) return undefined
          throw error
        }
      }
      case 'provisioning':
      case 'stopping':
      case 'holding':
      case 'repairing':
      case 'unknown':
        return undefined
    }
  })
}
