import { getMetrics as contract } from '@understudy/contract'
import { route } from '../../http/route.ts'

export const getMetricsRoute = route(contract, async ({ deps, reply }) => {
  const { contentType, text } = await deps.metrics.render()
  reply.type(contentType)
  return { status: 200, body: text }
})
