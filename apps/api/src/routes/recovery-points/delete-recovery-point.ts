import { deleteRecoveryPoint as contract } from '@understudy/contract'
import { deleteRecoveryPoint } from '@understudy/control'
import { ok, route } from '../../http/route.ts'
import { recoveryPointView } from '../../views/recovery-point.ts'

export const deleteRecoveryPointRoute = route(contract, async ({ control, principal, params, seenVersion }) =>
  ok(recoveryPointView(await deleteRecoveryPoint(control, principal, { id: params.id, seenVersion }))),
)
