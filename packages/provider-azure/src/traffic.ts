import { providerError } from '@understudy/provider'
import type { Traffic, TrafficBinding, TrafficMechanism } from '@understudy/provider'
import { checkWeights } from '@understudy/provider/adapter-kit'
import type { Adapter } from './adapter.ts'
import { traced } from './trace.ts'
import { addressMove } from './traffic/address-move.ts'
import { dnsWeight } from './traffic/dns-weight.ts'
import { lbTarget } from './traffic/lb-target.ts'
import { type Mechanism, trafficMechanisms } from './traffic/mechanism.ts'

/** Backend pools of load balancers, public IP addresses, and profiles of Traffic Manager. */
export function azureTraffic(adapter: Adapter): Traffic {
  const mechanisms: Readonly<Partial<Record<TrafficMechanism, Mechanism>>> = {
    'lb-target': lbTarget(adapter),
    'address-move': addressMove(adapter),
    'dns-weight': dnsWeight(adapter),
  }
  const of = ({ mechanism }: TrafficBinding): Mechanism => {
    const found = mechanisms[mechanism]
    if (found === undefined) throw providerError('unsupported', 'UnknownMechanism', `Azure has no traffic mechanism ${String(mechanism)} here.`)
    return found
  }
  return {
    mechanisms: trafficMechanisms,
    async validate(binding) {
      await of(binding).validate(binding)
    },
    async state(binding) {
      return await of(binding).state(binding)
    },
    // Where it is known for how long clients keep an answer, whoever was taken out serves those for as long; Azure shows neither.
    followSeconds: async (binding) => of(binding).followSeconds?.(binding),
    drainSeconds: async (binding) => of(binding).followSeconds?.(binding),
    enrol: (binding, ref, context) => traced(context, async () => of(binding).enrol(binding, ref, context)),
    setWeights: (binding, weights, context) =>
      traced(context, async () => {
        checkWeights(weights)
        await of(binding).setWeights(binding, weights, context)
      }),
    remove: (binding, ref, context) => traced(context, async () => of(binding).remove(binding, ref, context)),
  }
}
