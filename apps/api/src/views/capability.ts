import type { Capability as CapabilityView, TierCapability as TierCapabilityView } from '@understudy/contract'
import type { Capability, TierCapability } from '@understudy/control'
import type { z } from 'zod'
import { present } from './optional.ts'

export const capabilityView = (capability: Capability): z.input<typeof CapabilityView> => {
  if (!capability.supported) return { name: capability.name, supported: false, reason: capability.reason }
  const { name, details } = capability
  return Object.keys(details).length === 0 ? { name, supported: true } : { name, supported: true, details }
}

export const tierCapabilityView = ({ readiness, purchase, holdMemory, supported, reason }: TierCapability): z.input<typeof TierCapabilityView> =>
  present({ readiness, purchase, holdMemory, supported, reason })
