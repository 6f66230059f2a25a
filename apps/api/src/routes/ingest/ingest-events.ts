import { ingestEvents as contract } from '@understudy/contract'
import { authenticateIngest, ingestDocuments, priorities } from '@understudy/control'
import { ringFor } from '../../http/accepted.ts'
import { documentsOf } from '../../http/pushed-documents.ts'
import { ingestKeyOf } from '../../http/ingest-key.ts'
import { route } from '../../http/route.ts'

export const ingestEventsRoute = route(contract, async ({ control, deps, limits, params, body, request, reply }) => {
  const account = await limits.stranger(request, reply, () => authenticateIngest(control, { ...params, secret: ingestKeyOf(request) }))
  limits.ingest(account.id, reply)
  const { documents, ignored } = documentsOf(body)
  const result = await ingestDocuments(control, { account, source: 'push', documents })
  for (const { operationId } of result.signals) if (operationId !== undefined) ringFor(deps, { id: operationId, priority: priorities.interruption })
  return {
    status: 202,
    body: {
      signals: result.signals.map((signal) => ({ ...signal })),
      ignored: [...ignored, ...result.ignored.map(({ index, reason }) => ({ index, reason }))],
    },
  }
})
