import { rotateIngestKey as contract } from '@understudy/contract'
import { rotateIngestKey } from '@understudy/control'
import { ok, route } from '../../http/route.ts'

export const rotateIngestKeyRoute = route(contract, async ({ control, principal, params }) =>
  ok(await rotateIngestKey(control, principal, { id: params.id })),
)
