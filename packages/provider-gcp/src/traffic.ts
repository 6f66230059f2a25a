import { providerError } from '@understudy/provider'
import type { Traffic, TrafficBinding } from '@understudy/provider'
import { checkWeights } from '@understudy/provider/adapter-kit'
import type { Adapter } from './adapter.ts'
import { enrol, remove, setWeights, state, validate } from './traffic/lb-weight.ts'

/** Global load balancers: two instance groups of one backend service, by their capacity. */
export function gcpTraffic(adapter: Adapter): Traffic {
  const known = (binding: TrafficBinding): TrafficBinding => {
    // The binding comes from a document; its type is a promise, not a fact.
    if (binding.mechanism !== 'lb-weight')
      throw providerError('unsupported', 'UnknownMechanism', `Google has no traffic mechanism ${String(binding.mechanism)} here.`)
    return binding
  }
  return {
    mechanisms: { 'lb-weight': { standby: true } },
    async validate(binding) {
      await validate(adapter, known(binding))
    },
    async state(binding) {
      return await state(adapter, known(binding))
    },
    async enrol(binding, ref, context) {
      await enrol(adapter, known(binding), ref, context)
    },
    async setWeights(binding, weights, context) {
      checkWeights(weights)
      await setWeights(adapter, known(binding), weights, context)
    },
    async remove(binding, ref, context) {
      await remove(adapter, known(binding), ref, context)
    },
  }
}
