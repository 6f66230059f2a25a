import type { Fault, FaultApi, FaultRule } from './api.ts'
import type { Lifecycle } from './lifecycle.ts'
import { ConnectionReset, SimError } from './sim-error.ts'
import type { Latency } from './types.ts'
import type { World } from './world.ts'

/** What goes wrong, when it is told to: per call by plan or by order, and standing conditions of the place. */
export class Faults implements FaultApi {
  readonly #world: World
  readonly #lifecycle: Lifecycle
  readonly #next = new Map<string, Fault[]>()
  #rules: readonly FaultRule[] = []

  constructor(world: World, lifecycle: Lifecycle) {
    this.#world = world
    this.#lifecycle = lifecycle
  }

  failNext(operation: string, fault: Fault, times = 1): void {
    const queue = this.#next.get(operation) ?? []
    for (let n = 0; n < times; n++) queue.push(fault)
    this.#next.set(operation, queue)
  }

  plan(rules: readonly FaultRule[]): void {
    this.#rules = rules
  }

  failZone(zone: string): void {
    const record = this.#world.state.zones.get(zone)
    if (!record) throw new Error(`there is no zone ${zone}`)
    record.state = 'impaired'
    this.#world.conditions.failedZones.add(zone)
    for (const instance of this.#world.state.instances.values()) if (instance.zone === zone) this.#world.setAnswering(instance, false)
  }

  restoreZone(zone: string): void {
    const record = this.#world.state.zones.get(zone)
    if (record) record.state = 'available'
    if (!this.#world.conditions.failedZones.delete(zone)) return
    for (const instance of this.#world.state.instances.values()) if (instance.zone === zone) this.#lifecycle.bootAgain(instance)
  }

  stickNext(state: 'pending' | 'stopping' | 'shutting-down'): void {
    this.#world.conditions.stickNext.push(state)
  }

  releaseStuck(): void {
    this.#lifecycle.releaseStuck()
    const { stuckVolumes, stuckSnapshots } = this.#world.conditions
    stuckVolumes.clear()
    for (const complete of stuckSnapshots.values()) complete()
    stuckSnapshots.clear()
  }

  failHibernations(times = 1): void {
    this.#world.conditions.hibernationFallbacks += times
  }

  failLaunches(times = 1, reasonCode = 'Server.InsufficientInstanceCapacity'): void {
    for (let n = 0; n < times; n++) this.#world.conditions.launchFailures.push(reasonCode)
  }

  failSnapshots(times = 1): void {
    this.#world.conditions.snapshotFailures += times
  }

  slowStarts(factor: number): void {
    this.#world.conditions.slowStarts = factor
  }

  setConsistency(consistency: { readonly visibleAfter?: Latency; readonly staleFor?: Latency }): void {
    if (consistency.visibleAfter !== undefined) this.#world.conditions.visibleAfter = consistency.visibleAfter
    if (consistency.staleFor !== undefined) this.#world.conditions.staleFor = consistency.staleFor
  }

  clear(): void {
    this.#next.clear()
    this.#rules = []
    this.#world.conditions.slowStarts = 1
    this.#world.conditions.hibernationFallbacks = 0
    this.#world.conditions.launchFailures.length = 0
    this.#world.conditions.snapshotFailures = 0
    this.#world.conditions.stickNext.length = 0
    this.releaseStuck()
    for (const zone of [...this.#world.conditions.failedZones]) this.restoreZone(zone)
  }

  stickSnapshots(instanceId: string): void {
    const { volumes } = this.#world.state
    for (const { volumeId, attachment } of volumes.values())
      if (attachment?.instanceId === instanceId) this.#world.conditions.stuckVolumes.add(volumeId)
  }

  /** The fault the present call suffers: an ordered one first, then chance. */
  take(operation: string): Fault | undefined {
    const ordered = this.#next.get(operation)?.shift() ?? this.#next.get('*')?.shift()
    if (ordered) return ordered
    for (const rule of this.#rules) {
      if ((rule.operation === operation || rule.operation === '*') && this.#world.random.next() < rule.probability) return rule.fault
    }
    return undefined
  }
}

/** The error of a fault that keeps the call from taking effect; `undefined` for those that let it. */
export function errorBefore(fault: Fault | undefined, operation: string): Error | undefined {
  switch (fault?.kind) {
    case 'throttle':
      return throttled(operation)
    case 'capacity':
      return new SimError('InsufficientInstanceCapacity', 'We currently do not have sufficient capacity in the Availability Zone you requested.', 500)
    case 'internal_error':
      return new SimError('InternalError', 'An internal error has occurred', 500)
    case 'unavailable':
      return new SimError('Unavailable', 'The service is unavailable. Please try again shortly.', 503)
    case 'error':
      return new SimError(fault.code, fault.message, fault.status)
    case 'reset_before':
      return new ConnectionReset(false)
    default:
      return undefined
  }
}

/** EC2 and the load balancing API have different words for the same thing. */
export const throttled = (operation: string): SimError =>
  /Target|Listener|Rule|LoadBalancer/.test(operation)
    ? new SimError('Throttling', 'Rate exceeded', 400)
    : new SimError('RequestLimitExceeded', 'Request limit exceeded.', 503)
