import { getRecoveryPoint as contract } from '@understudy/contract'
import { copiesOfPoints, getRecoveryPoint } from '@understudy/control'
import { ok, route } from '../../http/route.ts'
import { recoveryPointView } from '../../views/recovery-point.ts'

export const getRecoveryPointRoute = route(contract, async ({ control, principal, params }) => {
  const point = await getRecoveryPoint(control, principal, { id: params.id })
  const copies = await copiesOfPoints(control, principal, [point.id])
  return ok(recoveryPointView(point, copies.get(point.id)))
})
