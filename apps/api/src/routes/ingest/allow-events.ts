import { allowEvents as contract } from '@understudy/contract'
import { authenticateIngest } from '@understudy/control'
import { ingestKeyOf } from '../../http/ingest-key.ts'
import { route } from '../../http/route.ts'

/** The handshake of CloudEvents' HTTP webhooks: whoever may push is told how often. */
export const allowEventsRoute = route(contract, async ({ control, deps, limits, params, headers, request, reply, verifyToken }) => {
  const account = await limits.stranger(request, reply, () => authenticateIngest(control, { ...params, secret: ingestKeyOf(request), verifyToken }))
  limits.ingest(account.id, reply)
  const perMinute = deps.settings.ingestRate.perSecond * 60
  const asked = headers['webhook-request-rate']
  return {
    status: 200,
    headers: {
      'webhook-allowed-origin': headers['webhook-request-origin'],
      'webhook-allowed-rate': String(asked === undefined ? perMinute : Math.min(perMinute, asked)),
      allow: 'OPTIONS, POST',
    },
  }
})
