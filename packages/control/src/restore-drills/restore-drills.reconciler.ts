import { now, ownTags } from '@understudy/core'
import { systemActor } from '../access/access.ts'
import type { Account } from '../accounts/account.ts'
import type { Control } from '../context.ts'
import { priorities } from '../operations/operation.ts'
import { startOperations } from '../operations/start-operation.ts'
import { AccountFailures } from '../reconcilers/per-account.ts'
import type { Reconciler } from '../reconcilers/reconciler.ts'
import type { RestoreDrill } from './restore-drill.ts'

const sweepsPerPass = 100
const listedMax = 10_000

/** So long after its time a drill's account is still looked at every minute: what a cloud has been slow to make shows by then. */
const watchedMs = 24 * 3_600_000

/**
 * Sees to it that nothing that a test rollback has made outlives its time: by the rows that were not cleaned, and, for what shows
 * only after its row was, by the tags in the clouds of the last drills. What has no row here is left to the sweep for orphans, which tells people.
 */
export const restoreDrillsReconciler: Reconciler = {
  name: 'restore-drills',
  everyMs: 60_000,
  passMaxMs: 300_000,
  async pass(control) {
    const { restoreDrills } = control.database.stores
    const overdue = await restoreDrills.listOverdue(now(control.clock), sweepsPerPass)
    return sweep(control, await restoreDrills.listAccountsSince(new Date(control.clock.nowMs() - watchedMs)), overdue)
  },
}

/** The same by the tags in every account, however long ago its last drill was. */
export const allRestoreDrillsReconciler: Reconciler = {
  name: 'restore-drills-everywhere',
  everyMs: 3_600_000,
  passMaxMs: 1_800_000,
  pass: async (control) =>
    sweep(
      control,
      (await control.database.stores.accounts.listAll()).map(({ id }) => id),
      [],
    ),
}

async function sweep(control: Control, accounts: readonly string[], overdue: readonly RestoreDrill[]): ReturnType<Reconciler['pass']> {
  const failures = new AccountFailures()
  const due = new Map(overdue.map((drill) => [drill.id, drill]))
  for (const id of accounts) {
    await failures.isolate(control, id, async (account) => {
      for (const drill of await leftBehind(control, account)) due.set(drill.id, drill)
    })
  }
  const started = await control.database.transaction((stores) =>
    startOperations(
      control,
      stores,
      [...due.values()].map((drill) => ({
        kind: 'recovery.sweep-drill',
        projectId: drill.projectId,
        params: { drillId: drill.id },
        resourceId: drill.resourceId,
        lockKey: `recovery.sweep-drill:${drill.id}`,
        priority: priorities.background,
        requestedBy: systemActor('restore-drills'),
        reason: 'What a test rollback has made has reached the end of its time',
      })),
    ),
  )
  return { result: { overdue: due.size, sweeps: started.filter(({ joined }) => !joined).length, failingAccounts: failures.report() } }
}

async function leftBehind(control: Control, account: Account): Promise<readonly RestoreDrill[]> {
  const provider = await control.providers.open(account)
  // No drill was ever made where nothing can be isolated.
  if (provider.isolation === undefined) return []
  const tags = { [ownTags.managed]: 'true', [ownTags.installation]: control.settings.installation, [ownTags.role]: 'drill' }
  const found: RestoreDrill[] = []
  for await (const { tags: shown, state } of provider.inventory.list({ tags, limit: listedMax })) {
    const expiresMs = Date.parse(shown[ownTags.expires] ?? '')
    if (state === 'terminated' || state === 'terminating' || !(expiresMs <= control.clock.nowMs())) continue
    const drill = await control.database.stores.restoreDrills.findById(shown[ownTags.drill] ?? '')
    if (drill?.accountId === account.id) found.push(drill)
  }
  return found
}
