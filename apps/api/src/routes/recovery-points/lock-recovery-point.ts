import { lockRecoveryPoint as contract } from '@understudy/contract'
import { lockRecoveryPoint } from '@understudy/control'
import { ok, route } from '../../http/route.ts'
import { recoveryPointView } from '../../views/recovery-point.ts'

export const lockRecoveryPointRoute = route(contract, async ({ control, principal, params, body, seenVersion }) =>
  ok(recoveryPointView(await lockRecoveryPoint(control, principal, { id: params.id, seenVersion, until: new Date(body.until) }))),
)
