import type { StateChange } from './api.ts'
import type { Catalogue } from './catalogue.ts'
import type { HostGroups } from './host-groups.ts'
import { isAlive, type Lifecycle } from './lifecycle.ts'
import { SimError } from './sim-error.ts'
import type { SpotRequests } from './spot-requests.ts'
import type { Instance, StateReason } from './types.ts'
import type { World } from './world.ts'

/** What EC2's callers may do with the power of instances, and what it answers them. */
export class Power {
  readonly #world: World
  readonly #catalogue: Catalogue
  readonly #spotRequests: SpotRequests
  readonly #lifecycle: Lifecycle
  readonly #hostGroups: HostGroups

  constructor(
    world: World,
    parts: { readonly catalogue: Catalogue; readonly spotRequests: SpotRequests; readonly lifecycle: Lifecycle; readonly hostGroups: HostGroups },
  ) {
    this.#world = world
    this.#catalogue = parts.catalogue
    this.#spotRequests = parts.spotRequests
    this.#lifecycle = parts.lifecycle
    this.#hostGroups = parts.hostGroups
  }

  start(instanceIds: readonly string[]): readonly StateChange[] {
    const instances = this.needAll(instanceIds)
    for (const instance of instances) this.#checkStart(instance)
    const starting = instances.filter((instance) => instance.state === 'stopped')
    for (const instance of starting) this.#hostGroups.placeAgain(instance)
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
    return instances.map((instance) => this.#change(instance, () => this.#lifecycle.beginStart(instance)))
  }

  stop(instanceIds: readonly string[], how: { readonly force?: boolean; readonly hibernate?: boolean } = {}): readonly StateChange[] {
    const instances = this.needAll(instanceIds)
    for (const instance of instances) this.#checkStop(instance, how.hibernate ?? false)
    return instances.map((instance) =>
      this.#change(instance, () => {
        if (instance.state !== 'running') return
        const hibernates = (how.hibernate ?? false) && this.#lifecycle.canHibernate(instance)
        const reason: StateReason = hibernates
          ? { code: 'Client.UserInitiatedHibernate', message: 'Client.UserInitiatedHibernate: User initiated hibernate' }
          : { code: 'Client.UserInitiatedShutdown', message: 'Client.UserInitiatedShutdown: User initiated shutdown' }
        this.#lifecycle.beginStop(instance, reason, hibernates)
        this.#spotRequests.stopped(instance, 'user')
      }),
    )
  }

  reboot(instanceIds: readonly string[]): void {
    for (const instance of this.needAll(instanceIds)) {
      if (instance.state !== 'running') {
        throw new SimError('IncorrectInstanceState', `The instance '${instance.instanceId}' is not in a state from which it can be rebooted.`)
      }
      this.#lifecycle.rebootNow(instance)
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
          this.#lifecycle.beginTerminate(
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

  #change(instance: Instance, act: () => void): StateChange {
    const previousState = instance.state
    act()
    return { instanceId: instance.instanceId, previousState, currentState: instance.state }
  }
}

/** A guest that has not come up this long after its start is not coming. */
const agentPatienceMs = 5 * 60_000
