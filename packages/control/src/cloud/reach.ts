import { notFound } from '@understudy/core'
import type { Provider } from '@understudy/provider'
import type { Control } from '../context.ts'
import { entryAccountOf } from '../resources/resource.ts'
import type { Resource } from '../resources/resource.ts'
import { abilitiesOf } from './abilities.ts'
import type { Abilities } from './abilities.ts'

/** What can be done for a resource, in each of the accounts that it reaches into. Asks no cloud. */
export interface Reach {
  /** Of the primary's account, with the traffic of the entry point's. */
  readonly cloud: Abilities
  /** Of the other accounts that were asked for. */
  readonly clouds: ReadonlyMap<string, Abilities>
  readonly entry: Provider
}

export async function reach(
  control: Pick<Control, 'database' | 'providers'>,
  resource: Pick<Resource, 'accountId' | 'projectId' | 'traffic'>,
  others: readonly { readonly accountId: string }[],
): Promise<Reach> {
  const open = async (accountId: string): Promise<Provider> => {
    const account = await control.database.stores.accounts.find(resource.projectId, accountId)
    if (account === undefined) throw notFound('account')
    return control.providers.open(account)
  }
  const own = await open(resource.accountId)
  const entryId = entryAccountOf(resource)
  const entry = entryId === resource.accountId ? own : await open(entryId)
  const clouds = new Map<string, Abilities>()
  for (const { accountId } of others) {
    if (accountId !== resource.accountId && !clouds.has(accountId)) clouds.set(accountId, abilitiesOf(await open(accountId)))
  }
  const { traffic: _own, ...rest } = abilitiesOf(own)
  return { cloud: entry.traffic === undefined ? rest : { ...rest, traffic: entry.traffic.mechanisms }, clouds, entry }
}
