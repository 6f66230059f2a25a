import { ownTags } from '@understudy/core'
import type { Leftover, Provider } from '@understudy/provider'
import type { Account } from '../accounts/account.ts'
import type { Control } from '../context.ts'
import { isNobodys } from './leftover.gate.ts'

/** Operations that run scripts inside of primaries. */
const commanding = ['recovery.rollback', 'recovery.restore-paths']
/** So long after one its primary is looked at: whatever it has run has ended by then, many times over. */
const lookedBackMs = 48 * 3_600_000
const pageMax = 500
const listedMax = 10_000

/** What is left in an account, and nobody's. The cloud is asked first: whoever began something meanwhile is seen among the unfinished. */
export async function findLeftovers(
  control: Pick<Control, 'database' | 'clock' | 'settings'>,
  account: Account,
  provider: Provider,
): Promise<readonly Leftover[]> {
  const { leftovers } = provider
  if (leftovers === undefined) return []
  const tags = { [ownTags.managed]: 'true', [ownTags.installation]: control.settings.installation }
  const nativeIds = await commandedIn(control, account)
  const found = await leftovers.list({ tags, instances: nativeIds.map((nativeId) => ({ ...provider.scope, nativeId })) })
  const resourceIds = [...new Set(found.flatMap((leftover) => leftover.tags[ownTags.resource] ?? []))]
  if (resourceIds.length === 0) return []
  const busy = await control.database.stores.operations.listUnfinished({ resourceIds, limit: listedMax })
  const busyResources = new Set(busy.map(({ resourceId }) => resourceId))
  return found.filter((leftover) => isNobodys(leftover, busyResources))
}

/** Primaries in which scripts were run of late. */
async function commandedIn({ database, clock }: Pick<Control, 'database' | 'clock'>, account: Account): Promise<readonly string[]> {
  const { resources, operations } = database.stores
  const since = new Date(clock.nowMs() - lookedBackMs)
  const found: string[] = []
  for (let after: string | undefined; ;) {
    const page = await resources.list(account.projectId, { after, limit: pageMax, accountId: account.id })
    const of = await operations.resourcesWith({ resourceIds: page.map(({ id }) => id), kinds: commanding, since })
    found.push(...page.filter(({ id }) => of.has(id)).map(({ nativeId }) => nativeId))
    after = page.at(-1)?.id
    if (after === undefined || page.length < pageMax) return found
  }
}
