import { streamOperation as contract } from '@understudy/contract'
import { lastEventId } from '../../streams/sse.ts'
import { route } from '../../http/route.ts'
import { bearerOf, isStillAllowed } from '../../plugins/authentication.ts'
import { streamOperation } from '../../streams/operation-stream.ts'

export const streamOperationRoute = route(contract, async ({ control, deps, principal, params, request, streams }) => {
  const secret = bearerOf(request)
  const { readable } = await streamOperation({
    deps,
    principal,
    operationId: params.id,
    lastEventId: lastEventId(request),
    streams,
    stillAllowed: () => isStillAllowed(control, secret),
  })
  return { status: 200, stream: readable }
})
