import { providerError } from '@understudy/provider'
import type { Traffic, TrafficBinding } from '@understudy/provider'
import { checkWeights } from '@understudy/provider/adapter-kit'
import type { Adapter } from './adapter.ts'
import { addressMove } from './traffic/address-move.ts'
import { balancer } from './traffic/balancer.ts'
import { dnsWeight } from './traffic/dns-weight.ts'
import { lbTarget } from './traffic/lb-target.ts'
import { lbWeight } from './traffic/lb-weight.ts'
import type { Mechanism } from './traffic/mechanism.ts'

/** Elastic Load Balancing, Elastic IPs and Route 53. */
export function awsTraffic(adapter: Adapter): Traffic {
  const shared = balancer(adapter)
  const mechanisms: Readonly<Partial<Record<string, Mechanism>>> = {
    'lb-weight': lbWeight(adapter, shared),
    'lb-target': lbTarget(adapter, shared),
    'address-move': addressMove(adapter),
    'dns-weight': dnsWeight(adapter),
  }
  const of = ({ mechanism }: TrafficBinding): Mechanism => {
    // The binding comes from a document; its type is a promise, not a fact.
    const found = mechanisms[mechanism]
    if (found === undefined) throw providerError('unsupported', 'UnknownMechanism', `AWS has no traffic mechanism ${String(mechanism)} here.`)
    return found
  }
  return {
    mechanisms: {
      'lb-weight': { standby: true },
      'lb-target': { standby: false },
      'address-move': { standby: false, unwatched: true },
      'dns-weight': { standby: false, unwatched: true, foreign: true },
    },
    async validate(binding) {
      await of(binding).validate(binding)
    },
    async state(binding) {
      return await of(binding).state(binding)
    },
    async health(binding, nativeId) {
      const mechanism = of(binding)
      if (mechanism.health) return await mechanism.health(binding, nativeId)
      return (await mechanism.state(binding)).find((member) => member.nativeId === nativeId)?.health
    },
    followSeconds: async (binding) => of(binding).followSeconds?.(binding),
    drainSeconds: async (binding) => of(binding).followSeconds?.(binding),
    async enrol(binding, ref, context) {
      await of(binding).enrol(binding, ref, context)
    },
    async setWeights(binding, weights, context) {
      checkWeights(weights)
      await of(binding).setWeights(binding, weights, context)
    },
    async remove(binding, ref, context) {
      await of(binding).remove(binding, ref, context)
    },
  }
}
