import { listTransitions, maintenanceReconciler, transitionsReconciler } from '@understudy/control'
import type { Resource, Transition } from '@understudy/control'
import { vi } from 'vitest'
import type { World } from './world.ts'

/**
 * The first transition of a resource that is so, looked for until there is one. The reconcilers of the worker may be at it too: a race that
 * was lost, and what did not answer in time, is made up for by the next look.
 */
export function untilTransition(
  { control, principal }: World,
  { id: resourceId }: Pick<Resource, 'id'>,
  isSo: (transition: Transition) => boolean | Promise<boolean>,
): Promise<Transition> {
  return vi.waitUntil(
    async () => {
      for (const { pass } of [maintenanceReconciler, transitionsReconciler]) await pass(control).catch(() => undefined)
      const { items } = await listTransitions(control, principal, { resourceId })
      for (const item of items) if (await isSo(item)) return item
      return undefined
    },
    { timeout: 300_000, interval: 50 },
  )
}

/** Everything that is done before is done: also the point is kept. */
export async function isPrepared({ control }: World, { status, pointId }: Transition): Promise<boolean> {
  return status === 'prepared' && (await control.database.stores.recoveryPoints.findById(pointId ?? ''))?.status === 'usable'
}
