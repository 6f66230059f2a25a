import { ingestEvents as contract } from '@understudy/contract'
import { answerHandshake, authenticateIngest, ingestDocuments, priorities } from '@understudy/control'
import { ringFor } from '../../http/accepted.ts'
import { ingestKeyOf } from '../../http/ingest-key.ts'
import { ok, route } from '../../http/route.ts'

export const ingestEventsRoute = route(contract, async ({ control, deps, limits, params, body, request, reply, verifyToken }) => {
  const account = await limits.stranger(request, reply, () => authenticateIngest(control, { ...params, secret: ingestKeyOf(request), verifyToken }))
  limits.ingest(account.id, reply)
  const documents = Array.isArray(body) ? body : [body]
  const handshake = answerHandshake(control, account, documents)
  if (handshake !== undefined) return ok(handshake)
  const { signals, ignored } = await ingestDocuments(control, { account, source: 'push', documents })
  for (const { operationId } of signals) if (operationId !== undefined) ringFor(deps, { id: operationId, priority: priorities.interruption })
  return {
    status: 202,
    body: { signals: signals.map((signal) => ({ ...signal })), ignored: ignored.map(({ index, reason }) => ({ index, reason })) },
  }
})
