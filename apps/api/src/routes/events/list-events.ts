import { listEvents as contract } from '@understudy/contract'
import { cloudEventPage, followEvents } from '../../streams/cloud-events.ts'
import { ok, route } from '../../http/route.ts'

export const listEventsRoute = route(contract, async (call) => {
  const wantsStream = (call.request.headers.accept ?? '').includes('text/event-stream')
  return wantsStream ? { status: 200, stream: await followEvents(call) } : ok(await cloudEventPage(call))
})
