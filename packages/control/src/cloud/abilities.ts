import type { Provider, Traffic, Traits } from '@understudy/provider'

/** What a cloud can do, as data: what plans and gates are made from instead of its name. */
export interface Abilities {
  readonly traits: Traits
  /** Absent: no traffic can be moved there. */
  readonly traffic?: Traffic['mechanisms']
  /** Disks can be kept: cold shadows, and the state of a primary that no shadow stands in for. */
  readonly snapshots: boolean
  /** Disks of an instance that exists can be exchanged, and plugged in beside the others. */
  readonly disks: boolean
  /** Its schedule of maintenance can be asked. */
  readonly schedule: boolean
  /** A queue of its events is configured and polled. */
  readonly queue: boolean
  /** It can be asked who stopped an instance. */
  readonly attribution: boolean
  /** Prices, zones and sizes can be asked. */
  readonly market: boolean
  /** Instances can be made there of a portable definition. */
  readonly portable: boolean
}

export const abilitiesOf = ({ traits, traffic, snapshots, disks, signals, market, portable }: Provider): Abilities => ({
  traits,
  ...(traffic === undefined ? {} : { traffic: traffic.mechanisms }),
  snapshots: snapshots !== undefined,
  disks: disks !== undefined,
  schedule: signals !== undefined,
  queue: signals?.receive !== undefined,
  attribution: signals?.attribute !== undefined,
  market: market !== undefined,
  portable: portable !== undefined,
})
