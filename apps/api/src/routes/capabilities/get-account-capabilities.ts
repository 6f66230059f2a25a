import { getAccountCapabilities as contract } from '@understudy/contract'
import { getAccountCapabilities } from '@understudy/control'
import { ok, route } from '../../http/route.ts'
import { capabilityView } from '../../views/capability.ts'

export const getAccountCapabilitiesRoute = route(contract, async ({ control, principal, params }) => {
  const { account, capabilities, expectedSeconds } = await getAccountCapabilities(control, principal, { id: params.id })
  const { id: accountId, provider, region } = account
  return ok({ accountId, provider, region, capabilities: capabilities.map(capabilityView), expectedSeconds })
})
