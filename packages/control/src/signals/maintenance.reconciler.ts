import type { Json } from '@understudy/core'
import type { Account } from '../accounts/account.ts'
import type { Control } from '../context.ts'
import { AccountFailures } from '../reconcilers/per-account.ts'
import type { Reconciler } from '../reconcilers/reconciler.ts'
import { acceptSignals } from './accept-signals.ts'

const pageSize = 500

/** Reads the clouds' own books of scheduled changes, and so finds what a lost push has said. Known ones are duplicates. */
export const maintenanceReconciler: Reconciler = {
  name: 'maintenance',
  everyMs: 5 * 60_000,
  passMaxMs: 300_000,
  async pass(control) {
    const counts = { primaries: 0, scheduled: 0 }
    const failures = new AccountFailures()
    let after: string | undefined
    for (;;) {
      const page = await control.database.stores.resources.listProtected({ limit: pageSize, after })
      for (const [accountId, resources] of Map.groupBy(page, (resource) => resource.accountId)) {
        await failures.isolate(control, accountId, async (account) => {
          counts.scheduled += await readBooks(
            control,
            account,
            resources.map((resource) => resource.nativeId),
          )
        })
      }
      counts.primaries += page.length
      after = page.at(-1)?.id
      if (page.length < pageSize) return { result: { ...counts, failingAccounts: failures.report() } }
    }
  },
}

async function readBooks(control: Control, account: Account, nativeIds: readonly string[]): Promise<number> {
  const provider = await control.providers.open(account)
  if (!provider.signals) return 0
  const signals = await provider.signals.scheduled(nativeIds)
  const raw = (signal: object): Json => JSON.parse(JSON.stringify(signal)) as Json // drops what is undefined
  await acceptSignals(control, { account, source: 'poll', received: signals.map((signal) => ({ signal, raw: raw(signal) })) })
  return signals.length
}
