import { now } from '@understudy/core'
import type { Control } from '../context.ts'
import type { Resource, Unplaced } from '../resources/resource.ts'
import type { Planning } from './plan-shadows.ts'

/** Keeps what is known of promised shadows that have no place, and says so once, when it becomes known. */
export async function noteUnplaced(control: Control, resource: Resource, plannings: ReadonlyMap<string, Planning>): Promise<void> {
  const before = resource.unplaced ?? []
  const at = now(control.clock)
  const after = [...plannings].flatMap(([accountId, { nowhere, isUnasked }]): Unplaced[] => {
    const known = before.find((one) => one.accountId === accountId)
    if (isUnasked) return known === undefined ? [] : [known]
    if (nowhere === undefined) return []
    return [{ accountId, ...nowhere, since: known?.code === nowhere.code ? known.since : at }]
  })
  const isSame = after.length === before.length && after.every((one) => before.some((known) => isLike(known, one) && known.reason === one.reason))
  if (isSame) return
  const fresh = after.filter((one) => !before.some((known) => isLike(known, one)))
  await control.database.transaction(async (stores) => {
    await stores.resources.setUnplaced(resource.id, after)
    await stores.events.append(
      fresh.map(({ accountId, code, reason }) => ({
        id: control.ids.next('event'),
        projectId: resource.projectId,
        type: 'io.understudy.shadows.unplaced.v1',
        subject: `resources/${resource.id}`,
        at,
        data: { resourceId: resource.id, accountId, code, reason },
      })),
    )
  })
}

const isLike = (a: Unplaced, b: Unplaced): boolean => a.accountId === b.accountId && a.code === b.code
