import { AppError } from '@understudy/core'
import type { FieldError } from '@understudy/core'
import type { Traits } from '@understudy/provider'
import type { Tier } from '../resources/resource.ts'
import type { Resource } from '../resources/resource.ts'

/** Refuses a tier that could not be kept, with what is wrong and what would do instead. */
export function checkTier(tier: Tier, resource: Pick<Resource, 'dna' | 'traffic'>, traits: Traits): void {
  const errors: FieldError[] = []
  if (tier.readiness === 'warm' && (tier.instanceType === undefined || tier.instanceType === resource.dna.size.type)) {
    errors.push({ pointer: '/tier/instanceType', message: 'A warm shadow runs small: name a smaller instance type, or ask for a hot one.' })
  }
  if (tier.readiness === 'hot' && tier.instanceType !== undefined && tier.instanceType !== resource.dna.size.type) {
    errors.push({
      pointer: '/tier/instanceType',
      message: `A hot shadow has the size of its primary (${resource.dna.size.type}). Leave it out, or ask for a warm one.`,
    })
  }
  if (tier.holdMemory) {
    if (tier.readiness !== 'parked') {
      errors.push({
        pointer: '/tier/holdMemory',
        message: 'Only a parked shadow keeps its memory while it rests. Ask for readiness parked, or leave holdMemory out.',
      })
    } else if (!traits.hold.supported) {
      errors.push({ pointer: '/tier/holdMemory', message: `${traits.hold.reason} The nearest tier is parked without memory.` })
    } else if (tier.purchase === 'spot' && !traits.hold.withSpot) {
      errors.push({
        pointer: '/tier/purchase',
        message: 'This cloud does not hibernate interruptible instances. The nearest tier is parked on-demand with memory, or parked without.',
      })
    }
  }
  // Only a persistent spot request survives a stop, and we launch one-time requests: a parked spot shadow could never be stopped.
  if (tier.readiness === 'parked' && tier.purchase === 'spot') {
    errors.push({
      pointer: '/tier/purchase',
      message: 'An interruptible instance cannot be parked. The nearest tier is parked on-demand (its disks alone are billed), or hot on spot.',
    })
  }
  if (errors.length > 0) throw new AppError('invalid_request', 'This tier cannot be kept. See errors for the nearest that can.', { errors })
}
