import type { Weights } from '@understudy/provider/adapter-kit'
import type { CallContext, InstanceRef, Traffic, TrafficBinding, TrafficMember } from '@understudy/provider'

/** One way of directing traffic; `Traffic` chooses it by the binding. */
export interface Mechanism {
  validate(binding: TrafficBinding): Promise<void>
  state(binding: TrafficBinding): Promise<readonly TrafficMember[]>
  followSeconds?(binding: TrafficBinding): Promise<number>
  enrol(binding: TrafficBinding, ref: InstanceRef, context: CallContext): Promise<void>
  setWeights(binding: TrafficBinding, weights: Weights, context: CallContext): Promise<void>
  remove(binding: TrafficBinding, ref: InstanceRef, context: CallContext): Promise<void>
}

/** Those that Azure has. Nobody has measured how long an address is on its way: two writes of interfaces, each of some seconds. */
export const trafficMechanisms: Traffic['mechanisms'] = {
  'lb-target': { standby: false },
  'address-move': { standby: false, unwatched: true, gapSeconds: 20 },
  // Whoever has no weight is disabled, and what is disabled is not probed.
  'dns-weight': { standby: false, unwatched: true, foreign: true },
}
