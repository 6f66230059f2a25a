import { getRecoveryPoint as contract } from '@understudy/contract'
import { getRecoveryPoint } from '@understudy/control'
import { ok, route } from '../../http/route.ts'
import { recoveryPointView } from '../../views/recovery-point.ts'

export const getRecoveryPointRoute = route(contract, async ({ control, principal, params }) =>
  ok(recoveryPointView(await getRecoveryPoint(control, principal, { id: params.id }))),
)
