import { undeleteRecoveryPoint as contract } from '@understudy/contract'
import { undeleteRecoveryPoint } from '@understudy/control'
import { ok, route } from '../../http/route.ts'
import { recoveryPointView } from '../../views/recovery-point.ts'

export const undeleteRecoveryPointRoute = route(contract, async ({ control, principal, params, seenVersion }) =>
  ok(recoveryPointView(await undeleteRecoveryPoint(control, principal, { id: params.id, seenVersion }))),
)
