import { providerError, type CallContext, type InstanceRef, type Traffic, type TrafficBinding, type TrafficMember } from '@understudy/provider'
import { checkWeights, type Weights } from '@understudy/provider/adapter-kit'
import type { SimAdapter } from './adapter.ts'
import { addressMove } from './traffic-address.ts'
import { weightedNames } from './traffic-dns.ts'
import { sharedGroup } from './traffic-target.ts'
import { weightedGroups } from './traffic-weight.ts'

/** One way of directing traffic; `simTraffic` chooses it by the binding. */
export interface Mechanism {
  validate(binding: TrafficBinding): Promise<void>
  state(binding: TrafficBinding): Promise<readonly TrafficMember[]>
  followSeconds?(binding: TrafficBinding): Promise<number>
  enrol(binding: TrafficBinding, ref: InstanceRef, context: CallContext): Promise<void>
  setWeights(binding: TrafficBinding, weights: Weights, context: CallContext): Promise<void>
  remove(binding: TrafficBinding, ref: InstanceRef, context: CallContext): Promise<void>
}

export function simTraffic(adapter: SimAdapter): Traffic {
  const mechanisms: Readonly<Partial<Record<string, Mechanism>>> = {
    'lb-weight': weightedGroups(adapter),
    'lb-target': sharedGroup(adapter),
    'address-move': addressMove(adapter),
    'dns-weight': weightedNames(adapter),
  }
  const of = ({ mechanism }: TrafficBinding): Mechanism => {
    const found = mechanism in adapter.likeness.mechanisms ? mechanisms[mechanism] : undefined
    if (!found) throw providerError('unsupported', 'UnknownMechanism', `There is no traffic mechanism ${String(mechanism)} here.`)
    return found
  }
  return {
    mechanisms: adapter.likeness.mechanisms,
    validate: async (binding) => await of(binding).validate(binding),
    state: async (binding) => await of(binding).state(binding),
    followSeconds: async (binding) => await of(binding).followSeconds?.(binding),
    enrol: async (binding, ref, context) => await of(binding).enrol(binding, ref, context),
    setWeights: async (binding, weights, context) => {
      checkWeights(weights)
      await of(binding).setWeights(binding, weights, context)
    },
    remove: async (binding, ref, context) => await of(binding).remove(binding, ref, context),
  }
}
