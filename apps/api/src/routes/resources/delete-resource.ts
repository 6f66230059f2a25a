import { deleteResource as contract } from '@understudy/contract'
import { deleteResource } from '@understudy/control'
import { done, route } from '../../http/route.ts'

export const deleteResourceRoute = route(contract, async ({ control, principal, params, seenVersion }) => {
  await deleteResource(control, principal, { id: params.id, seenVersion })
  return done
})
