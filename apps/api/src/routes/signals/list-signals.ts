import { listSignals as contract } from '@understudy/contract'
import { listSignals } from '@understudy/control'
import { pageAnswer, route } from '../../http/route.ts'
import { signalSummary } from '../../views/signal.ts'

export const listSignalsRoute = route(contract, async (call) => {
  const { pageSize: _size, pageToken: _token, ...filter } = call.query
  return pageAnswer(call, await listSignals(call.control, call.principal, { ...filter, ...call.page }), signalSummary)
})
