import type { DataCentre, DataCentreOptions } from '@understudy/cloud-sim'
import { systemClock, systemRandom } from '@understudy/core'
import type { JsonObject } from '@understudy/core'
import type { Adapter, Provider } from '@understudy/provider'

/** One cloud as the simulation needs it: its adapter says how it behaves, this says what stands there and what happens to it. */
export interface Cloud {
  /** The adapter's. */
  readonly name: string
  readonly adapter: Adapter
  /** Something that the adapter takes for an account; it is never called. */
  readonly account: { readonly id: string; readonly settings: JsonObject; readonly credentials: JsonObject }
  seedRegion(options: DataCentreOptions): DataCentre
  /** What a service of the region runs on, and the smaller size of its warm shadows. */
  readonly imageId?: string
  readonly instanceType: string
  readonly smallType: string
  /** How long ahead it really warns, in milliseconds; one is drawn. What the warning says is in the traits. */
  readonly warnsAheadMs: readonly number[]
  /** It recommends to leave an instance long before it takes it. */
  readonly recommends: boolean
  /** Who tells us of its warnings: a queue that is polled, or an agent in the guest by the API. */
  readonly tellsBy: 'queue' | 'guest'
}

/** The adapter's own provider, of which the traits and the list of capabilities are used and nothing else: it opens nothing. */
export const modelOf = ({ adapter, account: { id, settings, credentials } }: Cloud): Provider =>
  adapter.create({ account: id, region: 'nowhere', settings, credentials, installation: 'simulation', clock: systemClock(), random: systemRandom })
