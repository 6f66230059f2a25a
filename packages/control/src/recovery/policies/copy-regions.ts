import type { Principal } from '../../access/access.ts'
import type { Stores } from '../../database.ts'
import { refuseInvalid } from '../../fields.ts'
import type { PolicyRules } from './policy.ts'

const accountsLookedAt = 1000

/** A region in which all accounts of the project are is no other for any of its resources. */
export async function refuseOwnRegions(stores: Pick<Stores, 'accounts'>, principal: Principal, { copies = [] }: PolicyRules): Promise<void> {
  if (copies.length === 0) return
  const accounts = await stores.accounts.list(principal.projectId, { after: undefined, limit: accountsLookedAt })
  if (accounts.length === 0) return
  refuseInvalid(
    copies.flatMap(({ region }, index) =>
      accounts.every((account) => account.region === region)
        ? [{ pointer: `/copies/${index}/region`, message: `is the region of the resources themselves: a copy has to be in another` }]
        : [],
    ),
  )
}
