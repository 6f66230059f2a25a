import type { JsonObject } from '@understudy/core'
import type { CallContext, InstanceRef } from '../refs.ts'

/**
 * Where a resource's traffic comes in.
 * - `lb-weight`: one listener or rule forwards to target groups by weight; each member has a group of its own
 * - `lb-target`: members are registered in one shared group
 * - `address-move`: one public address, bound to one member
 * - `dns-weight`: one name answers with the addresses of its members by weight; clients follow when their answer has expired
 */
export type TrafficMechanism = 'lb-weight' | 'lb-target' | 'address-move' | 'dns-weight'

/** How a mechanism behaves where clouds differ. */
export interface MechanismTraits {
  /** A member can be enrolled with weight 0 and its health watched before it gets traffic. */
  readonly standby: boolean
  /** Nothing watches whether a member answers before it has traffic, if ever (`unknown`): whoever moves the traffic has to know. */
  readonly unwatched?: true
  /** For about so long nobody gets the traffic while it moves. Absent: it moves without a gap. */
  readonly gapSeconds?: number
  /** Members may be instances of other accounts, of any cloud: their `address` is given with them, and is their id in `state`. */
  readonly foreign?: true
}

/** JSON that names the entry point, given by the owner of the resource (or discovered), for instance a listener and two groups. */
export interface TrafficBinding {
  readonly mechanism: TrafficMechanism
  /** Checked by `validate`; private to the adapter otherwise. */
  readonly native: JsonObject
}

export type MemberHealth = 'healthy' | 'unhealthy' | 'initial' | 'draining' | 'unused' | 'unknown'
export interface TrafficMember {
  readonly nativeId: string
  /** Share of new requests in percent. The shares of one binding sum to 100, or to 0 when it is offline on purpose. */
  readonly weight: number
  readonly health: MemberHealth
}

/**
 * Sending requests to one member rather than another.
 * Every implementation raises the new member before it lowers the old one, and never takes a member out before its
 * replacement is healthy.
 */
export interface Traffic {
  /**
   * Mechanisms this cloud has. Without `standby` (`lb-target`, `address-move`) a member is enrolled only when it shall take over.
   */
  readonly mechanisms: Readonly<Partial<Record<TrafficMechanism, MechanismTraits>>>
  /** Checks that the binding is well-formed and exists; throws `invalid` or `not_found` with what is wrong. */
  validate(binding: TrafficBinding): Promise<void>
  /** Members as the cloud sees them now. */
  state(binding: TrafficBinding): Promise<readonly TrafficMember[]>
  /**
   * How the cloud sees one member; `undefined`: it is not one. Only where that costs fewer calls than `state`: in a mass reclaim
   * each call counts a thousand times.
   */
  health?(binding: TrafficBinding, nativeId: string): Promise<MemberHealth | undefined>
  /** How long clients may go on with the answer they had before a change, in seconds. Absent: they keep none. */
  followSeconds?(binding: TrafficBinding): Promise<number | undefined>
  /**
   * For how long whoever is taken out goes on serving what it has, in seconds, where the cloud does not show it: `state` has that member
   * no more. Absent: `state` shows it as `draining`.
   */
  drainSeconds?(binding: TrafficBinding): Promise<number | undefined>
  /**
   * Makes a member known. With `standby` it has weight 0 until `setWeights`; in an `lb-target` group it shares the traffic as
   * soon as it is healthy; for `address-move` nothing happens. Repeatable.
   */
  enrol(binding: TrafficBinding, ref: InstanceRef, context: CallContext): Promise<void>
  /**
   * Declares the whole weight vector. Members not named get 0. Returns when the cloud has accepted it; `state` tells when it
   * has taken effect. Repeating it changes nothing.
   */
  setWeights(binding: TrafficBinding, weights: readonly { readonly ref: InstanceRef; readonly weight: number }[], context: CallContext): Promise<void>
  /** Takes a member out: it finishes what it has (`draining`, or `drainSeconds`) and is then gone. Unknown member: nothing happens. */
  remove(binding: TrafficBinding, ref: InstanceRef, context: CallContext): Promise<void>
}
