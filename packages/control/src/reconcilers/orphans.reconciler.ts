import { now, ownTags } from '@understudy/core'
import type { InstanceSummary, Provider } from '@understudy/provider'
import type { Account } from '../accounts/account.ts'
import type { Control } from '../context.ts'
import { AccountFailures } from './per-account.ts'
import type { Reconciler } from './reconciler.ts'

/** Launched less than this ago: its row may be on its way. */
const youngMs = 15 * 60_000
const listedMax = 50_000

/**
 * Finds what we pay for and nobody answers for: instances with our tag that are neither a primary, nor an alive shadow, nor the
 * work of an unfinished operation. It reports and never ends anything: what looks forgotten may be what a person kept on purpose.
 */
export const orphansReconciler: Reconciler = {
  name: 'orphans',
  everyMs: 10 * 60_000,
  passMaxMs: 300_000,
  async pass(control) {
    const found: { readonly accountId: string; readonly nativeId: string; readonly role: string; readonly resourceId: string }[] = []
    const failures = new AccountFailures()
    for (const { id } of await control.database.stores.accounts.listAll()) {
      await failures.isolate(control, id, async (account) => {
        const orphans = await orphansOf(control, account, await control.providers.open(account))
        found.push(
          ...orphans.map((instance) => ({
            accountId: account.id,
            nativeId: instance.ref.nativeId,
            role: instance.tags[ownTags.role] ?? '',
            resourceId: instance.tags[ownTags.resource] ?? '',
          })),
        )
        if (orphans.length > 0) await report(control, account, orphans)
      })
    }
    return { result: { orphans: found, failingAccounts: failures.report() } }
  },
}

async function orphansOf(control: Control, account: Account, provider: Provider): Promise<readonly InstanceSummary[]> {
  const tags = { [ownTags.managed]: 'true', [ownTags.installation]: control.settings.installation }
  const ours: InstanceSummary[] = []
  for await (const instance of provider.inventory.list({ tags, limit: listedMax })) ours.push(instance)
  const suspects = ours.filter(
    (instance) => isOld(instance, control.clock.nowMs()) && instance.state !== 'terminated' && instance.state !== 'terminating',
  )
  const nativeIds = suspects.map((instance) => instance.ref.nativeId)
  if (nativeIds.length === 0) return []
  const { stores } = control.database
  const primaries = await stores.resources.findByNativeIds(account.id, nativeIds)
  const shadows = await stores.shadows.listAliveByNativeIds(account.id, nativeIds)
  const resourceIds = [...new Set(suspects.flatMap((instance) => instance.tags[ownTags.resource] ?? []))]
  const busy = await stores.operations.listUnfinished({ resourceIds, limit: listedMax })
  const owned = new Set([...primaries.map((resource) => resource.nativeId), ...shadows.map((shadow) => shadow.nativeId)])
  const busyResources = new Set(busy.map((operation) => operation.resourceId))
  return suspects.filter((instance) => !owned.has(instance.ref.nativeId) && !busyResources.has(instance.tags[ownTags.resource]))
}

function isOld(instance: InstanceSummary, nowMs: number): boolean {
  return instance.launchedAt === undefined || nowMs - Date.parse(instance.launchedAt) > youngMs
}

async function report(control: Control, account: Account, orphans: readonly InstanceSummary[]): Promise<void> {
  await control.database.stores.events.append([
    {
      id: control.ids.next('event'),
      projectId: account.projectId,
      type: 'io.understudy.accounts.orphans_found.v1',
      subject: `accounts/${account.id}`,
      at: now(control.clock),
      data: { id: account.id, nativeIds: orphans.slice(0, 100).map((instance) => instance.ref.nativeId), count: orphans.length },
    },
  ])
}
