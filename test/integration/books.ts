import type { Resource } from '@understudy/control'
import { vi } from 'vitest'
import type { World } from './world.ts'

/** A tier, so that the cloud's books are asked about it; the promise itself is of no concern. */
export async function askBooks({ control }: World, { id }: Pick<Resource, 'id'>): Promise<void> {
  const { resources } = control.database.stores
  await vi.waitUntil(
    async () => {
      const found = (await resources.findById(id))!
      const tier = { shadows: 0, readiness: 'cold', instanceType: undefined, purchase: 'on-demand', holdMemory: false } as const
      const rest = { zones: 'any', proofMaxAgeSeconds: 86_400, formerPrimary: 'standby' } as const
      return resources.update({ ...found, tier: { ...tier, ...rest } }, found.version).then(
        () => true,
        () => false,
      )
    },
    { timeout: 300_000, interval: 100 },
  )
}
