import { sleep, type Clock } from '@understudy/core'
import { isProviderError, providerError, type CallContext, type InstanceRef, type Scope } from '@understudy/provider'
import type { InvokeOptions } from '../datacentre/api.ts'
import type { DataCentre } from '../datacentre/datacentre.ts'
import type { Instance } from '../datacentre/types.ts'
import { classify, type CallFacts } from './errors.ts'
import type { Likeness } from './likeness.ts'

/** For about this long a fresh id may be answered with "not found", and a described state may be the old one. */
export const settleMs = 60_000
const firstWaitMs = 250
const ownActionMs = 15 * 60_000
const waitMaxMs = 4_000

/** What the capabilities share: the data centre behind its API door, and the patience that an eventually consistent API asks for. */
export class SimAdapter {
  readonly dc: DataCentre
  readonly scope: Scope
  readonly installation: string
  readonly likeness: Likeness
  readonly #madeAt = new Map<string, number>()
  /** When this process last stopped or ended an instance. */
  readonly #actedAt = new Map<string, number>()

  constructor(dc: DataCentre, scope: Scope, installation: string, likeness: Likeness) {
    this.dc = dc
    this.scope = scope
    this.installation = installation
    this.likeness = likeness
  }

  get clock(): Clock {
    return this.dc.clock
  }

  /** One API call; whatever goes wrong becomes a `ProviderError`. */
  async call<T>(operation: string, effect: () => T, facts: CallFacts, signal?: AbortSignal, options: InvokeOptions = {}): Promise<T> {
    if (signal?.aborted) throw providerError('unavailable', 'Aborted', 'The call was given up because its time had run out.')
    try {
      return await this.dc.invoke(operation, effect, options)
    } catch (error) {
      throw classify(error, facts)
    }
  }

  ref(instance: Pick<Instance, 'instanceId' | 'zone'>): InstanceRef {
    return { ...this.scope, nativeId: instance.instanceId, zone: instance.zone }
  }

  /** Remembers that an id is new, so that "not found" about it is not believed at once. */
  noteFresh(nativeId: string): void {
    this.#remember(this.#madeAt, nativeId, settleMs)
  }

  isFresh(nativeId: string): boolean {
    const atMs = this.#madeAt.get(nativeId)
    return atMs !== undefined && this.clock.nowMs() - atMs < settleMs
  }

  /** The state reason does not tell our own calls from a person's; this process remembers its own for a while. */
  noteOurs(nativeId: string): void {
    this.#remember(this.#actedAt, nativeId, ownActionMs)
  }

  isOurs(nativeId: string): boolean {
    const atMs = this.#actedAt.get(nativeId)
    return atMs !== undefined && this.clock.nowMs() - atMs < ownActionMs
  }

  #remember(times: Map<string, number>, nativeId: string, forMs: number): void {
    if (times.size > 5_000) for (const [id, atMs] of times) if (this.clock.nowMs() - atMs > forMs) times.delete(id)
    times.set(nativeId, this.clock.nowMs())
  }

  /** Repeats while a fresh id is not known yet. */
  async patiently<T>(nativeIds: readonly string[], attempt: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    for (let waitMs = firstWaitMs; ; waitMs = Math.min(waitMs * 2, waitMaxMs)) {
      const fresh = nativeIds.some((id) => this.isFresh(id))
      try {
        const found = await attempt()
        if (found !== undefined || !fresh) return found
      } catch (error) {
        const unknown = isProviderError(error, 'not_found') || (isProviderError(error, 'invalid') && error.shape.nativeCode === 'InvalidTarget')
        if (!fresh || !unknown) throw error
      }
      await this.pause(waitMs, signal)
    }
  }

  async pause(delayMs: number, signal?: AbortSignal): Promise<void> {
    try {
      await sleep(this.clock, delayMs, signal)
    } catch (error) {
      throw providerError('unavailable', 'Aborted', 'The call was given up because its time had run out.', { cause: error })
    }
  }

  /** `undefined` when the cloud does not know the id (yet). */
  async find(nativeId: string, signal?: AbortSignal): Promise<Instance | undefined> {
    try {
      const page = await this.call('DescribeInstances', () => this.dc.instances.describe({ ids: [nativeId] }), { effect: 'read' }, signal)
      return page.items[0]
    } catch (error) {
      if (isProviderError(error, 'not_found')) return undefined
      throw error
    }
  }

  /** The instance, or `not_found`; a terminated one counts as gone. */
  async existing(ref: InstanceRef, context: Pick<CallContext, 'signal'>): Promise<Instance> {
    const instance = await this.patiently([ref.nativeId], () => this.find(ref.nativeId, context.signal), context.signal)
    if (!instance || instance.state === 'terminated' || instance.state === 'shutting-down') throw gone(ref.nativeId)
    return instance
  }

  /**
   * Repeats a call that carries a client token while its answer is lost; refusals are the caller's.
   * The waits are fixed: chance belongs to the data centre, so that the faults of a seed do not depend on who asks.
   */
  async repeatWithToken<T>(attempt: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    for (const waitMs of [500, 1_000]) {
      try {
        return await attempt()
      } catch (error) {
        if (!isProviderError(error, 'unavailable') || error.shape.nativeCode === 'Aborted') throw error
      }
      await this.pause(waitMs, signal)
    }
    return await attempt()
  }

  /** A call that would make a second thing when repeated: after a lost answer its effect is looked for first. */
  async lookBeforeRepeating<T>(attempt: () => Promise<T>, look: () => Promise<T | undefined>, signal?: AbortSignal): Promise<T> {
    try {
      return await attempt()
    } catch (error) {
      if (!isProviderError(error) || error.shape.ambiguous !== true) throw error
    }
    for (const waitMs of [0, 2_000, 3_000]) {
      if (waitMs > 0) await this.pause(waitMs, signal)
      const found = await look()
      if (found !== undefined) return found
    }
    return await attempt()
  }
}

export const gone = (nativeId: string) => providerError('not_found', 'InvalidInstanceID.NotFound', `There is no instance ${nativeId} (any more).`)
