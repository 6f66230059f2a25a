import type { CallContext, InstanceRef, TrafficBinding, TrafficMember } from '@understudy/provider'
import type { Weights } from '@understudy/provider/adapter-kit'

/** One way of directing traffic; `Traffic` chooses it by the binding. */
export interface Mechanism {
  validate(binding: TrafficBinding): Promise<void>
  state(binding: TrafficBinding): Promise<readonly TrafficMember[]>
  /** Of a load balancer, which shows nobody who drains. Absent: `state` does. */
  drainSeconds?(binding: TrafficBinding): Promise<number>
  followSeconds?(binding: TrafficBinding): Promise<number>
  enrol(binding: TrafficBinding, ref: InstanceRef, context: CallContext): Promise<void>
  setWeights(binding: TrafficBinding, weights: Weights, context: CallContext): Promise<void>
  remove(binding: TrafficBinding, ref: InstanceRef, context: CallContext): Promise<void>
}
