import type { JsonObject } from '@understudy/core'

const groups = ['read', 'mutate', 'launch', 'start', 'snapshot', 'tag', 'traffic', 'blocks'] as const

/**
 * The simulated region does not count calls, so that what is measured is Understudy and not a cloud's patience. One row of the
 * table leaves this setting out, and so keeps to the limits that EC2 publishes.
 */
export const wideLimits: JsonObject = Object.fromEntries(groups.map((group) => [group, { capacity: 100_000, refillPerSecond: 100_000 }]))
