import { getResourceCapabilities as contract } from '@understudy/contract'
import { getResourceCapabilities } from '@understudy/control'
import { ok, route } from '../../http/route.ts'
import { capabilityView, tierCapabilityView } from '../../views/capability.ts'

export const getResourceCapabilitiesRoute = route(contract, async ({ control, principal, params }) => {
  const { account, resourceId, capabilities, tiers, expectedSeconds } = await getResourceCapabilities(control, principal, { id: params.id })
  return ok({
    resourceId,
    accountId: account.id,
    capabilities: capabilities.map(capabilityView),
    tiers: tiers.map(tierCapabilityView),
    expectedSeconds,
  })
})
