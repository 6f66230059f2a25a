import type { Tier } from '@understudy/control'

export const hotTier: Tier = {
  shadows: 1,
  readiness: 'hot',
  zones: 'other',
  instanceType: undefined,
  purchase: 'on-demand',
  holdMemory: false,
  proofMaxAgeSeconds: 3600,
  formerPrimary: 'terminate',
}
export const parkedTier: Tier = { ...hotTier, readiness: 'parked' }
/** Snapshots and a recipe: a failover launches a replacement. */
export const coldTier: Tier = { ...hotTier, readiness: 'cold' }
