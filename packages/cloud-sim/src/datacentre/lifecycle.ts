import type { Catalogue } from './catalogue.ts'
import type { Network } from './network.ts'
import type { SpotRequests } from './spot-requests.ts'
import type { Storage } from './storage.ts'
import type { Instance, InterruptionBehavior, StateReason, Timer } from './types.ts'
import type { World } from './world.ts'

export interface LifecycleParts {
  readonly network: Network
  readonly catalogue: Catalogue
  readonly storage: Storage
  readonly spotRequests: SpotRequests
}

/** The moves of an instance from state to state: how long each takes and what it leaves. Who may ask for one is `power.ts`. */
export class Lifecycle {
  readonly #world: World
  readonly #network: Network
  readonly #catalogue: Catalogue
  readonly #storage: Storage
  readonly #spotRequests: SpotRequests

  constructor(world: World, parts: LifecycleParts) {
    this.#world = world
    this.#network = parts.network
    this.#catalogue = parts.catalogue
    this.#storage = parts.storage
    this.#spotRequests = parts.spotRequests
    world.timers.on('instance.running', (timer) => this.#withCurrent(timer, (instance) => this.#becomeRunning(instance)))
    world.timers.on('instance.answering', (timer) => this.#withCurrent(timer, (instance) => this.#becomeAnswering(instance)))
    world.timers.on('instance.stopped', (timer) =>
      this.#withCurrent(timer, (instance) => this.#becomeStopped(instance, timer.detail?.['hibernated'] === true)),
    )
    world.timers.on('instance.terminated', (timer) => this.#withCurrent(timer, (instance) => this.#becomeTerminated(instance)))
    world.timers.on('instance.forgotten', (timer) => this.#forget(timer.subject))
  }

  beginStop(instance: Instance, reason: StateReason, hibernates: boolean): void {
    const world = this.#world
    instance.generation++
    instance.stateReason = reason
    instance.stateTransitionReason = `${reason.code.startsWith('Client.') ? 'User initiated' : reason.code} (${awsTime(world.now())})`
    world.setAnswering(instance, false)
    world.enter(instance, 'stopping')
    const delayMs = world.draw(hibernates ? world.latencies.hibernating : world.latencies.stopping)
    world.passThrough(instance, 'stopping', 'stopping', 'instance.stopped', delayMs, { hibernated: hibernates })
  }

  beginTerminate(instance: Instance, reason: StateReason, by: 'user' | 'platform'): void {
    if (!isAlive(instance)) return
    const world = this.#world
    if (instance.state !== 'stopped') this.#catalogue.giveBack(instance.instanceType, instance.zone, instance.market)
    instance.generation++
    world.state.stuck.delete(instance.instanceId)
    instance.stateReason = reason
    instance.stateTransitionReason = `${by === 'user' ? 'User initiated' : reason.code} (${awsTime(world.now())})`
    world.setAnswering(instance, false)
    world.enter(instance, 'shutting-down')
    this.#spotRequests.terminated(instance, by)
    world.passThrough(instance, 'shutting-down', 'shuttingDown', 'instance.terminated', world.draw(world.latencies.shuttingDown))
  }

  /** What the platform does to a spot instance when its time is up. */
  reclaim(instance: Instance, action: InterruptionBehavior): void {
    if (instance.state !== 'running' && instance.state !== 'pending') return
    if (action === 'terminate' || instance.state === 'pending') {
      this.beginTerminate(
        instance,
        { code: 'Server.SpotInstanceTermination', message: 'Server.SpotInstanceTermination: Spot instance termination' },
        'platform',
      )
      return
    }
    const hibernates = action === 'hibernate' && instance.hibernationConfigured && this.canHibernate(instance)
    const code = hibernates ? 'Server.SpotInstanceHibernation' : 'Server.SpotInstanceShutdown'
    this.beginStop(instance, { code, message: `${code}: Spot instance ${hibernates ? 'hibernation' : 'shutdown'}` }, hibernates)
    this.#spotRequests.stopped(instance, 'platform')
  }

  /** EC2 starts a spot instance again that it has stopped, when there is room for it. False when there is none. */
  startAgain(instance: Instance): boolean {
    if (instance.state !== 'stopped') return true
    if (this.#catalogue.capacity(instance.instanceType, instance.zone, 'spot') < 1) return false
    this.#catalogue.take(instance.instanceType, instance.zone, 'spot', 1)
    this.beginStart(instance)
    return true
  }

  /** The guest goes down and comes back; EC2 says `running` throughout. */
  rebootNow(instance: Instance): void {
    instance.rebootedAtMs = this.#world.now()
    this.#world.setAnswering(instance, false)
    this.#scheduleAnswering(instance, this.#world.latencies.boot)
  }

  /** A zone is back: guests that should answer boot again. */
  bootAgain(instance: Instance): void {
    if (instance.state === 'running' && !instance.answering) this.#scheduleAnswering(instance, this.#world.latencies.boot)
  }

  releaseStuck(): void {
    for (const [instanceId, { timerKind, latency, detail }] of this.#world.state.stuck) {
      const instance = this.#world.state.instances.get(instanceId)
      if (instance) this.#world.timers.after(this.#world.draw(this.#world.latencies[latency]), timerKind, instanceId, instance.generation, detail)
    }
    this.#world.state.stuck.clear()
  }

  /** A guest that has been up and no longer answers cannot save its memory: EC2 falls back to a plain stop without a word. */
  canHibernate(instance: Instance): boolean {
    if (this.#world.conditions.hibernationFallbacks > 0) {
      this.#world.conditions.hibernationFallbacks--
      return false
    }
    return instance.answering
  }

  beginStart(instance: Instance): void {
    if (instance.state !== 'stopped') return
    const world = this.#world
    instance.generation++
    delete instance.stateReason
    delete instance.interruption
    delete instance.rebalanceAtMs
    instance.stateTransitionReason = ''
    instance.launchTimeMs = world.now()
    for (const nic of instance.nics) {
      const subnet = world.state.subnets.get(nic.subnetId)
      if (nic.deviceIndex === 0 && nic.allocationId === undefined && subnet?.mapPublicIpOnLaunch) {
        nic.publicIp = this.#network.newPublicIp()
        instance.publicIp = nic.publicIp
      }
    }
    // A start lands on another host: what was planned for the old one no longer concerns this instance.
    for (const event of instance.scheduledEvents)
      if (event.state === 'active') Object.assign(event, { state: 'completed', endedAtMs: world.now() } satisfies Partial<typeof event>)
    this.#spotRequests.started(instance)
    world.enter(instance, 'pending')
    world.passThrough(instance, 'pending', 'pending', 'instance.running', world.draw(world.latencies.pending) * world.conditions.slowStarts)
  }

  #becomeRunning(instance: Instance): void {
    if (instance.state !== 'pending') return
    const failure = this.#world.conditions.launchFailures.shift()
    if (failure !== undefined) {
      this.#failToLaunch(instance, { code: failure, message: `${failure}: The launch could not be completed` })
      return
    }
    this.#world.enter(instance, 'running')
    this.#scheduleAnswering(instance, instance.hibernated ? this.#world.latencies.resume : this.#world.latencies.boot)
    instance.hibernated = false
  }

  /** A launch ends, a start goes back to rest. */
  #failToLaunch(instance: Instance, reason: StateReason): void {
    if (instance.launchTimeMs === instance.createdAtMs) {
      this.beginTerminate(instance, reason, 'platform')
      return
    }
    instance.generation++
    instance.stateReason = reason
    instance.stateTransitionReason = reason.code
    this.#spotRequests.stopped(instance, 'user')
    this.#comeToRest(instance, instance.hibernated)
  }

  #becomeAnswering(instance: Instance): void {
    if (instance.state === 'running' && !this.#world.conditions.failedZones.has(instance.zone)) this.#world.setAnswering(instance, true)
  }

  #becomeStopped(instance: Instance, hibernated: boolean): void {
    if (instance.state === 'stopping') this.#comeToRest(instance, hibernated)
  }

  #comeToRest(instance: Instance, hibernated: boolean): void {
    instance.hibernated = hibernated
    this.#catalogue.giveBack(instance.instanceType, instance.zone, instance.market)
    for (const nic of instance.nics) {
      if (nic.allocationId !== undefined || nic.publicIp === undefined) continue
      if (nic.deviceIndex === 0) delete instance.publicIp
      delete nic.publicIp
    }
    this.#world.enter(instance, 'stopped')
    this.#spotRequests.atRest(instance)
  }

  #becomeTerminated(instance: Instance): void {
    if (instance.state !== 'shutting-down') return
    const world = this.#world
    instance.terminatedAtMs = world.now()
    this.#network.releaseFrom(instance.instanceId)
    this.#storage.releaseFrom(instance)
    for (const nic of instance.nics) this.#network.freePrivateIp(nic.subnetId, nic.privateIp)
    instance.nics = []
    delete instance.publicIp
    world.enter(instance, 'terminated')
    world.timers.after(world.draw(world.latencies.terminatedVisible), 'instance.forgotten', instance.instanceId, instance.generation)
  }

  #forget(instanceId: string): void {
    const instance = this.#world.state.instances.get(instanceId)
    if (instance?.state !== 'terminated') return
    this.#world.state.instances.delete(instanceId)
    this.#world.state.warnings.delete(instanceId)
    this.#world.tagIndex.remove(instanceId, instance.tags)
    this.#world.emit({ kind: 'instance_forgotten', instanceId })
  }

  #scheduleAnswering(instance: Instance, latency: Parameters<World['draw']>[0]): void {
    const delayMs = this.#world.draw(latency) * this.#world.conditions.slowStarts
    this.#world.timers.after(delayMs, 'instance.answering', instance.instanceId, instance.generation)
  }

  #withCurrent(timer: Timer, act: (instance: Instance) => void): void {
    const instance = this.#world.state.instances.get(timer.subject)
    if (instance && instance.generation === timer.generation) act(instance)
  }
}

export const isAlive = (instance: Instance): boolean => instance.state !== 'terminated' && instance.state !== 'shutting-down'
/** `2026-01-01 00:00:00 GMT`, as EC2 writes it into the transition reason. */
const awsTime = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} GMT`
