import { sha256 } from '@understudy/core'
import type { Clock, JsonObject, Random } from '@understudy/core'
import type { BlockStore } from './block-store.ts'
import type { Latencies } from './datacentre.ts'
import { stateChangeEvent } from './events.ts'
import type { State } from './state.ts'
import { TagIndex } from './tag-index.ts'
import { Timers } from './timers.ts'
import type { DataCentreEvent, EventBridgeEvent, Instance, Latency, Tags, TimeMs } from './types.ts'

export interface WorldSettings {
  readonly clock: Clock
  readonly random: Random
  readonly region: string
  readonly accountId: string
  readonly latencies: Latencies
  readonly blocks: BlockStore
  readonly encryptionByDefault: boolean
  readonly stateChangeEvents: boolean
  readonly ownersRestart: boolean
}

/** What the parts of one data centre share: its state, its time, its chance, and who listens. */
export class World {
  readonly clock: Clock
  readonly random: Random
  readonly region: string
  readonly accountId: string
  readonly latencies: Latencies
  readonly blocks: BlockStore
  readonly encryptionByDefault: boolean
  readonly ownersRestart: boolean
  readonly state: State
  readonly timers: Timers
  readonly tagIndex = new TagIndex()
  /** Set by faults; read where the effect takes place. */
  readonly conditions: Conditions = {
    failedZones: new Set(),
    stickNext: [],
    hibernationFallbacks: 0,
    launchFailures: [],
    snapshotFailures: 0,
    stuckVolumes: new Set(),
    stuckSnapshots: new Map(),
    slowStarts: 1,
    visibleAfter: 0,
    staleFor: 0,
  }
  #instantMs: TimeMs | undefined
  readonly #stateChangeEvents: boolean
  readonly #inner = new Set<(event: DataCentreEvent) => void>()
  readonly #outer = new Set<(event: DataCentreEvent) => void>()

  constructor(settings: WorldSettings, state: State) {
    this.clock = settings.clock
    this.random = settings.random
    this.region = settings.region
    this.accountId = settings.accountId
    this.latencies = settings.latencies
    this.blocks = settings.blocks
    this.encryptionByDefault = settings.encryptionByDefault
    this.ownersRestart = settings.ownersRestart
    this.#stateChangeEvents = settings.stateChangeEvents
    this.state = state
    this.timers = new Timers(settings.clock, (act) => this.atOneInstant(act))
    for (const zone of state.zones.values()) if (zone.state === 'impaired') this.conditions.failedZones.add(zone.name)
    for (const table of [state.instances, state.volumes, state.snapshots, state.addresses, state.spotRequests]) {
      for (const [id, record] of table) this.tagIndex.add(id, record.tags)
    }
  }

  now(): TimeMs {
    return this.#instantMs ?? this.clock.nowMs()
  }

  /** Whatever happens within is one instant, also on a clock that runs: times that belong together are equal. */
  atOneInstant<T>(act: () => T): T {
    if (this.#instantMs !== undefined) return act()
    this.#instantMs = this.clock.nowMs()
    try {
      return act()
    } finally {
      this.#instantMs = undefined
    }
  }

  draw(latency: Latency): number {
    if (typeof latency === 'number') return latency
    return latency.minMs + Math.floor(this.random.next() * (latency.maxMs - latency.minMs + 1))
  }

  /** `i-0` and 16 hex digits: unique in this data centre for good, the same again for the same seed and history. */
  id(prefix: string): string {
    return `${prefix}-0${this.hex(16)}`
  }

  hex(length: number): string {
    return sha256(`${this.state.salt}/${this.state.idCounter++}`).slice(0, length)
  }

  uuid(): string {
    const h = this.hex(32)
    return `${h.slice(0, 8)}-${h.slice(8, 12)}-4${h.slice(13, 16)}-a${h.slice(17, 20)}-${h.slice(20)}`
  }

  arn(service: string, resource: string): string {
    return `arn:aws:${service}:${this.region}:${this.accountId}:${resource}`
  }

  /** When a record made now begins to be described. */
  visibleAt(): TimeMs {
    return this.now() + this.draw(this.conditions.visibleAfter)
  }

  isVisible(record: { readonly visibleAtMs: TimeMs }): boolean {
    return record.visibleAtMs <= this.now()
  }

  /** Replaces the tags of a record; an `undefined` value removes the tag. */
  retag(id: string, record: { tags: Tags }, changes: Readonly<Record<string, string | undefined>>): void {
    this.tagIndex.remove(id, record.tags)
    const tags = { ...record.tags }
    for (const [key, value] of Object.entries(changes)) {
      if (value === undefined) delete tags[key]
      else tags[key] = value
    }
    record.tags = tags
    this.tagIndex.add(id, tags)
  }

  /** `inner` listeners are parts of the data centre: they run first, and what they throw is a bug that must be seen. */
  subscribeInner(listener: (event: DataCentreEvent) => void): void {
    this.#inner.add(listener)
  }

  subscribe(listener: (event: DataCentreEvent) => void): () => void {
    this.#outer.add(listener)
    return () => this.#outer.delete(listener)
  }

  emit(event: DataCentreEvent): void {
    for (const listener of this.#inner) listener(event)
    for (const listener of this.#outer) {
      try {
        listener(event)
      } catch (error) {
        // A subscriber's mistake must not undo a change that has happened; it surfaces on its own, outside of this call.
        queueMicrotask(() => {
          throw error
        })
      }
    }
  }

  publish(event: EventBridgeEvent): void {
    this.emit({ kind: 'cloud_event', event })
  }

  /** Moves an instance to another state and tells everybody. */
  enter(instance: Instance, state: Instance['state']): void {
    const from = instance.state
    instance.previousState = from
    instance.state = state
    instance.stateChangedAtMs = this.now()
    instance.staleUntilMs = instance.stateChangedAtMs + this.draw(this.conditions.staleFor)
    this.emit({ kind: 'instance_state', instanceId: instance.instanceId, ...(from === state ? {} : { from }), to: state })
    if (this.#stateChangeEvents) this.publish(stateChangeEvent(this, instance))
  }

  setAnswering(instance: Instance, answering: boolean): void {
    if (instance.answering === answering) return
    instance.answering = answering
    if (answering) instance.answeringSinceMs = this.now()
    else delete instance.answeringSinceMs
    this.emit({ kind: 'instance_answering', instanceId: instance.instanceId, answering })
  }

  /** Schedules the end of a passing state, or leaves the instance stuck in it when a fault says so. */
  passThrough(
    instance: Instance,
    state: 'pending' | 'stopping' | 'shutting-down',
    latency: 'pending' | 'stopping' | 'shuttingDown',
    timerKind: string,
    delayMs: number,
    detail?: JsonObject,
  ): void {
    const stick = this.conditions.stickNext.indexOf(state)
    if (stick === -1) {
      this.timers.after(delayMs, timerKind, instance.instanceId, instance.generation, detail)
      return
    }
    this.conditions.stickNext.splice(stick, 1)
    this.state.stuck.set(instance.instanceId, detail === undefined ? { timerKind, latency } : { timerKind, latency, detail })
  }
}

/** Standing conditions that faults switch on and off. Not part of the stored state, except failed zones: a restart is a clear day. */
export interface Conditions {
  readonly failedZones: Set<string>
  readonly stickNext: ('pending' | 'stopping' | 'shutting-down')[]
  /** So many of the next hibernations become plain stops. */
  hibernationFallbacks: number
  /** Reasons for which the next launches or starts fail after they were accepted. */
  readonly launchFailures: string[]
  /** So many of the next snapshot sets end in `error`. */
  snapshotFailures: number
  /** Snapshots of these volumes never complete. */
  readonly stuckVolumes: Set<string>
  /** Those that would have by now, each with what completes it. */
  readonly stuckSnapshots: Map<string, () => void>
  slowStarts: number
  visibleAfter: Latency
  staleFor: Latency
}
