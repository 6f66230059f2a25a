import { startFailover as contract } from '@understudy/contract'
import { planFailover, startFailover } from '@understudy/control'
import { accepted } from '../../http/accepted.ts'
import { ok, route } from '../../http/route.ts'
import { planView } from '../../views/resource.ts'

export const startFailoverRoute = route(contract, async (call) => {
  const { deadline, ...body } = call.body
  const input = { ...body, resourceId: call.params.id, ...(deadline === undefined ? {} : { deadline: new Date(deadline) }) }
  if (call.query.validateOnly !== 'true') return accepted(call, await startFailover(call.control, call.principal, input))
  const { plan, planHash } = await planFailover(call.control, call.principal, input)
  return ok({ plan: planView(plan), planHash })
})
