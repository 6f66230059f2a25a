import { systemActor } from '../access/access.ts'
import { priorities } from '../operations/operation.ts'
import { startOperations } from '../operations/start-operation.ts'
import { AccountFailures } from '../reconcilers/per-account.ts'
import type { Reconciler } from '../reconcilers/reconciler.ts'
import { findLeftovers } from './find-leftovers.ts'

/**
 * Sees to it that what a process has left behind by dying is not paid for, and fills no limit: public addresses whose instance never came to
 * be, and records of scripts. Instances are told of by the sweep for orphans: they may hold something.
 */
export const leftoversReconciler: Reconciler = {
  name: 'leftovers',
  everyMs: 10 * 60_000,
  passMaxMs: 300_000,
  async pass(control) {
    const failures = new AccountFailures()
    const found = { addresses: 0, commands: 0 }
    const due: { readonly id: string; readonly projectId: string; readonly name: string }[] = []
    for (const { id } of await control.database.stores.accounts.listAll()) {
      await failures.isolate(control, id, async (account) => {
        const leftovers = await findLeftovers(control, account, await control.providers.open(account))
        if (leftovers.length === 0) return
        due.push(account)
        for (const { kind } of leftovers) found[kind === 'address' ? 'addresses' : 'commands'] += 1
      })
    }
    const started = await control.database.transaction((stores) =>
      startOperations(
        control,
        stores,
        due.map(({ id, projectId, name }) => ({
          kind: 'account.sweep',
          projectId,
          params: { accountId: id },
          lockKey: `account.sweep:${id}`,
          priority: priorities.background,
          requestedBy: systemActor('leftovers'),
          reason: `Something that nobody uses was left in the account ${name}`,
        })),
      ),
    )
    return { result: { ...found, sweeps: started.filter(({ joined }) => !joined).length, failingAccounts: failures.report() } }
  },
}
