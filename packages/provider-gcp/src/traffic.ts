import { providerError } from '@understudy/provider'
import type { Traffic, TrafficBinding } from '@understudy/provider'
import { checkWeights } from '@understudy/provider/adapter-kit'
import type { Adapter } from './adapter.ts'
import { addressMove } from './traffic/address-move.ts'
import { dnsWeight } from './traffic/dns-weight.ts'
import { lbTarget } from './traffic/lb-target.ts'
import { lbWeight } from './traffic/lb-weight.ts'
import type { Mechanism } from './traffic/mechanism.ts'

/** Global load balancers, reserved addresses and Cloud DNS. */
export function gcpTraffic(adapter: Adapter): Traffic {
  const mechanisms: Readonly<Partial<Record<string, Mechanism>>> = {
    'lb-weight': lbWeight(adapter),
    'lb-target': lbTarget(adapter),
    'address-move': addressMove(adapter),
    'dns-weight': dnsWeight(adapter),
  }
  const of = ({ mechanism }: TrafficBinding): Mechanism => {
    // The binding comes from a document; its type is a promise, not a fact.
    const found = mechanisms[mechanism]
    if (found === undefined) throw providerError('unsupported', 'UnknownMechanism', `Google has no traffic mechanism ${String(mechanism)} here.`)
    return found
  }
  return {
    mechanisms: {
      'lb-weight': { standby: true },
      'lb-target': { standby: false },
      // Two operations, one after the other.
      'address-move': { standby: false, unwatched: true, gapSeconds: 10 },
      'dns-weight': { standby: false, unwatched: true, foreign: true },
    },
    async validate(binding) {
      await of(binding).validate(binding)
    },
    async state(binding) {
      return await of(binding).state(binding)
    },
    async followSeconds(binding) {
      return await of(binding).followSeconds?.(binding)
    },
    async drainSeconds(binding) {
      return await of(binding).drainSeconds?.(binding)
    },
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
