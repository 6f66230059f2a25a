import { notFound } from '@understudy/core'
import type { Traits } from '@understudy/provider'
import type { Principal } from '../access/access.ts'
import { requireRole } from '../access/require-role.ts'
import type { Account } from '../accounts/account.ts'
import { abilitiesOf } from '../cloud/abilities.ts'
import { reach } from '../cloud/reach.ts'
import type { Control } from '../context.ts'
import type { Capability } from './capability.ts'
import { cloudCapabilities } from './cloud-capabilities.ts'
import { permitted } from './permitted.ts'
import { resourceCapabilities } from './resource-capabilities.ts'
import { tierCapabilities } from './tier-capabilities.ts'
import type { TierCapability } from './tier-capabilities.ts'

export interface AccountCapabilities {
  readonly account: Account
  readonly capabilities: readonly Capability[]
  readonly expectedSeconds: Traits['expectedSeconds']
}

/** What can be done in the cloud of an account. Asks the cloud nothing. */
export async function getAccountCapabilities(control: Control, principal: Principal, input: { readonly id: string }): Promise<AccountCapabilities> {
  requireRole(principal, 'viewer')
  const account = await control.database.stores.accounts.find(principal.projectId, input.id)
  if (account === undefined) throw notFound('account')
  const provider = await control.providers.open(account)
  return { account, capabilities: permitted(cloudCapabilities(abilitiesOf(provider)), account), expectedSeconds: provider.traits.expectedSeconds }
}

/** What can be done with one resource, and which tiers could be kept for it. Asks the cloud nothing. */
export async function getResourceCapabilities(
  control: Control,
  principal: Principal,
  input: { readonly id: string },
): Promise<AccountCapabilities & { readonly resourceId: string; readonly tiers: readonly TierCapability[] }> {
  requireRole(principal, 'viewer')
  const { stores } = control.database
  const resource = await stores.resources.find(principal.projectId, input.id)
  const account = resource && (await stores.accounts.find(principal.projectId, resource.accountId))
  if (!resource || !account) throw notFound('resource')
  const provider = await control.providers.open(account)
  const { cloud } = await reach(control, resource, [])
  return {
    account,
    resourceId: resource.id,
    capabilities: permitted(resourceCapabilities(resource, cloud), account),
    tiers: tierCapabilities(resource, cloud),
    expectedSeconds: provider.traits.expectedSeconds,
  }
}
