import { startRollback as contract } from '@understudy/contract'
import { prepareRollback, startRollback } from '@understudy/control'
import { AppError } from '@understudy/core'
import { accepted } from '../../http/accepted.ts'
import { ok, route } from '../../http/route.ts'
import { rollbackPlanView } from '../../views/rollback.ts'

export const startRollbackRoute = route(contract, async (call) => {
  const { planHash, paths, ...rest } = call.body
  const request = { ...rest, ...(paths === undefined ? {} : { paths: { mountedAt: '/', ...paths } }) }
  if (call.query.validateOnly === 'true') {
    const prepared = await prepareRollback(call.control, call.principal, request)
    return ok({ plan: rollbackPlanView(prepared.plan), planHash: prepared.planHash })
  }
  if (planHash === undefined) {
    throw new AppError(
      'invalid_request',
      'A rollback is carried out by a plan that you have seen: ask with validateOnly=true, then repeat with its planHash.',
      {
        errors: [{ pointer: '/planHash', message: 'is required' }],
      },
    )
  }
  return accepted(call, await startRollback(call.control, call.principal, { ...request, planHash }))
})
