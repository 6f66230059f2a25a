import type { StateChange } from './api.ts'
import type { Catalogue } from './catalogue.ts'
import type { Network } from './network.ts'
import { SimError } from './sim-error.ts'
import type { SpotRequests } from './spot-requests.ts'
import type { Storage } from './storage.ts'
import type { Instance, InterruptionBehavior, StateReason, Timer } from './types.ts'
import type { World } from './world.ts'

/** The lifecycle of instances: every move, who may make it, how long it takes and what it leaves. */
export class Power {
  readonly #world: World
  readonly #network: Network
  readonly #catalogue: Catalogue
  readonly #storage: Storage
  readonly #spotRequests: SpotRequests

  constructor(world: World, network: Network, catalogue: Catalogue, storage: Storage, spotRequests: SpotRequests) {
    this.#world = world
    this.#network = network
    this.#catalogue = catalogue
    this.#storage = storage
    this.#spotRequests = spotRequests
    world.timers.on('instance.running', (timer) => this.#withCurrent(timer, (instance) => this.#becomeRunning(instance)))
    world.timers.on('instance.answering', (timer) => this.#withCurrent(timer, (instance) => this.#becomeAnswering(instance)))
    world.timers.on('instance.stopped', (timer) =>
      this.#withCurrent(timer, (instance) => this.#becomeStopped(instance, timer.detail?.['hibernated'] === true)),
    )
    world.timers.on('instance.terminated', (timer) => this.#withCurrent(timer, (instance) => this.#becomeTerminated(instance)))
    world.timers.on('instance.forgotten', (timer) => this.#forget(timer.subject))
  }

  start(instanceIds: readonly string[]): readonly StateChange[] {
    const instances = this.needAll(instanceIds)
    for (const instance of instances) this.#checkStart(instance)
    const starting = instances.filter((instance) => instance.state === 'stopped')
    const taken: Instance[] = []
    try {
      for (const instance of starting) {
        this.#catalogue.take(instance.instanceType, instance.zone, instance.market, 1)
        taken.push(instance)
      }
    } catch (error) {
      // Start is all or nothing: what was taken for the others goes back.
      for (const instance of taken) this.#catalogue.giveBack(instance.instanceType, instance.zone, instance.market)
      throw error
    }
    return instances.map((instance) => this.#change(instance, () => this.#beginStart(instance)))
  }

  stop(instanceIds: readonly string[], how: { readonly force?: boolean; readonly hibernate?: boolean } = {}): readonly StateChange[] {
    const instances = this.needAll(instanceIds)
    for (const instance of instances) this.#checkStop(instance, how.hibernate ?? false)
    return instances.map((instance) =>
      this.#change(instance, () => {
        if (instance.state !== 'running') return
        const hibernates = (how.hibernate ?? false) && this.#canHibernate(instance)
        const reason: StateReason = hibernates
          ? { code: 'Client.UserInitiatedHibernate', message: 'Client.UserInitiatedHibernate: User initiated hibernate' }
          : { code: 'Client.UserInitiatedShutdown', message: 'Client.UserInitiatedShutdown: User initiated shutdown' }
        this.beginStop(instance, reason, hibernates)
        this.#spotRequests.stopped(instance, 'user')
      }),
    )
  }

  reboot(instanceIds: readonly string[]): void {
    for (const instance of this.needAll(instanceIds)) {
      if (instance.state !== 'running') {
        throw new SimError('IncorrectInstanceState', `The instance '${instance.instanceId}' is not in a state from which it can be rebooted.`)
      }
      this.rebootNow(instance)
    }
  }

  terminate(instanceIds: readonly string[]): readonly StateChange[] {
    const instances = this.needAll(instanceIds)
    const isProtected = (instance: Instance): boolean => (instance.disableApiTermination || instance.disableApiStop) && isAlive(instance)
    const protectedOnes = instances.filter(isProtected)
    const protectedZones = new Set(protectedOnes.map((instance) => instance.zone))
    const changes = instances
      .filter((instance) => !protectedZones.has(instance.zone))
      .map((instance) =>
        this.#change(instance, () =>
          this.beginTerminate(
            instance,
            { code: 'Client.UserInitiatedShutdown', message: 'Client.UserInitiatedShutdown: User initiated shutdown' },
            'user',
          ),
        ),
      )
    // The other zones' instances are gone all the same: EC2 terminates by zone and reports the failure.
    const [refused] = protectedOnes
    if (refused) {
      const attribute = refused.disableApiTermination ? 'disableApiTermination' : 'disableApiStop'
      throw new SimError(
        'OperationNotPermitted',
        `The instance '${refused.instanceId}' may not be terminated. Modify its '${attribute}' instance attribute and try again.`,
      )
    }
    return changes
  }

  /** Known and visible, or nothing happens to any of them. */
  needAll(instanceIds: readonly string[]): Instance[] {
    if (instanceIds.length === 0) throw new SimError('MissingParameter', 'The request must contain the parameter InstanceId')
    if (instanceIds.length > 1000) throw new SimError('InvalidParameterValue', 'At most 1000 instances can be named in one request.')
    return [...new Set(instanceIds)].map((id) => this.need(id))
  }

  need(instanceId: string): Instance {
    if (!/^i-[0-9a-f]{8,17}$/.test(instanceId)) throw new SimError('InvalidInstanceID.Malformed', `Invalid id: "${instanceId}"`)
    const instance = this.#world.state.instances.get(instanceId)
    if (!instance || !this.#world.isVisible(instance))
      throw new SimError('InvalidInstanceID.NotFound', `The instance ID '${instanceId}' does not exist`)
    return instance
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
    const hibernates = action === 'hibernate' && instance.hibernationConfigured && this.#canHibernate(instance)
    const code = hibernates ? 'Server.SpotInstanceHibernation' : 'Server.SpotInstanceShutdown'
    this.beginStop(instance, { code, message: `${code}: Spot instance ${hibernates ? 'hibernation' : 'shutdown'}` }, hibernates)
    this.#spotRequests.stopped(instance, 'platform')
  }

  /** EC2 starts a spot instance again that it has stopped, when there is room for it. False when there is none. */
  startAgain(instance: Instance): boolean {
    if (instance.state !== 'stopped') return true
    if (this.#catalogue.capacity(instance.instanceType, instance.zone, 'spot') < 1) return false
    this.#catalogue.take(instance.instanceType, instance.zone, 'spot', 1)
    this.#beginStart(instance)
    return true
  }

  /** The guest goes down and comes back; EC2 says `running` throughout. */
  rebootNow(instance: Instance): void {
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

  #checkStart(instance: Instance): void {
    if (!['stopped', 'running', 'pending'].includes(instance.state)) {
      throw new SimError('IncorrectInstanceState', `The instance '${instance.instanceId}' is not in a state from which it can be started.`)
    }
    if (instance.state === 'stopped') this.#spotRequests.checkStart(instance)
  }

  #checkStop(instance: Instance, hibernate: boolean): void {
    if (!['running', 'stopping', 'stopped'].includes(instance.state)) {
      throw new SimError('IncorrectInstanceState', `This instance '${instance.instanceId}' is not in a state from which it can be stopped.`)
    }
    if (instance.disableApiStop && instance.state === 'running') {
      throw new SimError(
        'OperationNotPermitted',
        `The instance '${instance.instanceId}' may not be stopped. Modify its 'disableApiStop' instance attribute and try again.`,
      )
    }
    if (instance.spot?.kind === 'one-time') {
      throw new SimError(
        'UnsupportedOperation',
        `You can't stop the Spot Instance '${instance.instanceId}' because it is associated with a one-time Spot Instance request. You can only stop Spot Instances associated with persistent Spot Instance requests.`,
      )
    }
    if (hibernate && !instance.hibernationConfigured) {
      throw new SimError('UnsupportedHibernationConfiguration', `Instance '${instance.instanceId}' is not configured for hibernation.`)
    }
    if (hibernate && instance.state === 'running' && this.#agentMayStillCome(instance)) {
      throw new SimError('UnsupportedOperation', `Instance '${instance.instanceId}' is not ready to hibernate yet. Retry in a few minutes.`)
    }
  }

  /** Young and not ready: EC2 says so. */
  #agentMayStillCome(instance: Instance): boolean {
    if (instance.answering) return this.#world.now() - (instance.answeringSinceMs ?? 0) < this.#world.draw(this.#world.latencies.hibernationAgent)
    return this.#world.now() - instance.launchTimeMs < agentPatienceMs
  }

  /** A guest that has been up and no longer answers cannot save its memory: EC2 falls back to a plain stop without a word. */
  #canHibernate(instance: Instance): boolean {
    if (this.#world.conditions.hibernationFallbacks > 0) {
      this.#world.conditions.hibernationFallbacks--
      return false
    }
    return instance.answering
  }

  #beginStart(instance: Instance): void {
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
    for (const event of instance.scheduledEvents) if (event.state === 'active') event.state = 'completed'
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

  #change(instance: Instance, act: () => void): StateChange {
    const previousState = instance.state
    act()
    return { instanceId: instance.instanceId, previousState, currentState: instance.state }
  }
}

/** A guest that has not come up this long after its start is not coming. */
const agentPatienceMs = 5 * 60_000
const isAlive = (instance: Instance): boolean => instance.state !== 'terminated' && instance.state !== 'shutting-down'
/** `2026-01-01 00:00:00 GMT`, as EC2 writes it into the transition reason. */
const awsTime = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} GMT`
