import type { TargetId } from './api.ts'
import type { Probe } from './datacentre.ts'
import { SimError } from './sim-error.ts'
import type { Instance, Target, TargetGroup, TargetHealth, Timer } from './types.ts'
import type { World } from './world.ts'

const keyOf = (targetGroupArn: string, instanceId: string, port: number): string => `${targetGroupArn}|${instanceId}|${port}`

/**
 * Who is registered where, and how healthy: one small machine per target.
 *
 *     unused ──group in use, instance runs──▶ initial ──passes──▶ healthy ◀──▶ unhealthy
 *        any ──deregister──▶ draining ──delay──▶ gone
 *
 * With the built-in probe a target whose health is settled is not probed again until its instance changes, so that ten
 * thousand healthy targets cost nothing; with an injected probe every target is probed at its interval.
 */
export class Targets {
  readonly #world: World
  /** Keys of targets by instance and by group. Derived. */
  readonly #byInstance = new Map<string, Set<string>>()
  readonly #byGroup = new Map<string, Set<string>>()
  /** Targets of a group as the data plane asks for them, kept until one of them changes. */
  readonly #lists = new Map<string, readonly Target[]>()
  readonly #isUsed: (targetGroupArn: string) => boolean
  #probe: Probe | undefined

  constructor(world: World, isUsed: (targetGroupArn: string) => boolean) {
    this.#world = world
    this.#isUsed = isUsed
    for (const [key, target] of world.state.targets) this.#index(key, target)
    world.timers.on('target.probe', (timer) => this.#onProbe(timer))
    world.timers.on('target.drained', (timer) => this.#onDrained(timer))
    world.subscribeInner((event) => {
      if (event.kind === 'instance_state') this.#instanceMoved(event.instanceId)
      if (event.kind === 'instance_answering') this.#wake(event.instanceId)
      if (event.kind === 'instance_forgotten') for (const key of [...(this.#byInstance.get(event.instanceId) ?? [])]) this.#remove(key)
    })
  }

  register(group: TargetGroup, targets: readonly TargetId[]): void {
    const notRunning = targets.filter(({ instanceId }) => this.#world.state.instances.get(instanceId)?.state !== 'running')
    const unknown = notRunning.find(({ instanceId }) => {
      const instance = this.#world.state.instances.get(instanceId)
      return !instance || !this.#world.isVisible(instance)
    })
    if (unknown) throw new SimError('InvalidTarget', `The following targets are not valid instances: '${unknown.instanceId}'`)
    if (notRunning.length > 0) {
      throw new SimError(
        'InvalidTarget',
        `The following targets are not in a running state and cannot be registered: ${notRunning.map(({ instanceId }) => `'${instanceId}'`).join(', ')}`,
      )
    }
    for (const { instanceId, port } of targets) this.#registerOne(group, instanceId, port ?? group.port)
  }

  deregister(group: TargetGroup, targets: readonly TargetId[]): void {
    for (const { instanceId, port } of targets) {
      const target = this.#world.state.targets.get(keyOf(group.arn, instanceId, port ?? group.port))
      if (target && target.health !== 'draining') this.#drain(target, group.deregistrationDelaySeconds * 1000)
    }
  }

  /** Every target of the group, or the named ones, with `unused` for those that are not registered. */
  health(group: TargetGroup, named?: readonly TargetId[]): readonly Target[] {
    if (!named) return this.of(group.arn)
    return named.map(({ instanceId, port }) => {
      const target = this.#world.state.targets.get(keyOf(group.arn, instanceId, port ?? group.port))
      return (
        target ?? {
          targetGroupArn: group.arn,
          instanceId,
          port: port ?? group.port,
          health: 'unused',
          reason: 'Target.NotRegistered',
          description: 'Target is not registered to the target group',
          streak: 0,
          registeredAtMs: 0,
          generation: 0,
        }
      )
    })
  }

  of(targetGroupArn: string): readonly Target[] {
    let list = this.#lists.get(targetGroupArn)
    if (!list) {
      list = [...(this.#byGroup.get(targetGroupArn) ?? [])].map((key) => this.#world.state.targets.get(key)).filter((target) => target !== undefined)
      this.#lists.set(targetGroupArn, list)
    }
    return list
  }

  /** A listener or rule has begun or ceased to forward to the group. */
  usageChanged(targetGroupArn: string): void {
    for (const target of this.of(targetGroupArn)) this.#reconsider(target)
  }

  forgetGroup(targetGroupArn: string): void {
    for (const key of [...(this.#byGroup.get(targetGroupArn) ?? [])]) this.#remove(key)
  }

  setProbe(probe: Probe | undefined): void {
    this.#probe = probe
    for (const target of this.#world.state.targets.values()) this.#beginProbing(target)
  }

  /**
   * After a restore: probing goes on with the timers that were stored. Only a target whose check was under way when the state
   * was taken has none, and is begun anew.
   */
  wakeForgotten(): void {
    const awaited = new Set(
      this.#world.timers
        .pending()
        .filter((timer) => timer.kind === 'target.probe')
        .map((timer) => `${timer.subject}#${timer.generation}`),
    )
    for (const [key, target] of this.#world.state.targets) {
      const instance = this.#world.state.instances.get(target.instanceId)
      const settled = instance !== undefined && target.health === (answers(this.#world, instance) ? 'healthy' : 'unhealthy')
      if (!settled && !awaited.has(`${key}#${target.generation}`)) this.#beginProbing(target)
    }
  }

  #registerOne(group: TargetGroup, instanceId: string, port: number): void {
    const key = keyOf(group.arn, instanceId, port)
    const known = this.#world.state.targets.get(key)
    if (known && known.health !== 'draining') return
    const target: Target = {
      targetGroupArn: group.arn,
      instanceId,
      port,
      health: 'unused',
      streak: 0,
      registeredAtMs: this.#world.now(),
      generation: (known?.generation ?? 0) + 1,
    }
    this.#world.state.targets.set(key, target)
    this.#index(key, target)
    this.#lists.delete(group.arn)
    this.#setHealth(target, 'unused', 'Target.NotInUse', 'Target group is not configured to receive traffic from the load balancer')
    this.#reconsider(target)
  }

  #drain(target: Target, delayMs: number): void {
    if (target.health === 'unused' || delayMs === 0) {
      this.#remove(keyOf(target.targetGroupArn, target.instanceId, target.port))
      return
    }
    target.generation++
    target.drainsUntilMs = this.#world.now() + delayMs
    this.#setHealth(target, 'draining', 'Target.DeregistrationInProgress', 'Target deregistration is in progress')
    this.#world.timers.after(delayMs, 'target.drained', keyOf(target.targetGroupArn, target.instanceId, target.port), target.generation)
  }

  #onDrained(timer: Timer): void {
    const target = this.#world.state.targets.get(timer.subject)
    if (target?.health === 'draining' && target.generation === timer.generation) this.#remove(timer.subject)
  }

  #instanceMoved(instanceId: string): void {
    const instance = this.#world.state.instances.get(instanceId)
    for (const key of [...(this.#byInstance.get(instanceId) ?? [])]) {
      const target = this.#world.state.targets.get(key)
      if (!target) continue
      // The balancer takes terminated instances out by itself.
      if (instance?.state === 'terminated') this.#remove(key)
      else if (target.health !== 'draining') this.#reconsider(target)
    }
  }

  /** Puts a target into `unused`, or begins to watch it. */
  #reconsider(target: Target): void {
    if (target.health === 'draining') return
    const instance = this.#world.state.instances.get(target.instanceId)
    if (!this.#isUsed(target.targetGroupArn)) {
      this.#rest(target, 'Target.NotInUse', 'Target group is not configured to receive traffic from the load balancer')
    } else if (instance?.state === 'shutting-down') {
      this.#drain(target, (this.#group(target)?.deregistrationDelaySeconds ?? 0) * 1000)
    } else if (instance?.state !== 'running') {
      this.#rest(target, 'Target.InvalidState', 'Target is in the stopped state')
    } else if (target.health === 'unused') {
      target.streak = 0
      this.#setHealth(target, 'initial', 'Elb.RegistrationInProgress', 'Target registration is in progress')
      this.#beginProbing(target)
    }
  }

  #rest(target: Target, reason: string, description: string): void {
    target.generation++
    target.streak = 0
    this.#setHealth(target, 'unused', reason, description)
  }

  #wake(instanceId: string): void {
    for (const key of this.#byInstance.get(instanceId) ?? []) {
      const target = this.#world.state.targets.get(key)
      if (target) this.#beginProbing(target)
    }
  }

  /** The next check comes at a random moment within one interval, as seen from whatever has just changed. */
  #beginProbing(target: Target): void {
    const group = this.#group(target)
    if (!group || target.health === 'unused' || target.health === 'draining') return
    target.generation++
    const intervalMs = group.healthCheck.intervalSeconds * 1000
    this.#schedule(target, target.health === 'initial' && target.streak === 0 ? intervalMs : this.#world.draw({ minMs: 0, maxMs: intervalMs - 1 }))
  }

  #schedule(target: Target, delayMs: number): void {
    this.#world.timers.after(delayMs, 'target.probe', keyOf(target.targetGroupArn, target.instanceId, target.port), target.generation)
  }

  #onProbe(timer: Timer): void {
    const target = this.#world.state.targets.get(timer.subject)
    const group = target && this.#group(target)
    const instance = target && this.#world.state.instances.get(target.instanceId)
    if (!target || !group || !instance || target.generation !== timer.generation || target.health === 'unused' || target.health === 'draining') return
    const result = this.#probe ? this.#probe(instance, group, target) : answers(this.#world, instance)
    if (typeof result === 'boolean') {
      this.#observe(target, group, instance, result)
      return
    }
    const observe = (passed: boolean): void => {
      if (this.#world.state.targets.get(timer.subject) === target && target.generation === timer.generation)
        this.#observe(target, group, instance, passed)
    }
    result.then(observe, () => observe(false))
  }

  #observe(target: Target, group: TargetGroup, instance: Instance, passed: boolean): void {
    target.streak = passed ? Math.max(0, target.streak) + 1 : Math.min(0, target.streak) - 1
    const { healthyThreshold, unhealthyThreshold, intervalSeconds } = group.healthCheck
    if (passed && target.streak >= healthyThreshold) this.#setHealth(target, 'healthy')
    else if (!passed && -target.streak >= unhealthyThreshold) this.#setHealth(target, 'unhealthy', 'Target.Timeout', 'Request timed out')
    const settled = passed ? target.health === 'healthy' : target.health === 'unhealthy'
    if (settled && !this.#probe && passed === answers(this.#world, instance)) return
    this.#schedule(target, intervalSeconds * 1000)
  }

  #setHealth(target: Target, health: TargetHealth, reason?: string, description?: string): void {
    const changed = target.health !== health
    target.health = health
    if (reason === undefined) delete target.reason
    else target.reason = reason
    if (description === undefined) delete target.description
    else target.description = description
    if (changed) this.#tell(target, health)
  }

  #remove(key: string): void {
    const target = this.#world.state.targets.get(key)
    if (!target) return
    target.generation++
    this.#world.state.targets.delete(key)
    this.#byInstance.get(target.instanceId)?.delete(key)
    this.#byGroup.get(target.targetGroupArn)?.delete(key)
    this.#lists.delete(target.targetGroupArn)
    this.#tell(target, 'deregistered')
  }

  #tell(target: Target, to: TargetHealth | 'deregistered'): void {
    this.#world.emit({ kind: 'target_health', targetGroupArn: target.targetGroupArn, instanceId: target.instanceId, port: target.port, to })
  }

  #group(target: Target): TargetGroup | undefined {
    return this.#world.state.targetGroups.get(target.targetGroupArn)
  }

  #index(key: string, target: Target): void {
    for (const [index, owner] of [
      [this.#byInstance, target.instanceId],
      [this.#byGroup, target.targetGroupArn],
    ] as const) {
      const keys = index.get(owner)
      if (keys) keys.add(key)
      else index.set(owner, new Set([key]))
    }
  }
}

const answers = (world: World, instance: Instance): boolean =>
  instance.state === 'running' && instance.answering && !world.conditions.failedZones.has(instance.zone)
