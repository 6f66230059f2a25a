import type { Weights } from '@understudy/provider/adapter-kit'
import type { CallContext, InstanceRef, MemberHealth, TrafficBinding, TrafficMember } from '@understudy/provider'

/** One way of directing traffic; `Traffic` chooses it by the binding. */
export interface Mechanism {
  validate(binding: TrafficBinding): Promise<void>
  state(binding: TrafficBinding): Promise<readonly TrafficMember[]>
  /** Absent where `state` asks no more than this would. */
  health?(binding: TrafficBinding, nativeId: string): Promise<MemberHealth | undefined>
  /** For so long clients keep an answer, and whoever was taken out goes on. Absent: they keep none, and `state` shows who drains. */
  followSeconds?(binding: TrafficBinding): Promise<number>
  enrol(binding: TrafficBinding, ref: InstanceRef, context: CallContext): Promise<void>
  setWeights(binding: TrafficBinding, weights: Weights, context: CallContext): Promise<void>
  remove(binding: TrafficBinding, ref: InstanceRef, context: CallContext): Promise<void>
}
