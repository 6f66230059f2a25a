import type { MarketApi } from './api.ts'
import type { Catalogue } from './catalogue.ts'
import { interruptionWarning, rebalanceRecommendation } from './events.ts'
import type { Lifecycle } from './lifecycle.ts'
import { SimError } from './sim-error.ts'
import type { SpotRequests } from './spot-requests.ts'
import type { EventBridgeEvent, Instance, InterruptionBehavior, Page, Query, SpotRequest } from './types.ts'
import type { World } from './world.ts'

/** EC2's notice; best effort there, exact here unless told otherwise. */
const usualNoticeMs = 120_000

/** The spot market takes its capacity back: with notice, without, late, twice, for one instance or a whole zone. */
export class SpotMarket implements MarketApi {
  readonly #world: World
  readonly #lifecycle: Lifecycle
  readonly #spotRequests: SpotRequests

  constructor(world: World, lifecycle: Lifecycle, spotRequests: SpotRequests, catalogue: Catalogue) {
    this.#world = world
    this.#lifecycle = lifecycle
    this.#spotRequests = spotRequests
    world.timers.on('spot.reclaim', (timer) => {
      const instance = world.state.instances.get(timer.subject)
      // A user's own stop and start in between has begun another life: the interruption was for the former.
      if (instance?.interruption && instance.generation === timer.generation) lifecycle.reclaim(instance, instance.interruption.action)
    })
    world.timers.on('spot.late-notice', (timer) => world.publish(timer.detail as unknown as EventBridgeEvent))
    catalogue.onSpotPrice = (instanceType, zone, usdPerHour) => this.#outbid(instanceType, zone, usdPerHour)
  }

  interrupt(instanceId: string, how: Parameters<MarketApi['interrupt']>[1] = {}): void {
    // The warning, the books and the deadline agree on one moment.
    this.#world.atOneInstant(() => this.#interrupt(instanceId, how))
  }

  #interrupt(instanceId: string, how: NonNullable<Parameters<MarketApi['interrupt']>[1]>): void {
    const instance = this.#needSpot(instanceId)
    if (instance.state !== 'running' && instance.state !== 'pending') {
      throw new SimError('IncorrectInstanceState', `The instance '${instanceId}' does not run: there is nothing to interrupt.`)
    }
    const action = how.action ?? instance.spot?.interruptionBehavior ?? 'terminate'
    const noticeMs = action === 'hibernate' ? 0 : (how.noticeMs ?? usualNoticeMs)
    const nowMs = this.#world.now()
    instance.interruption = { action, noticedAtMs: nowMs, deadlineMs: nowMs + noticeMs }
    this.#markRequest(instance)
    const warning = interruptionWarning(this.#world, instance, action)
    this.#world.state.warnings.set(instanceId, warning)
    const { generation } = instance
    for (let copy = 0; copy < (how.copies ?? 1); copy++) this.#world.publish(warning)
    this.#world.timers.after(noticeMs, 'spot.reclaim', instanceId, generation)
  }

  reclaim(instanceId: string, how: Parameters<MarketApi['reclaim']>[1] = {}): void {
    const instance = this.#needSpot(instanceId)
    const action = how.action ?? instance.spot?.interruptionBehavior ?? 'terminate'
    const warning = interruptionWarning(this.#world, instance, action)
    this.#lifecycle.reclaim(instance, action)
    if (how.noticeAfterMs === undefined) return
    this.#world.state.warnings.set(instanceId, warning)
    this.#world.timers.after(how.noticeAfterMs, 'spot.late-notice', instanceId, instance.generation, warning)
  }

  rebalance(instanceId: string): void {
    const instance = this.#needSpot(instanceId)
    instance.rebalanceAtMs = this.#world.now()
    this.#world.publish(rebalanceRecommendation(this.#world, instance))
  }

  massReclaim(which: Parameters<MarketApi['massReclaim']>[0]): readonly string[] {
    const named = which.instanceIds && new Set(which.instanceIds)
    const chosen = [...this.#world.state.instances.values()].filter(
      (instance) =>
        instance.market === 'spot' &&
        instance.state === 'running' &&
        (which.zone === undefined || instance.zone === which.zone) &&
        (which.instanceType === undefined || instance.instanceType === which.instanceType) &&
        (named === undefined || named.has(instance.instanceId)),
    )
    for (const instance of chosen) this.interrupt(instance.instanceId, which.noticeMs === undefined ? {} : { noticeMs: which.noticeMs })
    return chosen.map((instance) => instance.instanceId)
  }

  repeatNotice(instanceId: string): void {
    const warning = this.#world.state.warnings.get(instanceId)
    if (!warning) throw new SimError('InvalidInstanceID.NotFound', `The instance '${instanceId}' has had no warning.`)
    this.#world.publish(warning)
  }

  describeSpotRequests(query: Query = {}): Page<SpotRequest> {
    return this.#spotRequests.describe(query)
  }

  cancelSpotRequests(requestIds: readonly string[]): readonly SpotRequest[] {
    const requests = requestIds.map((id) => this.#spotRequests.need(id))
    for (const request of requests) {
      const instance = request.instanceId === undefined ? undefined : this.#world.state.instances.get(request.instanceId)
      const hadStopped = instance?.state === 'stopped' || instance?.state === 'stopping'
      const statusCode = hadStopped ? 'instance-terminated-by-user' : 'request-canceled-and-instance-running'
      this.#spotRequests.setStatus(request, 'cancelled', statusCode)
      // Cancelling keeps a running instance and ends a stopped one.
      if (instance && hadStopped) {
        this.#lifecycle.beginTerminate(
          instance,
          { code: 'Client.UserInitiatedShutdown', message: 'Client.UserInitiatedShutdown: User initiated shutdown' },
          'user',
        )
      }
    }
    return requests
  }

  #outbid(instanceType: string, zone: string, usdPerHour: number): void {
    for (const instance of this.#world.state.instances.values()) {
      const limit = instance.spot?.maxPrice
      if (limit === undefined || instance.instanceType !== instanceType || instance.zone !== zone || instance.state !== 'running') continue
      if (Number(limit) < usdPerHour && instance.interruption === undefined) this.interrupt(instance.instanceId)
    }
  }

  #markRequest(instance: Instance): void {
    const request = instance.spot && this.#world.state.spotRequests.get(instance.spot.requestId)
    const codes: Record<InterruptionBehavior, string> = {
      terminate: 'marked-for-termination',
      stop: 'marked-for-stop',
      hibernate: 'marked-for-stop',
    }
    if (request?.state === 'active' && instance.interruption) this.#spotRequests.setStatus(request, 'active', codes[instance.interruption.action])
  }

  #needSpot(instanceId: string): Instance {
    const instance = this.#world.state.instances.get(instanceId)
    if (!instance) throw new SimError('InvalidInstanceID.NotFound', `The instance ID '${instanceId}' does not exist`)
    if (instance.market !== 'spot') throw new SimError('UnsupportedOperation', `The instance '${instanceId}' is not a Spot Instance.`)
    return instance
  }
}
