import { getResourceTimeline as contract } from '@understudy/contract'
import { getResource } from '@understudy/control'
import { ok, route } from '../../http/route.ts'
import { resourceTimeline } from '../../http/resource-timeline.ts'

export const getResourceTimelineRoute = route(contract, async (call) => {
  const resource = await getResource(call.control, call.principal, { id: call.params.id })
  const { items, nextAfter } = await resourceTimeline(call.control, call.principal, { ...call.page, resourceId: resource.id })
  return ok(nextAfter === undefined ? { items } : { items, nextPageToken: call.tokenFor(nextAfter) })
})
