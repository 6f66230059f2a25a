import { select } from './select.ts'
import { SimError } from './sim-error.ts'
import type { Instance, Page, Query, SpotRequest } from './types.ts'
import type { World } from './world.ts'

/** EC2 shows a request that is over for two days. */
const visibleForMs = 2 * 86_400_000

/** The request behind every spot instance, and how it follows the instance's life. */
export class SpotRequests {
  readonly #world: World
  constructor(world: World) {
    this.#world = world
    world.timers.on('spot.forgotten', (timer) => this.#forget(timer.subject))
  }

  describe(query: Query = {}): Page<SpotRequest> {
    const { spotRequests } = this.#world.state
    return select(query, {
      all: () => spotRequests.values(),
      byId: (id) => spotRequests.get(id),
      notFound: (id) => new SimError('InvalidSpotInstanceRequestID.NotFound', `The spot instance request ID '${id}' does not exist`),
      tagsOf: (request) => request.tags,
      field: (request, name) =>
        ({
          'spot-instance-request-id': [request.requestId],
          'instance-id': [request.instanceId],
          state: [request.state],
          type: [request.kind],
          'status-code': [request.statusCode],
          'launched-availability-zone': [request.zone],
        })[name],
    })
  }

  /** A stopped spot instance can be started by its owner only when its owner stopped it. */
  checkStart(instance: Instance): void {
    const request = this.#of(instance)
    if (!request) return
    if (request.state !== 'disabled') {
      throw new SimError(
        'IncorrectSpotRequestState',
        `You can't start the Spot Instance '${instance.instanceId}' because the associated Spot Instance request is not in an appropriate state to support start.`,
      )
    }
  }

  started(instance: Instance): void {
    this.#move(instance, 'active', 'fulfilled')
  }

  stopped(instance: Instance, by: 'user' | 'platform'): void {
    if (by === 'user') this.#move(instance, 'disabled', 'instance-stopped-by-user')
    else this.#move(instance, this.#world.ownersRestart ? 'disabled' : 'open', 'instance-stopped-no-capacity')
  }

  terminated(instance: Instance, by: 'user' | 'platform'): void {
    const request = this.#of(instance)
    if (request?.state === 'cancelled') {
      this.setStatus(request, 'cancelled', 'instance-terminated-by-user')
      return
    }
    const statusCode = by === 'user' ? 'instance-terminated-by-user' : 'instance-terminated-no-capacity'
    if (instance.spot?.kind === 'one-time') {
      this.#move(instance, 'closed', statusCode)
      return
    }
    // A persistent request wants an instance, not this one: it looks for another until it is cancelled.
    this.#move(instance, 'open', statusCode)
    if (request) this.#wait(request, 'spotRelaunch', 'spot.relaunch')
  }

  /** An instance that the platform stopped waits for capacity. */
  atRest(instance: Instance): void {
    const request = this.#of(instance)
    if (request?.state === 'open') this.#wait(request, 'spotReturn', 'spot.return')
  }

  /** Asks again later. */
  again(request: SpotRequest, timerKind: 'spot.relaunch' | 'spot.return'): void {
    this.#wait(request, timerKind === 'spot.return' ? 'spotReturn' : 'spotRelaunch', timerKind)
  }

  setStatus(request: SpotRequest, state: SpotRequest['state'], statusCode: string): void {
    request.state = state
    request.statusCode = statusCode
    request.statusAtMs = this.#world.now()
    if (state === 'closed' || state === 'cancelled') this.#world.timers.after(visibleForMs, 'spot.forgotten', request.requestId, 0)
  }

  /** Unless its instance lives on, as after a cancellation. */
  #forget(requestId: string): void {
    const request = this.#world.state.spotRequests.get(requestId)
    if (!request || this.#world.state.instances.has(request.instanceId ?? '')) return
    this.#world.state.spotRequests.delete(requestId)
    this.#world.tagIndex.remove(requestId, request.tags)
  }

  need(requestId: string): SpotRequest {
    const request = this.#world.state.spotRequests.get(requestId)
    if (!request) throw new SimError('InvalidSpotInstanceRequestID.NotFound', `The spot instance request ID '${requestId}' does not exist`)
    return request
  }

  #wait(request: SpotRequest, latency: 'spotReturn' | 'spotRelaunch', timerKind: string): void {
    this.#world.timers.after(this.#world.draw(this.#world.latencies[latency]), timerKind, request.requestId, 0)
  }

  #of(instance: Instance): SpotRequest | undefined {
    return instance.spot && this.#world.state.spotRequests.get(instance.spot.requestId)
  }

  #move(instance: Instance, state: SpotRequest['state'], statusCode: string): void {
    const request = this.#of(instance)
    if (request && request.state !== 'cancelled') this.setStatus(request, state, statusCode)
  }
}
