import { providerError } from '@understudy/provider'
import type { Traffic, TrafficBinding, TrafficMechanism } from '@understudy/provider'
import type { Adapter } from './adapter.ts'
import { addressMove } from './traffic/address-move.ts'
import { balancer } from './traffic/balancer.ts'
import { lbTarget } from './traffic/lb-target.ts'
import { lbWeight } from './traffic/lb-weight.ts'
import type { Mechanism, Weights } from './traffic/mechanism.ts'

/** Elastic Load Balancing and Elastic IPs. */
export function awsTraffic(adapter: Adapter): Traffic {
  const shared = balancer(adapter)
  const mechanisms: Readonly<Record<TrafficMechanism, Mechanism>> = {
    'lb-weight': lbWeight(adapter, shared),
    'lb-target': lbTarget(adapter, shared),
    'address-move': addressMove(adapter),
  }
  const of = ({ mechanism }: TrafficBinding): Mechanism => {
    // The binding comes from a document; its type is a promise, not a fact.
    const found = (mechanisms as Partial<Record<string, Mechanism>>)[mechanism]
    if (found === undefined) throw providerError('unsupported', 'UnknownMechanism', `AWS has no traffic mechanism ${String(mechanism)} here.`)
    return found
  }
  return {
    mechanisms: { 'lb-weight': { standby: true }, 'lb-target': { standby: false }, 'address-move': { standby: false } },
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

function checkWeights(weights: Weights): void {
  const sum = weights.reduce((total, { weight }) => total + weight, 0)
  const areWhole = weights.every(({ weight }) => Number.isInteger(weight) && weight >= 0)
  const areDistinct = new Set(weights.map(({ ref }) => ref.nativeId)).size === weights.length
  if (areWhole && areDistinct && (sum === 0 || sum === 100)) return
  throw providerError(
    'invalid',
    'InvalidWeights',
    'Weights must be whole percents of distinct members that sum to 100, or to 0 to take the entry offline.',
  )
}
