import type { Clock, JsonObject, Random } from '@understudy/core'
import type { Region } from '../aws/front.ts'
import { queueUrl } from '../aws/sqs/actions.ts'
import type { QueueState } from '../aws/sqs/queue.ts'
import { QueueService } from '../aws/sqs/service.ts'
import { DataPlane, type DataPlaneEndpoints, type DataPlaneState } from '../data-plane/data-plane.ts'
import { restoreDataCentre } from '../datacentre/create-datacentre.ts'
import type { DataCentre, DataCentreOptions } from '../datacentre/datacentre.ts'
import { seedRegion } from '../datacentre/fixtures.ts'

/** A region on disk. */
export interface RegionState {
  readonly dataCentre: JsonObject
  readonly queues: readonly QueueState[]
  readonly dataPlane: DataPlaneState | undefined
}

export interface RegionEndpoints extends DataPlaneEndpoints {
  readonly region: string
  readonly queues: readonly { readonly name: string; readonly url: string }[]
}

/** One data centre with what stands before it: its queues, and (unless it is in scale mode) the servers that carry traffic. */
export class SimulatedRegion implements Region {
  readonly dataCentre: DataCentre
  readonly queues: QueueService
  readonly dataPlane: DataPlane | undefined
  readonly #unsubscribe: () => void

  constructor(options: {
    dataCentre: DataCentreOptions & { readonly clock: Clock; readonly random: Random }
    wallClock: Clock
    listeners: boolean
    onChange: () => void
    onError: (error: unknown) => void
    state?: RegionState
  }) {
    const { clock, random } = options.dataCentre
    this.dataCentre = options.state === undefined ? seedRegion(options.dataCentre) : restoreDataCentre(options.dataCentre, options.state.dataCentre)
    const queueState = options.state === undefined ? {} : { state: options.state.queues }
    this.queues = new QueueService(this.dataCentre.accountId, {
      clock,
      wallClock: options.wallClock,
      random,
      onChange: options.onChange,
      ...queueState,
    })
    this.#unsubscribe = this.dataCentre.subscribe((event) => {
      if (event.kind === 'cloud_event') this.queues.deliver(event.event)
      options.onChange()
    })
    const planeState = options.state?.dataPlane === undefined ? {} : { state: options.state.dataPlane }
    this.dataPlane = options.listeners ? new DataPlane({ dataCentre: this.dataCentre, random, onError: options.onError, ...planeState }) : undefined
  }

  async endpoints(baseUrl: string): Promise<RegionEndpoints> {
    const carried = (await this.dataPlane?.endpoints()) ?? { instances: [], listeners: [], addresses: [] }
    const queues = this.queues.names().map((name) => ({ name, url: queueUrl({ baseUrl, queues: this.queues }, name) }))
    return { region: this.dataCentre.region, ...carried, queues }
  }

  state(): RegionState {
    return { dataCentre: this.dataCentre.serialise(), queues: this.queues.state(), dataPlane: this.dataPlane?.state() }
  }

  async close(): Promise<void> {
    this.#unsubscribe()
    this.queues.close()
    await this.dataPlane?.close()
    this.dataCentre.close()
  }
}
